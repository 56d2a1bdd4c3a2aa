"""Export the weights of Maya's blendShape nodes, and the sound they go with, for `rhapsode train face`.

Runs inside Maya 2022 or later (Python 3.7 and up) with nothing but Maya and the standard library. For each
take it makes a folder with

    BS_name.npy    (N,) names of the channels
    BS_value.npy   (T, N) float32, one row a sampled frame
    BS_take.json   rate, range, nodes, scene and sound
    sound.wav      the sound of the time slider from the first frame to the last, if there is one

In the script editor, with the face mesh selected:

    import maya_export
    maya_export.export("D:/takes/take_01")

On a shelf button: ``import maya_export; maya_export.ask()``. Without a window:
``mayapy maya_export.py scene.mb OUT_FOLDER --fps 30``.
"""

from __future__ import annotations

import argparse
import array
import json
import math
import os
import re
import shutil
import struct
import sys
import tempfile
import wave
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Callable, Iterator, NamedTuple, Sequence  # noqa: UP035

NAMES, VALUES, ABOUT, SOUND = "BS_name.npy", "BS_value.npy", "BS_take.json", "sound.wav"

UNITS = {
    "game": 15.0,
    "film": 24.0,
    "pal": 25.0,
    "ntsc": 30.0,
    "show": 48.0,
    "palf": 50.0,
    "ntscf": 60.0,
    "23.976fps": 24000 / 1001,
    "29.97fps": 30000 / 1001,
    "29.97df": 30000 / 1001,
    "47.952fps": 48000 / 1001,
    "59.94fps": 60000 / 1001,
    "sec": 1.0,
    "millisec": 1000.0,
    "min": 1 / 60,
    "hour": 1 / 3600,
}
"""Frames a second of Maya's named time units; others are called after their number, such as 120fps."""

_WEIGHT = re.compile(r"^w(?:eight)?\[(\d+)\]$")


class ExportError(RuntimeError):
    """What was asked for cannot be exported; nothing was written."""


class Cancelled(Exception):  # noqa: N818
    """The user closed the progress window; nothing was written."""


class Channel(NamedTuple):
    """One weight: its name in the file, and its attribute in the scene."""

    name: str
    plug: str


class Heard(NamedTuple):
    """The sound of the scene: its file, and the scene frame at which it starts."""

    path: str
    start_frame: float


