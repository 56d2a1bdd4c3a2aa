"""Small generated avatars: a textured, skinned ball of a head with morph targets, as glTF bytes."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as g
from numpy.typing import NDArray

from rhapsode.rigs import BLENDSHAPES

EYE_HEIGHT = 1.55
RADIUS = 0.11


class Builder:
    """Collects accessors and buffer views around a `pygltflib.GLTF2`."""

    def __init__(self) -> None:
        self.gltf = g.GLTF2(asset=g.Asset(version="2.0"), scene=0)
        self.blob = b""

    def view(self, data: bytes, stride: int | None = None) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.gltf.bufferViews.append(
            g.BufferView(buffer=0, byteOffset=len(self.blob), byteLength=len(data), byteStride=stride)
        )
        self.blob += data
        return len(self.gltf.bufferViews) - 1

    def accessor(self, values: NDArray[Any], *, normalized: bool = False) -> int:
        values = np.ascontiguousarray(values)
        code = {"float32": 5126, "uint16": 5123, "uint32": 5125, "uint8": 5121, "int8": 5120, "int16": 5122}
        width = 1 if values.ndim == 1 else int(np.prod(values.shape[1:]))
        self.gltf.accessors.append(
            g.Accessor(
                bufferView=self.view(values.tobytes()),
                componentType=code[values.dtype.name],
                count=len(values),
                type={1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[width],
                normalized=normalized,
                min=values.min(axis=0).tolist() if width == 3 and values.dtype == np.float32 else None,
                max=values.max(axis=0).tolist() if width == 3 and values.dtype == np.float32 else None,
            )
        )
        return len(self.gltf.accessors) - 1

    def sparse(self, values: NDArray[np.float32]) -> int:
        """Add an accessor that stores only the rows that are not zero."""
        rows = np.flatnonzero(np.abs(values).max(axis=1)).astype(np.uint16)
        if not len(rows):
            rows = np.zeros(1, np.uint16)
        self.gltf.accessors.append(
            g.Accessor(
                componentType=5126,
                count=len(values),
                type="VEC3",
                min=values.min(axis=0).tolist(),
                max=values.max(axis=0).tolist(),
                sparse=g.Sparse(
                    count=len(rows),
                    indices=g.AccessorSparseIndices(bufferView=self.view(rows.tobytes()), componentType=5123),
                    values=g.AccessorSparseValues(bufferView=self.view(values[rows].tobytes())),
                ),
            )
        )
        return len(self.gltf.accessors) - 1

    def glb(self) -> bytes:
        self.gltf.buffers = [g.Buffer(byteLength=len(self.blob))]
        self.gltf.set_binary_blob(self.blob)
        return b"".join(self.gltf.save_to_bytes())

    def gltf_json(self) -> bytes:
        """Return a .gltf with its data inside the JSON."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.blob).decode()
        self.gltf.buffers = [g.Buffer(byteLength=len(self.blob), uri=uri)]
        return str(self.gltf.to_json()).encode()


def ball(
    rings: int = 16, around: int = 24
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]:
    """Return unit sphere positions, texture coordinates and triangles, seam at the back."""
    v, u = np.mgrid[0 : rings + 1, 0 : around + 1].astype(np.float64)
    polar, azimuth = np.pi * v / rings, 2 * np.pi * u / around
    points = np.stack(
        [-np.sin(polar) * np.sin(azimuth), np.cos(polar), -np.sin(polar) * np.cos(azimuth)], axis=-1
    ).reshape(-1, 3)
    uv = np.stack([u / around, v / rings], axis=-1).reshape(-1, 2)
    index = np.arange((rings + 1) * (around + 1)).reshape(rings + 1, around + 1)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    first, second, third = (points[triangles[:, k]] for k in range(3))
    flat = np.linalg.norm(np.cross(second - first, third - first), axis=1) < 1e-9
    return points.astype(np.float32), uv.astype(np.float32), triangles[~flat].astype(np.uint16)


