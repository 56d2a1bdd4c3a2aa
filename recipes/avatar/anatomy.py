"""The body's own surfaces as parts: head, mouth cavity, eye sockets, body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Index, Source
from scipy.sparse import coo_array, csgraph, csr_array

SKIN_POINTS = 13_380
"""The base mesh's first points are the body; helpers follow."""

_ISLANDS = {
    "head": (0.99, 0.5),
    "cavity": (0.92, 0.07),
    "socket-right": (0.04, 0.6),
    "socket-left": (0.12, 0.6),
}
"""A texture coordinate near which each island lies; everything else is the body."""


def one_hot(points: Index, total: int = 19_158) -> csr_array:
    """Return rows that take everything from one base point each."""
    rows = np.arange(len(points))
    return csr_array((np.ones(len(points)), (rows, points)), shape=(len(points), total))


def base_part(
    source: Source,
    points: Array,
    faces: Index,
    look: Look,
    *,
    name: str,
    moves: bool,
    uv: Array | None = None,
) -> Part:
    """Make a part of some faces of the base mesh.

    Args:
        source: the base mesh.
        points: (19158, 3) shaped points.
        faces: indices of its faces.
        look: the material.
        name: of the part.
        moves: whether the face actions move it.
        uv: replaces the mesh's texture coordinates, one row for each.

    """
    mesh = source.mesh
    corners, corner_uv = mesh.quads[faces], mesh.quad_uv[faces]
    pairs = np.stack([corners, corner_uv], axis=2).reshape(-1, 2)
    unique, compact = np.unique(pairs, axis=0, return_inverse=True)
    quads = compact.reshape(-1, 4)
    coordinates = mesh.uv if uv is None else uv
    return Part(
        name,
        points[unique[:, 0]],
        triangles(quads, points[unique[:, 0]]),
        coordinates[unique[:, 1]],
        look,
        one_hot(unique[:, 0]),
        moves,
    )


def triangles(quads: Index, points: Array) -> Index:
    """Cut quads along their shorter diagonal; a repeated corner is a triangle already."""
    a, b, c, d = (points[quads[:, k]] for k in range(4))
    first = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1)
    one = np.where(first[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    two = np.where(first[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    both = np.concatenate([one, two])
    proper = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2]) & (both[:, 0] != both[:, 2])
    return both[proper]


def islands(source: Source) -> dict[str, Index]:
    """Split the faces of the body by texture island: head, cavity, sockets, body."""
    mesh = source.mesh
    faces = mesh.groups["body"]
    corner_uv = mesh.quad_uv[faces]
    edges = np.concatenate([corner_uv[:, [k, (k + 1) % 4]] for k in range(4)])
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(mesh.uv),) * 2)
    label = csgraph.connected_components(graph)[1]
    face_label = label[corner_uv[:, 0]]
    centres = mesh.uv[corner_uv].mean(axis=1)
    found: dict[str, Index] = {}
    taken = np.zeros(len(faces), bool)
    for name, near in _ISLANDS.items():
        nearest = np.argmin(np.linalg.norm(centres - near, axis=1))
        mine = face_label == face_label[nearest]
        found[name] = faces[mine]
        taken |= mine
    return {**found, "body": faces[~taken]}


def visible(source: Source, faces: Index, hidden: NDArray[np.bool_]) -> Index:
    """Leave out the faces whose points all lie under clothes."""
    return faces[~hidden[source.mesh.quads[faces]].all(axis=1)]
