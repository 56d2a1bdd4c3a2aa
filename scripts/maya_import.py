"""Key the weights of Maya's blendShape nodes with a take of Rhapsode, and set the rate and the sound.

Runs inside Maya 2022 or later (Python 3.7 and up) with nothing but Maya and the standard library. With the
face mesh selected, in the script editor:

    import maya_import
    maya_import.import_take("D:/takes/line.npz")

On a shelf button: ``import maya_import; maya_import.ask()``. Takes are .npz, Audio2Face .json and Live Link
Face .csv files. Channels go to the weights of the same name, however it is spelled; keys that these weights
have in the range are replaced. Copyright the authors of Rhapsode; licence: Apache-2.0.
"""

from __future__ import annotations

import array
import ast
import csv
import json
import math
import os
import re
import struct
import sys
import wave
import zipfile
from importlib import import_module
from typing import Any, NamedTuple, Sequence  # noqa: UP035

UNITS = {15: "game", 24: "film", 25: "pal", 30: "ntsc", 48: "show", 50: "palf", 60: "ntscf"}
"""Maya's names of frame rates; others are called after their number."""

# --- reading a take: the same text stands in blender_import.py and maya_import.py ---


class ImportFault(RuntimeError):  # noqa: N818
    """What was asked for cannot be imported; the scene is as it was."""


class Take(NamedTuple):
    """Curves of a face: channel names, one row of values a curve frame, frames per second, and the sound."""

    names: list[str]
    rows: list[Sequence[float]]
    fps: float
    sound: str | None


def read_take(path: str, sound: str | None = None) -> Take:
    """Read a .npz, .json (Audio2Face) or .csv (Live Link Face) file.

    Args:
        path: of the file.
        sound: of a sound file; None takes a .wav of the same name, or the sound of an .npz, which is then
            written beside it.

    Raises:
        ImportFault: the file is none of these, or damaged.

    """
    readers = {".npz": _read_npz, ".json": _read_json, ".csv": _read_csv}
    reader = readers.get(os.path.splitext(path)[1].lower())
    if reader is None:
        raise ImportFault(f"'{path}' is no take, expected .npz, .json or .csv; write one of these")
    if not os.path.isfile(path):
        raise ImportFault(f"there is no file '{path}'; check the path")
    try:
        names, rows, fps = reader(path)
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        SyntaxError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise ImportFault(f"'{path}' is damaged or no take ({error}); write it again") from error
    if not rows or not 0 < fps <= 1000 or any(len(row) != len(names) for row in rows):
        raise ImportFault(f"'{path}' holds no curve frames of {len(names)} channels; write it again")
    if not all(math.isfinite(value) for row in rows for value in row):
        raise ImportFault(f"'{path}' holds a value that is no number; write it again")
    return Take(names, rows, fps, _sound_of(path, sound))


def spelled(name: str) -> str:
    """Return ``name`` in one spelling: jawOpen, JawOpen, face.jaw_open; mouthSmile_L is mouthSmileLeft."""
    for ending, side in (("_L", "Left"), ("_R", "Right"), (".L", "Left"), (".R", "Right")):
        if name.endswith((ending, ending.lower())):
            name = name[: -len(ending)] + side
    tail = name.rpartition(".")[2].rpartition(":")[2]
    return "".join(letter for letter in tail.lower() if letter.isalnum())


def _read_json(path: str) -> Any:
    with open(path, encoding="utf-8-sig") as text:
        tree = json.load(text)
    return (
        list(tree["facsNames"]),
        [[float(v) for v in row] for row in tree["weightMat"]],
        float(tree["exportFps"]),
    )


def _read_csv(path: str) -> Any:
    with open(path, encoding="utf-8-sig", newline="") as text:
        table = [row for row in csv.reader(text) if row]
    names = table[0][2:]
    rows = []  # type: list[Sequence[float]]
    times = []
    for row in table[1:]:
        hours, minutes, seconds, parts = row[0].split(":")
        # The last part counts 60ths of a second, whatever the rate.
        times.append(int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(parts) / 60)
        rows.append([float(value) for value in row[2:]] if len(row) > 2 else rows[-1])
    span = times[-1] - times[0]
    measured = (len(times) - 1) / span if span > 0 else 60.0
    near = [rate for rate in (24.0, 25.0, 30.0, 50.0, 60.0) if abs(rate - measured) * len(times) < rate * 0.2]
    return names, rows, near[0] if near else round(measured, 3)


