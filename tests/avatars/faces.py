"""Small generated characters: a ball with lips, eyes and brows that shapes of any name can move.

What a shape does to the lips follows from its ARKit weights by `rhapsode.rigs.lips`, so that a test can
measure how far the mouth of a posed character is open, and how wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pygltflib as g
from numpy.typing import NDArray

from rhapsode.avatars import Avatar
from rhapsode.render.actor import Actor
from rhapsode.render.textures import pack_textures
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.lips import REST_GAP, lip_gap, mouth_width
from rhapsode.rigs.visemes import OCULUS_SHAPES
from rhapsode.rigs.vrm import VOWELS
from tests.avatars.make import Builder, ball

HEAD = np.array([0.0, 1.5, 0.0])
MOUTH = np.array([0.0, 1.45, 0.108])
RADIUS = 0.11
AROUND = 24
WIDTH = 0.024  # half the width of the mouth at rest, metres

FIVE = {"A": VOWELS["aa"], "I": VOWELS["ih"], "U": VOWELS["ou"], "E": VOWELS["ee"], "O": VOWELS["oh"]}
SMILE: Mapping[str, float] = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
BLINK: Mapping[str, float] = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}

MMD: dict[str, Mapping[str, float]] = {
    **dict(zip("あいうえお", FIVE.values(), strict=True)),
    "まばたき": BLINK,
    "ウィンク２": {"eyeBlinkLeft": 1.0},
    "ｳｨﾝｸ２右": {"eyeBlinkRight": 1.0},
    "笑い": BLINK,
    "にやり": SMILE,
    "困る": {"browInnerUp": 1.0},
    "怒り": {"browDownLeft": 1.0, "browDownRight": 1.0},
}
RPM: dict[str, Mapping[str, float]] = {
    **{f"viseme_{n}": shape for n, shape in OCULUS_SHAPES.items() if n not in ("ih", "oh", "ou")},
    **{f"viseme_{n}": OCULUS_SHAPES[o] for n, o in (("I", "ih"), ("O", "oh"), ("U", "ou"))},
    "mouthOpen": {"jawOpen": 1.0},
    "mouthSmile": SMILE,
    "eyesClosed": BLINK,
}
VRCHAT: dict[str, Mapping[str, float]] = {f"vrc.v_{n.lower()}": shape for n, shape in OCULUS_SHAPES.items()}
VROID: dict[str, Mapping[str, float]] = {
    **{f"Face.M_F00_000_00_Fcl_MTH_{n}": shape for n, shape in FIVE.items()},
    "Face.M_F00_000_00_Fcl_EYE_Close_L": {"eyeBlinkLeft": 1.0},
    "Face.M_F00_000_00_Fcl_EYE_Close_R": {"eyeBlinkRight": 1.0},
    "Face.M_F00_000_00_Fcl_EYE_Joy_L": {"eyeBlinkLeft": 1.0},
    "Face.M_F00_000_00_Fcl_ALL_Joy": {**SMILE, **BLINK},
    "Face.M_F00_000_00_Fcl_MTH_Fun": SMILE,
    "Face.M_F00_000_00_Fcl_BRW_Angry": {"browDownLeft": 1.0, "browDownRight": 1.0},
}


def figure(
    shapes: Mapping[str, Mapping[str, float]],
    *,
    version: int | None = None,
    presets: Mapping[str, str] | None = None,
    jaw: str | None = None,
    jaw_moves: str = "chin",
    eyes: bool = True,
    eyes_behind: float = 0.0,
) -> Builder:
    """Return a character.

    Args:
        shapes: ARKit weights by morph target name; an empty dictionary makes an empty target.
        version: of VRM, or None for a plain glTF.
        presets: morph target by VRM preset name as ``version`` spells it.
        jaw: name of a jaw bone that carries the lower lip and the chin.
        jaw_moves: "chin", "hair" (a lock on the forehead instead) or "nothing".
        eyes: whether there are eye bones with eyes on them.
        eyes_behind: how much further behind the eyes their bones pivot, metres.

    """
    made = Builder()
    facing = np.array([-1.0, 1.0, -1.0]) if version == 0 else np.ones(3)
    bones: list[tuple[str, int, NDArray[np.float64]]] = [
        ("mixamorig:Hips", -1, np.array([0.0, 0.9, 0.0])),
        ("mixamorig:Neck", 0, np.array([0.0, 1.38, 0.0])),
        ("mixamorig:Head", 1, np.array([0.0, 1.42, 0.0])),
    ]
    if eyes:
        bones += [
            ("mixamorig:LeftEye", 2, np.array([0.035, 1.53, 0.095 - eyes_behind])),
            ("mixamorig:RightEye", 2, np.array([-0.035, 1.53, 0.095 - eyes_behind])),
        ]
    if jaw is not None:
        bones.append((jaw, 2, np.array([0.0, 1.47, 0.02])))
    for index, (name, parent, place) in enumerate(bones):
        children = [n for n, row in enumerate(bones) if row[1] == index]
        local = (place - (bones[parent][2] if parent >= 0 else 0.0)) * facing
        made.gltf.nodes.append(g.Node(name=name, translation=local.tolist(), children=children or None))
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(bones), 1, 1))
    inverse[:, :3, 3] = [-(place * facing) for _, _, place in bones]
    matrices = made.accessor(np.ascontiguousarray(inverse.transpose(0, 2, 1)))
    made.gltf.skins = [g.Skin(joints=list(range(len(bones))), inverseBindMatrices=matrices)]
    made.gltf.materials = [_colour(name, rgb) for name, rgb in _COLOURS.items()]
    jaw_bone = len(bones) - 1 if jaw is not None else 2
    lower = jaw_bone if jaw_moves == "chin" else 2
    used = [_mouth(lower), *_eyes(eyes), _brows(), _skull(jaw_bone, jaw_moves)]
    made.gltf.meshes = []
    for part in used:
        targets = [{"POSITION": made.sparse(part.moved(row, facing))} for row in shapes.values()]
        attributes = g.Attributes(
            POSITION=made.accessor((part.points * facing).astype(np.float32)),
            JOINTS_0=made.accessor(np.stack([part.joints, *[part.joints * 0] * 3], 1).astype(np.uint8)),
            WEIGHTS_0=made.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (len(part.points), 1))),
        )
        primitive = g.Primitive(
            attributes=attributes,
            indices=made.accessor(part.triangles.astype(np.uint16).ravel()),
            material=part.material,
            targets=targets or None,
        )
        extras = {"targetNames": list(shapes)} if shapes else {}
        made.gltf.meshes.append(g.Mesh(name=part.name, primitives=[primitive], extras=extras))
        made.gltf.nodes.append(g.Node(name=part.name, mesh=len(made.gltf.meshes) - 1, skin=0))
    made.gltf.scenes = [g.Scene(nodes=[0, *range(len(bones), len(bones) + len(used))])]
    if version is not None:
        names = {"head": 2, "neck": 1, **({"leftEye": 3, "rightEye": 4} if eyes else {})}
        names.update({"jaw": jaw_bone} if jaw is not None else {})
        binds = {preset: list(shapes).index(name) for preset, name in (presets or {}).items()}
        made.gltf.extensions = _vrm(version, names, binds, range(len(used)), len(bones))
        made.gltf.extensionsUsed = list(made.gltf.extensions)
    return made


_COLOURS = {
    "lips": (0.5, 0.12, 0.12),
    "eyes": (0.05, 0.05, 0.06),
    "skin": (0.75, 0.5, 0.4),
    "brows": (0.1, 0.06, 0.04),
}


def _colour(name: str, rgb: tuple[float, float, float]) -> g.Material:
    pbr = g.PbrMetallicRoughness(baseColorFactor=[*rgb, 1.0])
    return g.Material(name=name, pbrMetallicRoughness=pbr, doubleSided=True)


class _Part:
    def __init__(self, name: str, material: int, points: Any, triangles: Any, joints: Any) -> None:
        self.name, self.material = name, material
        self.points, self.triangles = np.asarray(points, np.float64), np.asarray(triangles)
        self.joints = np.broadcast_to(np.asarray(joints), (len(self.points),)).copy()

    def moved(self, weights: Mapping[str, float], facing: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what a shape does to this part, (V, 3)."""
        made = np.zeros_like(self.points)
        if self.name == "mouth":
            made[:AROUND] = ring(*lips(weights)) - ring(*lips({}))
            made[:AROUND, 1] += 0.012 * weights.get("mouthSmileLeft", 0.0) * np.abs(_cosines()) ** 2
        elif self.name.startswith("eye"):
            side = "Left" if self.points[:, 0].mean() > 0 else "Right"
            shut = 0.9 * weights.get(f"eyeBlink{side}", 0.0)
            made[:, 1] = (self.points[:, 1].mean() - self.points[:, 1]) * shut
        elif self.name == "brows":
            made[:, 1] = 0.015 * weights.get("browInnerUp", 0.0) - 0.012 * weights.get("browDownLeft", 0.0)
        return (made * facing).astype(np.float32)


