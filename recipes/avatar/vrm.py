"""Parts and skeleton to one VRM 1.0 file (glTF 2.0 with the VRMC_vrm extension)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pygltflib as gl
from PIL import Image
from recipes.avatar.bones import Pose, Skeleton, top_influences
from recipes.avatar.people import LIMITS, REST, Person
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Index

from rhapsode.rigs import BLENDSHAPES

METRE = 0.1
"""Metres in a decimetre, the unit of the source."""

SMALLEST = 2e-5
"""Metres: a face action that moves a point by less does not move it."""

JPEG_QUALITY = 90

_LOOK_DEGREES = {"HorizontalInner": 35, "HorizontalOuter": 35, "VerticalDown": 30, "VerticalUp": 30}

LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"

PRESETS: dict[str, dict[str, float]] = {
    "aa": {"jawOpen": 0.55, "mouthLowerDownLeft": 0.1, "mouthLowerDownRight": 0.1},
    "ih": {"jawOpen": 0.16, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4, "mouthSmileLeft": 0.25}
    | {"mouthSmileRight": 0.25, "mouthUpperUpLeft": 0.15, "mouthUpperUpRight": 0.15},
    "ou": {"mouthPucker": 0.8, "mouthFunnel": 0.4, "jawOpen": 0.12},
    "ee": {"jawOpen": 0.3, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3}
    | {"mouthDimpleLeft": 0.2, "mouthDimpleRight": 0.2},
    "oh": {"mouthFunnel": 0.65, "mouthPucker": 0.35, "jawOpen": 0.38},
    "blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    "happy": {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.6, "cheekSquintRight": 0.6}
    | {"eyeSquintLeft": 0.35, "eyeSquintRight": 0.35},
    "angry": {"browDownLeft": 0.9, "browDownRight": 0.9, "eyeSquintLeft": 0.4, "eyeSquintRight": 0.4}
    | {"noseSneerLeft": 0.3, "noseSneerRight": 0.3, "mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    "sad": {"browInnerUp": 0.9, "mouthFrownLeft": 0.6, "mouthFrownRight": 0.6, "mouthShrugLower": 0.3},
    "relaxed": {"mouthSmileLeft": 0.35, "mouthSmileRight": 0.35, "eyeBlinkLeft": 0.3, "eyeBlinkRight": 0.3},
    "surprised": {"browInnerUp": 0.7, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7, "jawOpen": 0.35}
    | {"eyeWideLeft": 0.7, "eyeWideRight": 0.7},
    "lookUp": {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0},
    "lookDown": {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0},
    "lookLeft": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "lookRight": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
}
"""VRM expression -> face actions. Left and right are the character's own."""