def export(
    folder: str,
    nodes: Sequence[str] | None = None,
    *,
    fps: float | None = None,
    start: float | None = None,
    end: float | None = None,
    sound: bool = True,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the weights of one take into ``folder`` and return what ``BS_take.json`` says of it.

    Every frame is evaluated by going there, so weights that are locked, or driven by keys, expressions,
    constraints or other rigs, are exported as they are seen. The current time, the undo queue and the
    selection are afterwards as they were.

    Args:
        folder: made for this take; its parent must exist.
        nodes: blendShape nodes or meshes; None takes the selection.
        fps: samples a second; None takes the scene's frame rate.
        start: first scene frame; None takes the start of the time slider's range.
        end: last scene frame; None takes the end of the time slider's range.
        sound: whether to write the sound too.
        overwrite: whether a take that is already in ``folder`` may be replaced.

    Raises:
        ExportError: there is no blendShape, the range or rate is wrong, or the folder refuses.
        Cancelled: the user cancelled.

    """
    cmds = _cmds()
    folder = os.path.abspath(os.path.expanduser(folder))
    _check_folder(folder, overwrite)
    found = blend_shapes(nodes)
    channels = channels_of(found)
    scene_fps = scene_rate()
    first = cmds.playbackOptions(query=True, minTime=True) if start is None else start
    last = cmds.playbackOptions(query=True, maxTime=True) if end is None else end
    rate = scene_fps if fps is None else float(fps)
    frames = sample_frames(first, last, scene_fps=scene_fps, fps=rate)
    values = _sampled(channels, frames)
    heard = sound_of_scene() if sound else None
    about = {
        "format": "rhapsode-maya",
        "version": 1,
        "fps": rate,
        "scene_fps": scene_fps,
        "start_frame": first,
        "end_frame": frames[-1],
        "frames": len(frames),
        "channels": len(channels),
        "moving": _moving(values, len(channels)),
        "nodes": found,
        "scene": os.path.basename(cmds.file(query=True, sceneName=True) or "") or "unsaved",
        "maya": str(cmds.about(version=True)),
    }
    with _written_whole(folder) as aside:
        write_names(os.path.join(aside, NAMES), [channel.name for channel in channels])
        write_values(os.path.join(aside, VALUES), values, len(channels))
        seconds = len(frames) / rate
        about.update(_write_sound(aside, heard, first, scene_fps, seconds))
        with open(os.path.join(aside, ABOUT), "w", encoding="utf-8") as out:
            json.dump(about, out, indent=1, ensure_ascii=False)
            out.write("\n")
    return about


def ask() -> None:
    """Ask for a folder, export the selection into it, and say what came of it: for a shelf button."""
    cmds = _cmds()
    chosen = cmds.fileDialog2(fileMode=3, caption="Folder for this take", okCaption="Export here")
    if not chosen:
        return
    title, there = "Rhapsode export", os.path.exists(os.path.join(chosen[0], VALUES))
    if there:
        question = f"Replace the take in {chosen[0]}?"
        buttons = {"button": ["Replace", "Cancel"], "cancelButton": "Cancel", "dismissString": "Cancel"}
        if cmds.confirmDialog(title=title, message=question, **buttons) != "Replace":
            return
    try:
        about = export(chosen[0], overwrite=there)
    except Cancelled:
        message = "Cancelled; nothing was written."
    except ExportError as error:
        message = f"Nothing was written: {error}"
    else:
        heard = about["sound"] or "no sound"
        message = f"{about['frames']} frames of {about['channels']} channels, {heard}, in {chosen[0]}"
    cmds.confirmDialog(title=title, message=message, button=["OK"])


def blend_shapes(nodes: Sequence[str] | None = None) -> list[str]:
    """Return the blendShape nodes among ``nodes`` or behind the meshes among them; None: the selection.

    Raises:
        ExportError: nothing is given or selected, a node is not in the scene, or no blendShape is found.

    """
    cmds = _cmds()
    if isinstance(nodes, str):
        nodes = [nodes]
    given = list(nodes) if nodes is not None else cmds.ls(selection=True, long=True) or []
    scene = cmds.ls(type="blendShape") or []
    known = f"the scene has {', '.join(scene[:8])}" if scene else "the scene has no blendShape at all"
    if not given:
        raise ExportError(f"nothing is selected; select the face mesh, or pass nodes=[...]; {known}")
    found = []  # type: list[str]
    for node in given:
        if not cmds.objExists(node):
            raise ExportError(f"there is no node '{node}'; {known}")
        if cmds.nodeType(node) == "blendShape":
            behind = [node]
        else:
            behind = cmds.ls(cmds.listHistory(node, pruneDagObjects=True) or [], type="blendShape") or []
        found += [one for one in behind if one not in found]
    if not found:
        raise ExportError(
            f"no blendShape deforms {', '.join(given[:4])}; select the face mesh or pass nodes=[...]; {known}"
        )
    return found


def channels_of(nodes: Sequence[str]) -> list[Channel]:
    """Return the weights of ``nodes`` in order; a name that several nodes have becomes ``node.name``.

    Raises:
        ExportError: a node has no weights.

    """
    cmds = _cmds()
    every = []
    for node in nodes:
        aliases = _aliases(node)
        indices = cmds.getAttr(node + ".weight", multiIndices=True) or []
        if not indices:
            raise ExportError(f"blendShape '{node}' has no weights; add its targets, or leave it out")
        for index in indices:
            every.append((node, aliases.get(index, f"weight[{index}]"), f"{node}.weight[{index}]"))
    count = {}  # type: dict[str, int]
    for _, name, _ in every:
        count[name] = count.get(name, 0) + 1
    return [Channel(name if count[name] == 1 else f"{node}.{name}", plug) for node, name, plug in every]


def scene_rate() -> float:
    """Return the frame rate of the scene.

    Raises:
        ExportError: Maya names a time unit that is not known.

    """
    unit = _cmds().currentUnit(query=True, time=True)
    if unit in UNITS:
        return UNITS[unit]
    number = re.match(r"^(\d+(?:\.\d+)?)fps$", unit)
    if number:
        return float(number.group(1))
    raise ExportError(f"the scene's time unit '{unit}' is unknown; set a frame rate in the preferences")


def sample_frames(start: float, end: float, *, scene_fps: float, fps: float) -> list[float]:
    """Return the scene frames at which ``fps`` samples a second fall, from ``start`` to ``end`` at most.

    Raises:
        ExportError: the rate is not positive, or the range is empty or endless.

    """
    if not (math.isfinite(fps) and 0 < fps <= 1000):
        raise ExportError(f"fps must lie in (0, 1000], got {fps:g}; try 30 or 60")
    if not (math.isfinite(start) and math.isfinite(end) and end > start):
        raise ExportError(
            f"the range must end after it starts, got {start:g} to {end:g}; set the time slider"
        )
    step = scene_fps / fps
    count = math.floor((end - start) / step + 1e-6) + 1
    return [start + k * step for k in range(count)]


def sound_of_scene() -> Heard | None:
    """Return the sound that the time slider plays; without one, the only sound of the scene, if any."""
    cmds = _cmds()
    chosen = []
    if not cmds.about(batch=True):
        chosen = [
            cmds.timeControl(one, query=True, sound=True) for one in cmds.lsUI(type="timeControl") or []
        ]
    nodes = [one for one in chosen if one] or cmds.ls(type="audio") or []
    if not nodes or (len(set(nodes)) > 1):
        return None
    path = cmds.getAttr(nodes[0] + ".filename")
    if not path or not os.path.isfile(path):
        return None
    return Heard(path, float(cmds.getAttr(nodes[0] + ".offset")))


def write_names(path: str, names: Sequence[str]) -> None:
    """Write ``names`` as a NumPy file of strings, shape (N,)."""
    width = max([len(name) for name in names] + [1])
    body = b"".join(name.ljust(width, "\0").encode("utf-32-le") for name in names)
    _write_npy(path, f"<U{width}", (len(names),), body)


def write_values(path: str, values: array.array[float], width: int) -> None:
    """Write ``values``, rows of ``width`` one after another, as a NumPy file of float32, (T, width)."""
    body = array.array("f", values)
    if sys.byteorder == "big":
        body.byteswap()
    _write_npy(path, "<f4", (len(values) // width, width), body.tobytes())


def cut_wav(source: str, target: str, *, start_s: float, seconds: float) -> bool:
    """Write ``seconds`` of ``source`` from ``start_s`` on; what it does not hold is silence.

    Returns:
        Whether it could be read: whole numbers in a plain WAV.

    """
    try:
        with wave.open(source, "rb") as heard:
            settings, held = heard.getparams(), heard.getnframes()
            width = settings.sampwidth * settings.nchannels
            first = round(start_s * settings.framerate)
            wanted = round(seconds * settings.framerate)
            heard.setpos(min(max(first, 0), held))
            body = heard.readframes(max(min(first + wanted, held) - max(first, 0), 0))
    except (wave.Error, EOFError, struct.error):
        return False
    silence = b"\x80" if settings.sampwidth == 1 else b"\0"
    lead = silence * (min(max(-first, 0), wanted) * width)
    body = (lead + body)[: wanted * width]
    body += silence * (wanted * width - len(body))
    with wave.open(target, "wb") as out:
        out.setnchannels(settings.nchannels)
        out.setsampwidth(settings.sampwidth)
        out.setframerate(settings.framerate)
        out.writeframes(body)
    return True


def _cmds() -> Any:
    try:
        return import_module("maya.cmds")
    except ImportError as error:
        raise ExportError(
            "this script runs inside Maya, got a Python without maya.cmds; use the script editor or mayapy"
        ) from error


def _aliases(node: str) -> dict[int, str]:
    """Return the name of each weight that has one, by its index."""
    flat = _cmds().aliasAttr(node, query=True) or []
    named = {}
    for name, attribute in zip(flat[::2], flat[1::2]):  # noqa: B905
        weight = _WEIGHT.match(attribute)
        if weight:
            named[int(weight.group(1))] = name
    return named


def _sampled(channels: Sequence[Channel], frames: Sequence[float]) -> array.array[float]:
    """Return the values of ``channels`` at ``frames``, row after row."""
    cmds = _cmds()
    values = array.array("d")
    with _scene_as_it_was(), _progress(len(frames)) as advance:
        for frame in frames:
            advance()
            cmds.currentTime(frame, edit=True, update=True)
            for channel in channels:
                value = float(cmds.getAttr(channel.plug))
                if not math.isfinite(value):
                    raise ExportError(
                        f"weight '{channel.name}' is {value} at frame {frame:g}, expected a number; "
                        "look at what drives it"
                    )
                values.append(value)
    return values


@contextmanager
def _scene_as_it_was() -> Iterator[None]:
    """Give back the current time and the undo queue, whatever happens; the view stands still meanwhile."""
    cmds = _cmds()
    now, undo = cmds.currentTime(query=True), cmds.undoInfo(query=True, state=True)
    batch = cmds.about(batch=True)
    cmds.undoInfo(stateWithoutFlush=False)
    try:
        if not batch:
            cmds.refresh(suspend=True)
        yield
    finally:
        try:
            cmds.currentTime(now, edit=True, update=True)
        finally:
            if not batch:
                cmds.refresh(suspend=False)
            cmds.undoInfo(stateWithoutFlush=undo)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a window with a bar; what it yields moves the bar and raises `Cancelled` once it is closed."""
    cmds = _cmds()
    if cmds.about(batch=True):
        yield lambda: None
        return
    cmds.progressWindow(
        title="Rhapsode export", status="Reading weights", progress=0, maxValue=total, isInterruptable=True
    )

    def advance() -> None:
        if cmds.progressWindow(query=True, isCancelled=True):
            raise Cancelled("cancelled in the progress window; nothing was written")
        cmds.progressWindow(edit=True, step=1)

    try:
        yield advance
    finally:
        cmds.progressWindow(endProgress=True)


def _check_folder(folder: str, overwrite: bool) -> None:
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ExportError(f"'{folder}' is a file, expected a folder for this take; name another")
    if not os.path.isdir(os.path.dirname(folder)):
        raise ExportError(f"'{os.path.dirname(folder)}' is no folder; make it first")
    if not overwrite and os.path.exists(os.path.join(folder, VALUES)):
        raise ExportError(f"'{folder}' holds a take already; name another, or pass overwrite=True")


@contextmanager
def _written_whole(folder: str) -> Iterator[str]:
    """Yield a hidden folder; its files move into ``folder`` once all of them are there."""
    try:
        aside = tempfile.mkdtemp(prefix=".rhapsode-", dir=os.path.dirname(folder))
    except OSError as error:
        raise ExportError(
            f"cannot write beside '{folder}': {error.strerror}; choose another place"
        ) from error
    try:
        yield aside
        new = sorted(os.listdir(aside))
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            if name.startswith("sound.") and name not in new:
                os.remove(os.path.join(folder, name))
        for name in new:
            os.replace(os.path.join(aside, name), os.path.join(folder, name))
    except OSError as error:
        raise ExportError(f"cannot write '{folder}': {error.strerror}; choose another place") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_sound(
    aside: str, heard: Heard | None, first: float, scene_fps: float, seconds: float
) -> dict[str, Any]:
    """Write the sound into ``aside``; return its name, and where it begins behind the first frame."""
    if heard is None:
        return {"sound": None, "sound_start_s": 0.0, "sound_source": None}
    late_s = (heard.start_frame - first) / scene_fps
    source = os.path.basename(heard.path)
    if cut_wav(heard.path, os.path.join(aside, SOUND), start_s=-late_s, seconds=seconds):
        return {"sound": SOUND, "sound_start_s": 0.0, "sound_source": source}
    # Compressed or floating point: it goes along whole, and the reader shifts it.
    name = "sound" + (os.path.splitext(heard.path)[1].lower() or ".wav")
    if os.path.exists(os.path.join(aside, SOUND)):
        os.remove(os.path.join(aside, SOUND))
    shutil.copyfile(heard.path, os.path.join(aside, name))
    return {"sound": name, "sound_start_s": late_s, "sound_source": source}


def _moving(values: array.array[float], width: int) -> int:
    """Return how many channels change at all."""
    return sum(max(values[k::width]) - min(values[k::width]) > 1e-6 for k in range(width))


def _write_npy(path: str, kind: str, shape: tuple[int, ...], body: bytes) -> None:
    """Write a NumPy array file, version 1.0 (numpy.lib.format)."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    padded = header + " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode("latin-1") + body)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export one scene with mayapy; return the exit code."""
    parser = argparse.ArgumentParser(prog="mayapy maya_export.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("scene", help="a .ma or .mb file")
    parser.add_argument("folder", help="made for this take")
    parser.add_argument("--nodes", nargs="+", help="blendShape nodes or meshes; all of the scene by default")
    parser.add_argument("--fps", type=float, help="samples a second; the scene's rate by default")
    parser.add_argument("--start", type=float, help="first scene frame")
    parser.add_argument("--end", type=float, help="last scene frame")
    parser.add_argument("--no-sound", action="store_true", help="write no sound")
    parser.add_argument("--overwrite", action="store_true", help="replace a take that is there")
    chosen = parser.parse_args(arguments)
    try:
        standalone = import_module("maya.standalone")
        standalone.initialize(name="python")
    except ImportError:
        print("error: no Maya in this Python; start it with mayapy", file=sys.stderr)
        return 1
    try:
        cmds = _cmds()
        cmds.file(chosen.scene, open=True, force=True)
        about = export(
            chosen.folder,
            chosen.nodes or cmds.ls(type="blendShape"),
            fps=chosen.fps,
            start=chosen.start,
            end=chosen.end,
            sound=not chosen.no_sound,
            overwrite=chosen.overwrite,
        )
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        standalone.uninitialize()
    print(json.dumps(about, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
