"""Key the shape keys of the selected meshes with a take of Rhapsode, and set the rate and the sound.

An add-on of one file for Blender 3.6 and later, with nothing but Blender and the standard library: install it
in the preferences and choose File > Import > Rhapsode take, or run it in the text editor and call

    import blender_import
    blender_import.import_take("take.npz")

Takes are .npz, Audio2Face .json and Live Link Face .csv files. Channels go to shape keys of the same name,
however it is spelled. What was animated before stays in the file as an action of its own.
Copyright the authors of Rhapsode; licence: Apache-2.0.
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

bl_info = {
    "name": "Rhapsode take",
    "author": "The authors of Rhapsode",
    "version": (1, 0, 0),
    "blender": (3, 6, 0),
    "location": "File > Import > Rhapsode take",
    "description": "Keys shape keys with speech animation",
    "category": "Import-Export",
}

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
    path: str, objects: Any = None, *, sound: str | None = None, start: int = 1, set_rate: bool = True
) -> Any:
    """Key shape keys with a take and return what was done: names that moved, and names without a shape key.

    Args:
        path: a .npz, .json or .csv file.
        objects: meshes; None takes the selected ones.
        sound: of a sound file; None takes that of the take.
        start: scene frame of the first curve frame.
        set_rate: set the scene's rate and range to those of the take; otherwise keys fall between frames.

    Raises:
        ImportFault: no mesh with shape keys is selected, no name fits, or the file is damaged.

    """
    bpy = _bpy()
    take = read_take(path, sound)
    chosen = list(bpy.context.selected_objects if objects is None else objects)
    meshes = [item for item in chosen if item.type == "MESH" and item.data.shape_keys]
    if not meshes:
        raise ImportFault("no mesh with shape keys is selected; select the face and its parts")
    plans = []
    for keys in dict.fromkeys(item.data.shape_keys for item in meshes):
        blocks = {spelled(block.name): block for block in list(keys.key_blocks)[1:]}
        found = {
            column: blocks[spelled(name)] for column, name in enumerate(take.names) if spelled(name) in blocks
        }
        plans.append((keys, found))
    moved = {column for _, found in plans for column in found}
    if not moved:
        raise ImportFault(
            "no shape key has the name of a channel, got channels such as {}; rename the shape keys".format(
                ", ".join(take.names[:4])
            )
        )
    scene = bpy.context.scene
    if set_rate:
        scene.render.fps = max(round(take.fps), 1)
        scene.render.fps_base = scene.render.fps / take.fps
        scene.frame_start, scene.frame_end = start, start + max(len(take.rows) - 1, 1)
    step = scene.render.fps / scene.render.fps_base / take.fps
    for keys, found in plans:
        if found:
            _key(keys, found, take, start, step, os.path.splitext(os.path.basename(path))[0])
    if take.sound:
        _add_sound(scene, take.sound, start)
    return {
        "moved": [take.names[column] for column in sorted(moved)],
        "left": [name for column, name in enumerate(take.names) if column not in moved],
        "frames": len(take.rows),
        "fps": take.fps,
        "sound": take.sound,
    }


def _bpy() -> Any:
    try:
        return import_module("bpy")
    except ImportError as error:
        raise ImportFault(
            "this script runs inside Blender, got a Python without bpy; run it there"
        ) from error


def _key(keys: Any, found: Any, take: Take, start: int, step: float, name: str) -> None:
    data = keys.animation_data or keys.animation_data_create()
    if data.action is not None:
        data.action.use_fake_user = True
        data.action = None
    for block in found.values():
        block.slider_min, block.slider_max = min(block.slider_min, 0.0), max(block.slider_max, 1.0)
        block.keyframe_insert("value", frame=start)
    data.action.name = name
    curves = {curve.data_path: curve for curve in _curves(data)}
    frames = [start + index * step for index in range(len(take.rows))]
    for column, block in found.items():
        points = curves[block.path_from_id("value")].keyframe_points
        points.add(len(frames) - len(points))
        flat = array.array("f")
        for frame, row in zip(frames, take.rows):  # noqa: B905
            flat.extend((frame, row[column]))
        points.foreach_set("co", flat)
        # 1 is a straight line.
        points.foreach_set("interpolation", array.array("i", [1] * len(frames)))
        curves[block.path_from_id("value")].update()


def _curves(data: Any) -> Any:
    """Return the curves of an action, as Blender holds them since 4.4, or as it held them before."""
    action = data.action
    if hasattr(action, "layers") and len(action.layers):
        bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
        return [curve for bag in bags for curve in bag.fcurves]
    return list(action.fcurves)


def _add_sound(scene: Any, path: str, start: int) -> None:
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for strip in list(strips):
        if strip.name == "Rhapsode":
            strips.remove(strip)
    taken = {strip.channel for strip in strips}
    channel = next(number for number in range(1, 129) if number not in taken)
    strips.new_sound("Rhapsode", path, channel, start)
    scene.sync_mode = "AUDIO_SYNC"


def register() -> None:
    """Add the entry of the import menu."""
    bpy = _bpy()
    bpy.utils.register_class(_operator(bpy))
    bpy.types.TOPBAR_MT_file_import.append(_entry)


def unregister() -> None:
    """Take the entry away again."""
    bpy = _bpy()
    bpy.types.TOPBAR_MT_file_import.remove(_entry)
    bpy.utils.unregister_class(bpy.types.IMPORT_ANIM_OT_rhapsode)


def _entry(menu: Any, context: Any) -> None:
    menu.layout.operator("import_anim.rhapsode", text="Rhapsode take (.npz, .json, .csv)")


def _operator(bpy: Any) -> Any:
    def invoke(self: Any, context: Any, event: Any) -> Any:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self: Any, context: Any) -> Any:
        try:
            done = import_take(self.filepath)
        except ImportFault as fault:
            self.report({"ERROR"}, str(fault))
            return {"CANCELLED"}
        said = f"{len(done['moved'])} channels, {done['frames']} frames at {done['fps']:g} a second"
        self.report(
            {"INFO"}, said + ("; without shape key: " + ", ".join(done["left"]) if done["left"] else "")
        )
        return {"FINISHED"}

    fields = {
        "filepath": bpy.props.StringProperty(subtype="FILE_PATH"),
        "filter_glob": bpy.props.StringProperty(default="*.npz;*.json;*.csv", options={"HIDDEN"}),
    }
    about = {
        "bl_idname": "import_anim.rhapsode",
        "bl_label": "Import Rhapsode take",
        "bl_options": {"REGISTER", "UNDO"},
        "__annotations__": fields,
        "invoke": invoke,
        "execute": execute,
    }
    return type("IMPORT_ANIM_OT_rhapsode", (bpy.types.Operator,), about)


if __name__ == "__main__":
    register()