class VrmWriter:
    """Collects buffers, materials, meshes and nodes of one character.

    Args:
        person: who it is.
        pose: the T-pose that is baked.
        actions: face action -> (19158, 3) dm, in the source's pose (the head does not turn in the T-pose).

    """

    def __init__(self, person: Person, pose: Pose, actions: Mapping[str, Array]) -> None:
        self._person, self._pose, self._actions = person, pose, actions
        self._gltf = gl.GLTF2(asset=gl.Asset(version="2.0", generator="rhapsode recipes/avatar"))
        self._blob = bytearray()
        self._textures: dict[int, int] = {}
        self._floor = 0.0

    def write(self, parts: list[Part]) -> bytes:
        """Return the file."""
        placed = {id(part): self._placed(part) for part in parts}
        self._floor = min(float(points[:, 1].min()) for points in placed.values())
        self._nodes()
        skin = self._skin()
        normals = smooth_normals([(placed[id(part)], part.faces) for part in parts])
        face = [k for k, part in enumerate(parts) if part.moves]
        groups = [("face", face)] + [(parts[k].name, [k]) for k in range(len(parts)) if k not in face]
        bound: dict[str, int] = {}
        for name, members in groups:
            primitives = [self._primitive(parts[k], placed[id(parts[k])], normals[k]) for k in members]
            mesh = gl.Mesh(name=name, primitives=primitives)
            if name == "face":
                mesh.extras = {"targetNames": list(BLENDSHAPES)}
                mesh.weights = [0.0] * len(BLENDSHAPES)
            self._gltf.meshes.append(mesh)
            self._gltf.nodes.append(gl.Node(name=name, mesh=len(self._gltf.meshes) - 1, skin=skin))
            self._gltf.scenes[0].nodes.append(len(self._gltf.nodes) - 1)
            bound[name] = len(self._gltf.nodes) - 1
        self._vrm(bound["face"])
        self._gltf.buffers = [gl.Buffer(byteLength=len(self._blob))]
        self._gltf.set_binary_blob(bytes(self._blob))
        return b"".join(self._gltf.save_to_bytes())

    def _bone_weights(self, part: Part) -> Array:
        bones = self._pose.bones
        if part.bone is not None:
            return np.tile(np.eye(len(bones.names))[bones.index(part.bone)], (len(part.points), 1))
        assert part.source is not None, f"{part.name} needs source rows or a bone"
        return part.source @ bones.weights

    def _placed(self, part: Part) -> Array:
        return self._pose.apply(part.points, self._bone_weights(part))

    def _metres(self, points: Array) -> Array:
        return (points - [0, self._floor, 0]) * METRE

    def _nodes(self) -> None:
        bones = self._pose.bones
        for k, (name, parent) in enumerate(zip(bones.names, bones.parents, strict=True)):
            here = self._metres(self._pose.heads[k])
            offset = here if parent < 0 else here - self._metres(self._pose.heads[parent])
            children = [child for child, up in enumerate(bones.parents) if up == k]
            self._gltf.nodes.append(
                gl.Node(name=name, translation=[float(x) for x in offset], children=children)
            )
        self._gltf.scenes = [gl.Scene(nodes=[0])]
        self._gltf.scene = 0

    def _skin(self) -> int:
        bones = self._pose.bones
        inverse = np.tile(np.eye(4), (len(bones.names), 1, 1))
        inverse[:, :3, 3] = -self._metres(self._pose.heads)
        columns = np.swapaxes(inverse, 1, 2).reshape(-1, 16)
        matrices = self._accessor(columns.astype(np.float32), "MAT4")
        self._gltf.skins.append(
            gl.Skin(joints=list(range(len(bones.names))), inverseBindMatrices=matrices, skeleton=0)
        )
        return 0

    def _primitive(self, part: Part, placed: Array, normals: Array) -> gl.Primitive:
        joints, weights = top_influences(self._bone_weights(part))
        attributes = gl.Attributes(
            POSITION=self._accessor(
                self._metres(placed).astype(np.float32), "VEC3", target=34962, bounds=True
            ),
            NORMAL=self._accessor(normals.astype(np.float32), "VEC3", target=34962),
            TEXCOORD_0=self._accessor(
                np.stack([part.uv[:, 0], 1 - part.uv[:, 1]], axis=1).astype(np.float32), "VEC2", target=34962
            ),
            JOINTS_0=self._accessor(joints.astype(np.uint8), "VEC4", target=34962),
            WEIGHTS_0=self._accessor(weights.astype(np.float32), "VEC4", target=34962),
        )
        if part.colours is not None:
            rgba = np.concatenate([np.clip(part.colours, 0, 1), np.ones((len(part.points), 1))], axis=1)
            quantised = np.round(rgba * 255).astype(np.uint8)
            attributes.COLOR_0 = self._accessor(quantised, "VEC4", target=34962, normalised=True)
        indices = part.faces.astype(np.uint16 if len(part.points) < 65_535 else np.uint32).reshape(-1)
        primitive = gl.Primitive(
            attributes=attributes,
            indices=self._accessor(indices, "SCALAR", target=34963),
            material=self._material(part.look),
        )
        if part.moves:
            primitive.targets = [self._target(part, placed, normals, name) for name in BLENDSHAPES]
        return primitive

    def _target(self, part: Part, placed: Array, normals: Array, name: str) -> dict[str, int]:
        assert part.source is not None
        deltas = part.source @ self._actions[name] + part.extra_moves.get(name, 0)
        moved = smooth_normals([(placed + deltas, part.faces)])[0] - smooth_normals([(placed, part.faces)])[0]
        return {
            "POSITION": self._sparse((deltas * METRE).astype(np.float32), SMALLEST, bounds=True),
            "NORMAL": self._sparse(moved.astype(np.float32), 0.01),
        }

    def _view(self, data: bytes, *, target: int | None = None) -> int:
        self._blob.extend(b"\0" * (-len(self._blob) % 4))
        view = gl.BufferView(buffer=0, byteOffset=len(self._blob), byteLength=len(data), target=target)
        self._blob.extend(data)
        self._gltf.bufferViews.append(view)
        return len(self._gltf.bufferViews) - 1

    def _accessor(
        self,
        values: Any,
        kind: str,
        *,
        target: int | None = None,
        bounds: bool = False,
        normalised: bool = False,
    ) -> int:
        accessor = gl.Accessor(
            bufferView=self._view(values.tobytes(), target=target),
            componentType=_COMPONENTS[values.dtype.name],
            count=len(values),
            type=kind,
            normalized=normalised,
        )
        if bounds:
            accessor.min, accessor.max = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        self._gltf.accessors.append(accessor)
        return len(self._gltf.accessors) - 1

    def _sparse(self, values: Any, smallest: float, *, bounds: bool = False) -> int:
        rows = np.flatnonzero(np.abs(values).max(axis=1) > smallest)
        rows = rows if len(rows) else np.array([0])
        wide = np.uint16 if len(values) < 65_535 else np.uint32
        kept = values[rows]
        if not np.abs(kept).max() > smallest:
            kept = np.zeros_like(kept)
        accessor = gl.Accessor(componentType=gl.FLOAT, count=len(values), type="VEC3", byteOffset=None)
        accessor.sparse = gl.Sparse(
            count=len(rows),
            indices=gl.AccessorSparseIndices(
                bufferView=self._view(rows.astype(wide).tobytes()), componentType=_COMPONENTS[wide.__name__]
            ),
            values=gl.AccessorSparseValues(bufferView=self._view(kept.tobytes())),
        )
        if bounds:
            every = np.zeros_like(values)
            every[rows] = kept
            accessor.min, accessor.max = every.min(axis=0).tolist(), every.max(axis=0).tolist()
        self._gltf.accessors.append(accessor)
        return len(self._gltf.accessors) - 1

    def _material(self, look: Look) -> int:
        for k, known in enumerate(self._gltf.materials):
            if known.name == look.name:
                return k
        pbr = gl.PbrMetallicRoughness(
            baseColorFactor=list(look.colour), metallicFactor=0.0, roughnessFactor=look.roughness
        )
        if look.texture is not None:
            pbr.baseColorTexture = gl.TextureInfo(index=self._texture(look.texture))
        material = gl.Material(
            name=look.name,
            pbrMetallicRoughness=pbr,
            alphaMode=look.alpha,
            doubleSided=look.double_sided,
            extras={"rhapsode": {"shading": look.shading}},
        )
        material.alphaCutoff = 0.4 if look.alpha == "MASK" else None
        self._gltf.materials.append(material)
        return len(self._gltf.materials) - 1

    def _texture(self, picture: Image.Image) -> int:
        if id(picture) not in self._textures:
            encoded = io.BytesIO()
            if picture.mode == "RGBA":
                picture.save(encoded, "PNG", optimize=True)
            else:
                picture.convert("RGB").save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling=0)
            mime = "image/png" if picture.mode == "RGBA" else "image/jpeg"
            self._gltf.images.append(gl.Image(bufferView=self._view(encoded.getvalue()), mimeType=mime))
            if not self._gltf.samplers:
                self._gltf.samplers = [gl.Sampler(magFilter=9729, minFilter=9987, wrapS=10497, wrapT=10497)]
            self._gltf.textures.append(gl.Texture(source=len(self._gltf.images) - 1, sampler=0))
            self._textures[id(picture)] = len(self._gltf.textures) - 1
        return self._textures[id(picture)]

    def _vrm(self, face: int) -> None:
        def expression(weights: Mapping[str, float], **rules: str) -> dict[str, Any]:
            binds = [{"node": face, "index": BLENDSHAPES.index(n), "weight": w} for n, w in weights.items()]
            return {"morphTargetBinds": binds, "isBinary": False, **rules}

        person = self._person
        vrm = {
            "specVersion": "1.0",
            "meta": {
                "name": person.name.capitalize(),
                "version": "1",
                "authors": ["Rhapsode contributors"],
                "licenseUrl": "https://vrm.dev/licenses/1.0/",
                "otherLicenseUrl": LICENCE,
                "avatarPermission": "everyone",
                "allowExcessivelyViolentUsage": False,
                "allowExcessivelySexualUsage": False,
                "commercialUsage": "corporation",
                "allowPoliticalOrReligiousUsage": False,
                "allowAntisocialOrHateUsage": False,
                "creditNotation": "unnecessary",
                "allowRedistribution": True,
                "modification": "allowModificationRedistribution",
            },
            "humanoid": {
                "humanBones": {name: {"node": k} for k, name in enumerate(self._pose.bones.names)},
            },
            "expressions": {
                "preset": {name: expression(weights) for name, weights in PRESETS.items()},
                "custom": {name: expression({name: 1.0}) for name in BLENDSHAPES},
            },
            "lookAt": {
                "type": "expression",
                "offsetFromHeadBone": self._eye_offset(),
                **{
                    f"rangeMap{way}": {"inputMaxValue": degrees, "outputScale": 1.0}
                    for way, degrees in _LOOK_DEGREES.items()
                },
            },
        }
        self._gltf.extensionsUsed = ["VRMC_vrm"]
        self._gltf.extensions = {"VRMC_vrm": vrm}
        self._gltf.extras = {"rhapsode": {"title": person.title, "rest": REST, "limits": LIMITS}}

    def _eye_offset(self) -> list[float]:
        bones, heads = self._pose.bones, self._pose.heads
        eyes = (heads[bones.index("leftEye")] + heads[bones.index("rightEye")]) / 2
        return [float(x) for x in (eyes - heads[bones.index("head")]) * METRE]