def lips(weights: Mapping[str, float]) -> tuple[float, float]:
    """Return half the width and half the opening of a mouth, metres, at ARKit ``weights``."""
    row = np.zeros((1, len(BLENDSHAPES)))
    for name, value in weights.items():
        row[0, BLENDSHAPES.index(name)] = value
    gap = max(float(lip_gap(row)[0]) - REST_GAP, 0.0) / 100
    return WIDTH + float(mouth_width(row)[0]) / 200, 0.0004 + gap / 2


def _cosines() -> NDArray[np.float64]:
    """Return the cosines of the places around the mouth, 1 at the corners."""
    return np.asarray(np.cos(np.arange(AROUND) * 2 * np.pi / AROUND))


def ring(width: float, height: float) -> NDArray[np.float64]:
    """Return the inner edge of the lips, (AROUND, 3)."""
    turn = np.arange(AROUND) * 2 * np.pi / AROUND
    return MOUTH + np.stack([width * np.cos(turn), height * np.sin(turn), 0 * turn], 1)


def _mouth(jaw: int) -> _Part:
    """Lips: an inner edge that the shapes move, and an outer edge 9 mm around it."""
    inner = ring(*lips({}))
    outer = ring(WIDTH + 0.008, 0.009) - np.array([0.0, 0.0, 0.004])
    n = np.arange(AROUND)
    following = (n + 1) % AROUND
    triangles = np.concatenate(
        [np.stack([n, n + AROUND, following], 1), np.stack([following, n + AROUND, following + AROUND], 1)]
    )
    below = np.concatenate([inner, outer])[:, 1] < MOUTH[1] - 1e-6
    return _Part("mouth", 0, np.concatenate([inner, outer]), triangles, np.where(below, jaw, 2))