def _read_npz(path: str) -> Any:
    with zipfile.ZipFile(path) as archive:
        names = _npy(archive.read("face_names.npy"))
        values = _npy(archive.read("face_values.npy"))
        above, below = _npy(archive.read("face_rate.npy"))
    width = len(names)
    return names, [values[k : k + width] for k in range(0, len(values), width)], above / below


def _npy(data: bytes) -> Any:
    """Return the elements of a NumPy array file (strings, float32, int64) one after another."""
    if data[:6] != b"\x93NUMPY":
        raise ValueError("an array that is none")
    wide = data[6] > 1
    (size,) = struct.unpack_from("<I" if wide else "<H", data, 8)
    begin = 12 if wide else 10
    head = ast.literal_eval(data[begin : begin + size].decode("latin-1"))
    body, kind = data[begin + size :], head["descr"]
    if kind[1] == "U":
        step = 4 * int(kind[2:])
        return (
            [body[k : k + step].decode("utf-32-le").rstrip("\0") for k in range(0, len(body), step)]
            if step
            else []
        )
    made = array.array({"<f4": "f", "<i8": "q"}[kind])
    made.frombytes(body)
    if sys.byteorder == "big":
        made.byteswap()
    return list(made)


def _sound_of(path: str, sound: str | None) -> str | None:
    if sound is not None:
        if not os.path.isfile(sound):
            raise ImportFault(f"there is no sound file '{sound}'; check the path")
        return sound
    beside = os.path.splitext(path)[0] + ".wav"
    if os.path.isfile(beside):
        return beside
    return _unpacked(path, beside) if path.lower().endswith(".npz") else None