_COMPONENTS = {
    "float32": gl.FLOAT,
    "uint8": gl.UNSIGNED_BYTE,
    "uint16": gl.UNSIGNED_SHORT,
    "uint32": gl.UNSIGNED_INT,
}


def smooth_normals(surfaces: list[tuple[Array, Index]]) -> list[Array]:
    """Return area-weighted point normals; points at the same place, of any surface, share theirs."""
    points = np.concatenate([points for points, _ in surfaces])
    starts = np.cumsum([0] + [len(points) for points, _ in surfaces])
    faces = np.concatenate([faces + start for (_, faces), start in zip(surfaces, starts, strict=False)])
    place = np.unique(np.round(points * 1e4).astype(np.int64), axis=0, return_inverse=True)[1].reshape(-1)
    a, b, c = (points[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    summed = np.zeros((place.max() + 1, 3))
    for k in range(3):
        np.add.at(summed, place[faces[:, k]], area)
    normals = summed[place]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0.0, 1.0, 0.0])
    return [normals[first:last] for first, last in pairwise(starts)]


def height(skeleton: Skeleton, pose: Pose) -> float:
    """Return the height of the head bone above the feet, in metres: a number to check a build by."""
    feet = min(pose.heads[skeleton.index(name)][1] for name in ("leftToes", "rightToes"))
    return float((pose.heads[skeleton.index("head")][1] - feet) * METRE)