def face_picture() -> bytes:
    """Return a PNG: skin with two dark eyes and a mouth at the front of the ball."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (256, 128), (222, 176, 150))
    draw = ImageDraw.Draw(picture)
    for x in (116, 140):
        draw.ellipse((x - 4, 52, x + 4, 60), fill=(40, 30, 30))
    draw.rectangle((116, 78, 140, 81), fill=(170, 70, 70))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def head(*, names: tuple[str, ...] = BLENDSHAPES, sparse: bool = True, version: int | None = 1) -> Builder:
    """Return an avatar: hips, chest, neck, head and arms, one skinned ball with morph targets and a body.

    Args:
        names: of the morph targets; each moves its own part of the front of the ball.
        sparse: store the targets as sparse accessors.
        version: of VRM (0 looks towards -Z), or None for a plain glTF.

    """
    made = Builder()
    facing = -1.0 if version == 0 else 1.0
    bones = [
        ("hips", -1, (0, 0.9, 0)),
        ("spine", 0, (0, 0.15, 0)),
        ("chest", 1, (0, 0.2, 0)),
        ("neck", 2, (0, 0.18, 0)),
        ("head", 3, (0, 0.08, 0)),
        ("leftEye", 4, (0.03 * facing, 0.04, 0.09 * facing)),
        ("rightEye", 4, (-0.03 * facing, 0.04, 0.09 * facing)),
        ("leftUpperArm", 2, (0.15 * facing, 0.12, 0)),
        ("leftLowerArm", 7, (0.25 * facing, 0, 0)),
        ("rightUpperArm", 2, (-0.15 * facing, 0.12, 0)),
        ("rightLowerArm", 9, (-0.25 * facing, 0, 0)),
    ]
    world: list[NDArray[np.float64]] = []
    for index, (name, parent, place) in enumerate(bones):
        children = [n for n, row in enumerate(bones) if row[1] == index]
        world.append(np.array(place, float) + (world[parent] if parent >= 0 else 0))
        made.gltf.nodes.append(
            g.Node(name=name, translation=list(map(float, place)), children=children or None)
        )
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(bones), 1, 1))
    inverse[:, :3, 3] = -np.array(world)
    made.gltf.skins = [
        g.Skin(
            joints=list(range(len(bones))),
            inverseBindMatrices=made.accessor(np.ascontiguousarray(inverse.transpose(0, 2, 1))),
        )
    ]
    unit, uv, triangles = ball()
    turned = unit * np.array([facing, 1, facing], np.float32)
    positions = (turned * RADIUS + np.array([0, EYE_HEIGHT, 0])).astype(np.float32)
    joints = np.zeros((len(unit), 4), np.uint8)
    joints[:, 0] = 4
    weights = np.zeros((len(unit), 4), np.uint8)
    weights[:, 0] = 255
    targets = [
        {"POSITION": (made.sparse if sparse else made.accessor)(offsets)}
        for offsets in (target(unit, index, facing) for index in range(len(names)))
    ]
    image = made.view(face_picture())
    made.gltf.images = [g.Image(bufferView=image, mimeType="image/png")]
    made.gltf.samplers = [g.Sampler(wrapS=10497, wrapT=33071)]
    made.gltf.textures = [g.Texture(source=0, sampler=0)]
    made.gltf.materials = [
        g.Material(
            name="face",
            pbrMetallicRoughness=g.PbrMetallicRoughness(baseColorTexture=g.TextureInfo(index=0)),
            extras={"rhapsode": {"shading": "skin"}},
        ),
        g.Material(
            name="shirt",
            pbrMetallicRoughness=g.PbrMetallicRoughness(baseColorFactor=[0.05, 0.15, 0.25, 1.0]),
            doubleSided=True,
            extras={"rhapsode": {"shading": "cloth"}},
        ),
    ]
    face = g.Primitive(
        attributes=g.Attributes(
            POSITION=made.accessor(positions),
            NORMAL=made.accessor(turned.astype(np.float32)),
            TEXCOORD_0=made.accessor(uv),
            JOINTS_0=made.accessor(joints),
            WEIGHTS_0=made.accessor(weights, normalized=True),
        ),
        indices=made.accessor(triangles.ravel()),
        material=0,
        targets=targets or None,
    )
    trunk = (unit * np.array([0.2, 0.32, 0.12]) + np.array([0, 1.1, 0])).astype(np.float32)
    chest = np.zeros((len(unit), 4), np.uint8)
    chest[:, 0] = 2
    body = g.Primitive(
        attributes=g.Attributes(
            POSITION=made.accessor(trunk),
            JOINTS_0=made.accessor(chest),
            WEIGHTS_0=made.accessor(weights, normalized=True),
        ),
        indices=made.accessor(triangles.ravel()),
        material=1,
    )
    extras = {"targetNames": list(names)} if names else {}
    made.gltf.meshes = [
        g.Mesh(name="Face", primitives=[face], extras=extras),
        g.Mesh(name="Body", primitives=[body]),
    ]
    made.gltf.nodes.append(g.Node(name="Face", mesh=0, skin=0))
    made.gltf.nodes.append(g.Node(name="Body", mesh=1, skin=0))
    made.gltf.scenes = [g.Scene(nodes=[0, len(bones), len(bones) + 1])]
    made.gltf.extensions = _vrm(version, [name for name, _, _ in bones], len(bones))
    if version is not None:
        made.gltf.extensionsUsed = list(made.gltf.extensions)
    return made


def target(unit: NDArray[np.float32], index: int, facing: float) -> NDArray[np.float32]:
    """Return the offsets of morph target ``index``: a bump at its own place on the front, (V, 3) metres."""
    angle = -1.5708 if index == BLENDSHAPES.index("jawOpen") else index * 2.399963
    radius = 0.9 if index == BLENDSHAPES.index("jawOpen") else 0.5
    centre = np.array([radius * np.cos(angle), radius * np.sin(angle), 0.0])
    centre[2] = np.sqrt(1 - centre @ centre)
    near = np.clip(1 - np.linalg.norm(unit - centre, axis=1) / 0.6, 0, 1)
    return (near[:, None] * unit * np.array([facing, 1, facing]) * 0.02).astype(np.float32)


def _vrm(version: int | None, bones: list[str], face_node: int) -> dict[str, Any]:
    if version is None:
        return {}
    if version == 1:
        return {
            "VRMC_vrm": {
                "specVersion": "1.0",
                "meta": {"name": "Ball", "authors": ["tests"]},
                "humanoid": {"humanBones": {name: {"node": index} for index, name in enumerate(bones)}},
                "expressions": {
                    "preset": {"aa": {"morphTargetBinds": [{"node": face_node, "index": 0, "weight": 0.5}]}}
                },
            }
        }
    return {
        "VRM": {
            "meta": {"title": "Ball"},
            "humanoid": {"humanBones": [{"bone": name, "node": index} for index, name in enumerate(bones)]},
            "blendShapeMaster": {
                "blendShapeGroups": [
                    {"name": "A", "presetName": "a", "binds": [{"mesh": 0, "index": 0, "weight": 50}]},
                    {
                        "name": "Blink",
                        "presetName": "blink",
                        "binds": [{"mesh": 0, "index": 1, "weight": 100}],
                    },
                ]
            },
        }
    }


def write(path: Path, made: Builder) -> Path:
    """Write ``made`` as .glb/.vrm or .gltf by the extension of ``path``."""
    path.write_bytes(made.gltf_json() if path.suffix == ".gltf" else made.glb())
    return path


def edited(path: Path, made: Builder, **top_level: Any) -> Path:
    """Write ``made`` as a .gltf with top-level keys replaced."""
    tree = json.loads(made.gltf_json())
    tree.update(top_level)
    path.write_text(json.dumps(tree))
    return path