def _eyes(bones: bool) -> list[_Part]:
    made = []
    for bone, name, x in ((3, "eye left", 0.035), (4, "eye right", -0.035)):
        turn = np.arange(12) * np.pi / 6
        rim = np.stack([x + 0.012 * np.cos(turn), 1.53 + 0.014 * np.sin(turn), 0 * turn + 0.112], 1)
        points = np.concatenate([rim, [[x, 1.53, 0.112]]])
        triangles = [[n, (n + 1) % 12, 12] for n in range(12)]
        made.append(_Part(name, 1, points, triangles, bone if bones else 2))
    return made


def _brows() -> _Part:
    points: list[list[float]] = []
    triangles: list[list[int]] = []
    for x in (0.035, -0.035):
        first = len(points)
        points += [[x + dx, 1.56 + dy, 0.108] for dx in (-0.018, 0.018) for dy in (0.0, 0.006)]
        triangles += [[first, first + 1, first + 2], [first + 1, first + 3, first + 2]]
    return _Part("brows", 3, points, triangles, 2)


def _skull(jaw: int, moves: str) -> _Part:
    unit, _, triangles = ball()
    points = unit * [RADIUS * 0.9, RADIUS * 1.15, RADIUS * 0.92] + HEAD
    chin = (points[:, 1] < 1.425) & (points[:, 2] > 0.02)
    lock = points[:, 1] > 1.59
    follows = {"chin": chin, "hair": lock, "nothing": chin & lock}[moves]
    return _Part("skull", 2, points, triangles, np.where(follows, jaw, 2))


def _vrm(
    version: int, bones: Mapping[str, int], binds: Mapping[str, int], meshes: range, first_node: int
) -> dict[str, Any]:
    if version == 1:
        nodes = [first_node + mesh for mesh in meshes]
        rows = {
            name: {"morphTargetBinds": [{"node": node, "index": index, "weight": 1.0} for node in nodes]}
            for name, index in binds.items()
        }
        human = {name: {"node": node} for name, node in bones.items()}
        own = {"specVersion": "1.0", "humanoid": {"humanBones": human}, "expressions": {"preset": rows}}
        return {"VRMC_vrm": own}
    groups = [
        {
            "name": name.upper(),
            "presetName": name,
            "binds": [{"mesh": m, "index": index, "weight": 100} for m in meshes],
        }
        for name, index in binds.items()
    ]
    rows_0 = [{"bone": name, "node": node} for name, node in bones.items()]
    return {"VRM": {"humanoid": {"humanBones": rows_0}, "blendShapeMaster": {"blendShapeGroups": groups}}}


def _share(job: Callable[[int], None], parts: int) -> None:
    for part in range(parts):
        job(part)


class Measure:
    """Poses a character as the renderer does and measures its mouth."""

    def __init__(self, avatar: Avatar) -> None:
        self._actor = Actor(avatar, pack_textures([]))
        assert avatar.primitives[0].name == "mouth"

    def mouth(self, face: Mapping[str, float] | NDArray[np.float32]) -> tuple[float, float]:
        """Return the width and the opening of the lips in metres."""
        values = np.zeros(len(FACE), np.float32)
        if isinstance(face, Mapping):
            for name, value in face.items():
                values[FACE.index(name)] = value
        else:
            values[:] = face
        still = np.zeros(16)
        still[[0, 5, 10]] = still[12] = 1.0
        still[15] = 0.02
        self._actor.move(values, still, _share, 1)
        edge = self._actor.moved[:AROUND, :3]
        top, bottom = edge[AROUND // 4], edge[3 * AROUND // 4]
        return float(np.ptp(edge[:, 0])), float(top[1] - bottom[1])
