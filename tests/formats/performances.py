"""Generated performances and a tiny avatar for the tests of the file formats."""

import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.performance import CLOCK_HZ, HOP, Curves, Motion, Performance, Sound, Span, Words
from rhapsode.rigs import BLENDSHAPES, FACE


def face(frames: int, *, seed: int = 0, start: int = 0, rate: Fraction = Fraction(50)) -> Curves:
    """Return smooth random curves: weights in [0, 1], angles in +-0.4."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    values = 0.5 + 0.5 * np.sin(t * rng.uniform(0.05, 0.4, len(FACE)) + rng.uniform(0, 6, len(FACE)))
    values[:, len(BLENDSHAPES) :] = 0.8 * (values[:, len(BLENDSHAPES) :] - 0.5)
    return Curves(FACE.channels, values.astype(np.float32), rate, Fraction(start))


def performance(frames: int = 100, *, seed: int = 0, start: int = 0) -> Performance:
    """Return one that holds everything a performance can hold."""
    rng = np.random.default_rng(seed)
    first = Fraction(start)
    sound = Sound(rng.uniform(-1, 1, (frames * 480, 2)).astype(np.float32), 24_000, first)
    emotion = Curves(("joy", "anger"), rng.uniform(0, 1, (frames, 2)).astype(np.float32), Fraction(50), first)
    quaternions = rng.standard_normal((frames, 3, 4)).astype(np.float32)
    motion = Motion(
        ("hips", "spine", "head"), quaternions, np.zeros((frames, 3), np.float32), Fraction(50), first
    )
    shift = start / CLOCK_HZ

    def spans(*timed: tuple[str, float, float]) -> tuple[Span, ...]:
        return tuple(Span(text, begin + shift, end + shift) for text, begin, end in timed)

    spoken = Words(
        spans(("Hello", 0.1, 0.4), ("there,", 0.45, 0.8)), spans(("h", 0.1, 0.15), ("ɛ", 0.15, 0.2))
    )
    meta = {"source": "a line.wav", "engine": "测试"}
    return Performance(face(frames, seed=seed, start=start), sound, spoken, emotion, motion, meta)


def cut(whole: Performance, frames: int) -> list[Performance]:
    """Cut ``whole`` into consecutive parts of ``frames`` curve frames; sounds and words follow the clock."""
    step, begin = frames * HOP / CLOCK_HZ, float(whole.face.start / CLOCK_HZ)
    count = -(-len(whole.face) // frames)
    return [whole.slice_s(begin + k * step, begin + (k + 1) * step) for k in range(count)]


def avatar_file(path: Path, *, names: tuple[str, ...] = BLENDSHAPES, turned_bones: bool = True) -> Path:
    """Write a tiny VRM 1.0 avatar: two meshes with morph targets, and a humanoid with head and arms.

    Args:
        path: .vrm or .glb.
        names: morph targets of the first mesh; the second has every other one, backwards.
        turned_bones: whether the bones have axes of their own.

    """
    binary = bytearray()
    tree: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "test"},
        "extensionsUsed": ["VRMC_vrm"],
        "bufferViews": [],
        "accessors": [],
        "materials": [{"name": "skin"}],
    }

    def accessor(values: np.ndarray, kind: str, component: int, **more: Any) -> int:
        data = values.tobytes()
        tree["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        binary.extend(data + bytes(-len(data) % 4))
        view = len(tree["bufferViews"]) - 1
        row = {"bufferView": view, "componentType": component, "count": len(values), "type": kind, **more}
        tree["accessors"].append(row)
        return len(tree["accessors"]) - 1

    def limits(values: np.ndarray) -> dict[str, list[float]]:
        return {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}

    corners = np.array([[-0.1, -0.1, 0.1], [0.1, -0.1, 0.1], [0.1, 0.1, 0.1], [-0.1, 0.1, 0.1]], np.float32)
    position = accessor(corners, "VEC3", 5126, **limits(corners))
    index = accessor(np.array([0, 1, 2, 0, 2, 3], np.uint16), "SCALAR", 5123)
    offsets = []
    for k in range(len(names)):
        moved = np.zeros((4, 3), np.float32)
        moved[k % 4, k % 3] = 0.01 + 0.001 * k
        offsets.append({"POSITION": accessor(moved, "VEC3", 5126, **limits(moved))})
    part = {"attributes": {"POSITION": position}, "indices": index, "material": 0}
    tree["meshes"] = [
        {"name": "face", "primitives": [{**part, "targets": offsets}], "extras": {"targetNames": [*names]}},
        {
            "name": "brows",
            "primitives": [{**part, "targets": offsets[::-2]}],
            "extras": {"targetNames": [*names[::-2]]},
            "weights": [0.0] * len(offsets[::-2]),
        },
    ]
    turned = [0.0, 0.3826834, 0.0, 0.9238795] if turned_bones else [0.0, 0.0, 0.0, 1.0]
    bones = {
        "hips": ([0, 1, 0], -1),
        "spine": ([0, 0.2, 0], 0),
        "neck": ([0, 0.3, 0], 1),
        "head": ([0, 0.1, 0], 2),
        "leftEye": ([0.03, 0.05, 0.05], 3),
        "rightEye": ([-0.03, 0.05, 0.05], 3),
        "leftUpperArm": ([0.2, 0.2, 0], 1),
        "leftLowerArm": ([0.3, 0, 0], 6),
        "rightUpperArm": ([-0.2, 0.2, 0], 1),
        "rightLowerArm": ([-0.3, 0, 0], 8),
    }
    nodes: list[dict[str, Any]] = [{"name": name, "translation": where} for name, (where, _) in bones.items()]
    for child, (_, parent) in enumerate(bones.values()):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(child)
    nodes[1]["rotation"] = turned
    if turned_bones:
        # Everything below the spine has its axes, so that places in the world stay the same.
        back = rotation_matrix(turned).T
        for node in nodes[2:]:
            node["translation"] = (back @ node["translation"]).tolist()
    nodes += [{"name": "face", "mesh": 0}, {"name": "brows", "mesh": 1}]
    tree["nodes"], tree["scenes"], tree["scene"] = nodes, [{"nodes": [0, len(bones), len(bones) + 1]}], 0
    human = {name: {"node": node} for node, name in enumerate(bones)}
    tree["extensions"] = {
        "VRMC_vrm": {"specVersion": "1.0", "meta": {"name": "tiny"}, "humanoid": {"humanBones": human}}
    }
    tree["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, length)
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(binary), b"BIN\0")
        + bytes(binary)
    )
    return path