def _unpacked(path: str, target: str) -> str | None:
    """Write the sound of an .npz, from the first curve frame on, as a 16-bit WAV; None where it has none."""
    with zipfile.ZipFile(path) as archive:
        if "sound_samples.npy" not in archive.namelist():
            return None
        data = archive.read("sound_samples.npy")
        rate = _npy(archive.read("sound_rate.npy"))[0]
        starts = [_npy(archive.read(name + "_start.npy")) for name in ("sound", "face")]
    samples = _npy(data)
    shape = re.search(rb"'shape': (\([^)]*\))", data[:256])
    channels = int(ast.literal_eval(shape.group(1).decode())[1]) if shape else 1
    late = round((starts[0][0] / starts[0][1] - starts[1][0] / starts[1][1]) / 16000 * rate) * channels
    samples = [0.0] * late + samples[max(-late, 0) :]
    scaled = array.array("h", [max(min(round(value * 32767), 32767), -32768) for value in samples])
    if sys.byteorder == "big":
        scaled.byteswap()
    with wave.open(target, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(scaled.tobytes())
    return target


# --- end of reading ---


def import_take(
    path: str,
    nodes: Sequence[str] | None = None,
    *,
    sound: str | None = None,
    start: float = 1.0,
    set_rate: bool = True,
) -> Any:
    """Key blendShape weights with a take and return what was done: names that moved, and names without one.

    Args:
        path: a .npz, .json or .csv file.
        nodes: blendShape nodes or meshes; None takes the selection.
        sound: of a sound file; None takes that of the take.
        start: scene frame of the first curve frame.
        set_rate: set the scene's rate and range to those of the take; otherwise keys fall between frames.

    Raises:
        ImportFault: there is no blendShape, no name fits, a weight is locked, or the file is damaged.

    """
    cmds = _cmds()
    take = read_take(path, sound)
    plugs = _plugs(nodes)
    found = [
        (column, plug) for column, name in enumerate(take.names) for plug in plugs.get(spelled(name), [])
    ]
    if not found:
        raise ImportFault(
            "no weight has the name of a channel, got channels such as {}; rename the targets".format(
                ", ".join(take.names[:4])
            )
        )
    for _, plug in found:
        if not cmds.getAttr(plug, settable=True):
            raise ImportFault(f"weight '{plug}' is locked or driven by another node; free it first")
    cmds.undoInfo(openChunk=True, chunkName="Rhapsode import")
    try:
        step = _set_rate(take.fps) if set_rate else _scene_rate() / take.fps
        last = start + (len(take.rows) - 1) * step
        if set_rate:
            cmds.playbackOptions(edit=True, minTime=start, maxTime=last)
        for column, plug in found:
            cmds.cutKey(plug, time=(start, last), clear=True)
            for index, row in enumerate(take.rows):
                cmds.setKeyframe(
                    plug,
                    time=start + index * step,
                    value=row[column],
                    inTangentType="linear",
                    outTangentType="linear",
                )
        if take.sound:
            node = cmds.sound(file=take.sound, offset=start)
            for control in [] if cmds.about(batch=True) else cmds.lsUI(type="timeControl") or []:
                cmds.timeControl(control, edit=True, sound=node, displaySound=True)
    finally:
        cmds.undoInfo(closeChunk=True)
    moved = {column for column, _ in found}
    return {
        "moved": [take.names[column] for column in sorted(moved)],
        "left": [name for column, name in enumerate(take.names) if column not in moved],
        "frames": len(take.rows),
        "fps": take.fps,
        "sound": take.sound,
    }


def ask() -> None:
    """Ask for a file, import it onto the selection, and say what came of it: for a shelf button."""
    cmds = _cmds()
    kinds = "Takes (*.npz *.json *.csv)"
    chosen = cmds.fileDialog2(fileMode=1, caption="Rhapsode take", fileFilter=kinds, okCaption="Import")
    if not chosen:
        return
    try:
        done = import_take(chosen[0])
    except ImportFault as fault:
        message = f"Nothing was imported: {fault}"
    else:
        message = f"{len(done['moved'])} channels, {done['frames']} frames at {done['fps']:g} a second"
        if done["left"]:
            message += "; without a weight: " + ", ".join(done["left"])
    cmds.confirmDialog(title="Rhapsode import", message=message, button=["OK"])


def _cmds() -> Any:
    try:
        return import_module("maya.cmds")
    except ImportError as error:
        raise ImportFault(
            "this script runs inside Maya, got a Python without maya.cmds; run it there"
        ) from error


def _plugs(nodes: Sequence[str] | None) -> Any:
    """Return the weights of the blendShape nodes that are given or selected, by spelled name."""
    cmds = _cmds()
    if isinstance(nodes, str):
        nodes = [nodes]
    given = list(nodes) if nodes is not None else cmds.ls(selection=True, long=True) or []
    found = []  # type: list[str]
    for node in given:
        if not cmds.objExists(node):
            raise ImportFault(f"there is no node '{node}'; check its name")
        behind = [node]
        if cmds.nodeType(node) != "blendShape":
            behind = cmds.ls(cmds.listHistory(node, pruneDagObjects=True) or [], type="blendShape") or []
        found += [one for one in behind if one not in found]
    if not found:
        scene = ", ".join((cmds.ls(type="blendShape") or ["none"])[:8])
        raise ImportFault(f"no blendShape is selected; select the face mesh; the scene has {scene}")
    plugs = {}  # type: Any
    for node in found:
        flat = cmds.aliasAttr(node, query=True) or []
        for name, attribute in zip(flat[::2], flat[1::2]):  # noqa: B905
            if re.match(r"^w(eight)?\[\d+\]$", attribute):
                plugs.setdefault(spelled(name), []).append(f"{node}.{attribute}")
    return plugs


def _set_rate(fps: float) -> float:
    """Set the scene to ``fps`` and return its frames in a curve frame."""
    whole = round(fps)
    if abs(fps - whole) < 1e-3:
        unit = UNITS.get(whole, f"{whole}fps")
    else:
        unit = f"{round(fps, 3):g}fps"
    try:
        _cmds().currentUnit(time=unit, updateAnimation=True)
    except RuntimeError as error:
        raise ImportFault(f"Maya has no rate of {fps:g}; pass set_rate=False ({error})") from error
    return 1.0


def _scene_rate() -> float:
    unit = _cmds().currentUnit(query=True, time=True)
    named = {name: float(rate) for rate, name in UNITS.items()}
    number = re.match(r"^(\d+(?:\.\d+)?)fps$", unit)
    if unit not in named and not number:
        raise ImportFault(f"the scene's time unit '{unit}' is unknown; set a frame rate in the preferences")
    return named[unit] if unit in named else float(number.group(1))  # type: ignore[union-attr]
