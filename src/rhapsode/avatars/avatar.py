"""What an avatar is once it is loaded: a skeleton, primitives, materials, expressions; frozen, no files.

The frame is glTF's: metres, Y up, the avatar looks towards +Z, its own left is +X. Quaternions are
x, y, z, w.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
UInt8 = NDArray[np.uint8]

SHADINGS = ("default", "skin", "eye", "hair", "cloth", "mouth", "lash", "toon", "unlit")
"""How a material wants to be lit; files name the first seven in ``material.extras.rhapsode.shading``."""


@dataclass(frozen=True, eq=False)
class Node:
    """One node of the skeleton with its transform at rest.

    Args:
        name: as in the file, possibly empty.
        parent: index of the parent node, -1 for a root.
        translation: (3,) float32, metres, relative to the parent.
        rotation: (4,) float32 unit quaternion x, y, z, w.
        scale: (3,) float32.

    """

    name: str
    parent: int
    translation: Float32
    rotation: Float32
    scale: Float32


@dataclass(frozen=True, eq=False)
class Morph:
    """A sparse morph target of one primitive.

    Args:
        vertices: (K,) int32, the vertices that move.
        offsets: (K, 3) float32, metres at weight 1.

    """

    vertices: Int32
    offsets: Float32


@dataclass(frozen=True, eq=False)
class Primitive:
    """Triangles of one material.

    Args:
        name: of the mesh it belongs to.
        node: index of the node that carries it.
        positions: (V, 3) float32, metres, in the mesh's own frame.
        normals: (V, 3) float32 unit vectors.
        uv: (V, 2) float32, v downwards as in glTF.
        colours: (V, 4) float32 linear, multiplied into the base colour; ones where the file has none.
        triangles: (T, 3) int32, counter-clockwise seen from the front.
        joints: (V, 4) int32 indices into the joints of the skin.
        weights: (V, 4) float32, each row sums to 1 (all zero without a skin).
        morphs: sparse morph targets by name.
        material: index of the material.
        skin: index of the skin, -1 where the node alone moves it.

    """

    name: str
    node: int
    positions: Float32
    normals: Float32
    uv: Float32
    colours: Float32
    triangles: Int32
    joints: Int32
    weights: Float32
    morphs: Mapping[str, Morph]
    material: int
    skin: int


@dataclass(frozen=True, eq=False)
class Skin:
    """The joints that move a primitive.

    Args:
        joints: (J,) int32 node indices.
        inverse_bind: (J, 4, 4) float32, from the mesh's frame to each joint's.

    """

    joints: Int32
    inverse_bind: Float32


@dataclass(frozen=True, eq=False)
class Material:
    """How a surface looks.

    Args:
        name: as in the file.
        colour: (4,) float32 linear base colour factor.
        texture: (H, W, 4) uint8 sRGB base colour picture, or None.
        alpha_mode: "OPAQUE", "MASK" or "BLEND".
        alpha_cutoff: texels below it are holes in MASK mode.
        double_sided: whether back faces are seen.
        shading: one of `SHADINGS`.
        shade: (3,) float32 linear colour of the unlit side ("toon" only).
        emissive: (3,) float32 linear light of its own.
        wrap: (2,) whether u and v repeat; otherwise they clamp.
        extras: ``material.extras.rhapsode`` of the file.
        roughness: 0 mirrors, 1 is matte; 0.5 where the file does not say.

    """

    name: str
    colour: Float32
    texture: UInt8 | None = None
    alpha_mode: str = "OPAQUE"
    alpha_cutoff: float = 0.5
    double_sided: bool = False
    shading: str = "default"
    shade: Float32 = field(default_factory=lambda: np.ones(3, np.float32))
    emissive: Float32 = field(default_factory=lambda: np.zeros(3, np.float32))
    wrap: tuple[bool, bool] = (True, True)
    extras: Mapping[str, Any] = field(default_factory=dict)
    roughness: float = 0.5


@dataclass(frozen=True)
class Expression:
    """A VRM expression: named morph targets with weights.

    Args:
        name: VRM 1.0 preset name (VRM 0.x names are translated), or the custom name as written.
        binds: pairs of morph name and weight in [0, 1].
        preset: whether the file declares it as a preset.

    """

    name: str
    binds: tuple[tuple[str, float], ...]
    preset: bool


@dataclass(frozen=True, eq=False)
class Avatar:
    """A character that can be posed and drawn.

    Args:
        name: of the shipped avatar, or the stem of the file.
        nodes: the skeleton; parents may come after their children.
        primitives: everything that is drawn.
        materials: indexed by ``Primitive.material``.
        skins: indexed by ``Primitive.skin``.
        humanoid: VRM 1.0 humanoid bone name to node index.
        expressions: VRM expressions by name.
        rest: weights that a resting, friendly face has, by channel (from the file's extras).
        limits: greatest weight by channel (from the file's extras).
        extras: the file's own ``extras.rhapsode``.
        meta: title, authors, licence as the file states them.
        sha256: of the file.

    """

    name: str
    nodes: tuple[Node, ...]
    primitives: tuple[Primitive, ...]
    materials: tuple[Material, ...]
    skins: tuple[Skin, ...]
    humanoid: Mapping[str, int]
    expressions: Mapping[str, Expression]
    rest: Mapping[str, float]
    limits: Mapping[str, float]
    extras: Mapping[str, Any]
    meta: Mapping[str, Any]
    sha256: str

    @cached_property
    def morph_names(self) -> tuple[str, ...]:
        """Names of all morph targets, in order of first appearance."""
        return tuple(dict.fromkeys(name for part in self.primitives for name in part.morphs))

    @cached_property
    def node_order(self) -> tuple[int, ...]:
        """Node indices with every parent before its children."""
        order: list[int] = []
        children: dict[int, list[int]] = {}
        for index, node in enumerate(self.nodes):
            children.setdefault(node.parent, []).append(index)
        stack = list(reversed(children.get(-1, [])))
        while stack:
            index = stack.pop()
            order.append(index)
            stack.extend(reversed(children.get(index, [])))
        return tuple(order)

    @cached_property
    def rest_world(self) -> NDArray[np.float64]:
        """World transform of every node at rest, (N, 4, 4) float64."""
        world = np.zeros((len(self.nodes), 4, 4))
        for index in self.node_order:
            node = self.nodes[index]
            local = compose(node.translation, node.rotation, node.scale)
            world[index] = local if node.parent < 0 else world[node.parent] @ local
        return world

    def rest_positions(self, primitive: Primitive) -> NDArray[np.float64]:
        """Return the vertices of ``primitive`` at rest in the world, (V, 3) float64 metres."""
        points = np.concatenate([primitive.positions, np.ones((len(primitive.positions), 1))], axis=1)
        if primitive.skin < 0:
            return np.asarray((points @ self.rest_world[primitive.node].T)[:, :3])
        skin = self.skins[primitive.skin]
        joint = self.rest_world[skin.joints] @ skin.inverse_bind
        moved = np.einsum("vk,vkij,vj->vi", primitive.weights, joint[primitive.joints], points)
        return np.asarray(moved[:, :3])


def rotation_matrix(quaternion: Any) -> NDArray[np.float64]:
    """Return the 3 x 3 rotation matrix of a quaternion x, y, z, w."""
    x, y, z, w = np.asarray(quaternion, np.float64) / (np.linalg.norm(quaternion) or 1.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def compose(translation: Any, rotation: Any, scale: Any) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix that scales, then rotates, then translates."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rotation) * np.asarray(scale, np.float64)
    matrix[:3, 3] = translation
    return matrix
