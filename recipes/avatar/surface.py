"""Work on triangle surfaces: normals, smoothing, clipping along a field, the loops of a clipped edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from recipes.avatar.piece import Part
from recipes.avatar.source import Array, Index
from scipy.sparse import csr_array, vstack

Field = Callable[[Array], Array]
"""(V, 3) points -> (V,): below zero is kept."""


def point_normals(points: Array, faces: Index) -> Array:
    """Area-weighted unit normals, (V, 3)."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for k in range(3):
        np.add.at(normals, faces[:, k], area)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def averaging(faces: Index, count: int) -> csr_array:
    """Return the matrix that replaces each point by the mean of its neighbours."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([pairs, pairs[:, ::-1]])
    unique = np.unique(both, axis=0)
    links = csr_array((np.ones(len(unique)), (unique[:, 0], unique[:, 1])), shape=(count, count))
    degree = np.maximum(links.sum(axis=1), 1)
    return csr_array(links.multiply(1 / degree[:, None]))


def smoothed(
    points: Array, faces: Index, times: int, amount: float = 0.5, keep: Array | None = None
) -> Array:
    """Move every point towards the mean of its neighbours; ``keep`` (V,) in [0, 1] holds points back."""
    mean = averaging(faces, len(points))
    alone = np.asarray(mean.sum(axis=1)).reshape(-1) == 0
    share = np.full(len(points), amount) if keep is None else amount * (1 - keep)
    share[alone] = 0
    for _ in range(times):
        points = points + share[:, None] * (mean @ points - points)
    return points


def merged(part: Part) -> Part:
    """Join points at the same place, so that texture seams do not tear a surface."""
    place, first, compact = np.unique(
        np.round(part.points * 1e5).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    del place
    faces = compact.reshape(-1)[part.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    source = None if part.source is None else part.source[first]
    return replace(part, points=part.points[first], uv=part.uv[first], faces=faces[proper], source=source)


def clipped(part: Part, field: Field) -> Part:
    """Keep where ``field`` is below zero; new points on the cut take their share of everything."""
    assert part.source is not None
    value = field(part.points)
    inside = value < 0
    count = inside[part.faces].sum(axis=1)
    kept = [part.faces[count == 3]]
    made: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, float]] = []

    def cut(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in made:
            made[key] = len(part.points) + len(rows)
            low, high = key
            rows.append((low, high, float(value[low] / (value[low] - value[high]))))
        return made[key]

    for face in part.faces[(count == 1) | (count == 2)]:
        turn = next(k for k in range(3) if inside[face[k]] == (inside[face].sum() == 1))
        a, b, c = (int(face[(turn + k) % 3]) for k in range(3))
        ab, ca = cut(a, b), cut(c, a)
        kept.append(np.array([[a, ab, ca]] if inside[a] else [[ab, b, c], [ab, c, ca]]))
    if rows:
        low, high, share = (np.array(column) for column in zip(*rows, strict=True))
        low, high, t = low.astype(int), high.astype(int), share[:, None]
        part = replace(
            part,
            points=np.concatenate([part.points, part.points[low] * (1 - t) + part.points[high] * t]),
            uv=np.concatenate([part.uv, part.uv[low] * (1 - t) + part.uv[high] * t]),
            source=csr_array(
                vstack([part.source, part.source[low].multiply(1 - t) + part.source[high].multiply(t)])
            ),
        )
    part = replace(part, faces=np.concatenate(kept))
    return part.kept(np.ones(len(part.faces), bool))


def edge_loops(faces: Index) -> list[Index]:
    """Return the open edges as closed loops of point indices, longest first."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    known = {(int(a), int(b)) for a, b in pairs}
    after = {a: b for a, b in known if (b, a) not in known}
    loops: list[Index] = []
    while after:
        start, here = next(iter(after.items()))
        loop = [start]
        del after[start]
        while here != start and here in after:
            loop.append(here)
            here = after.pop(here)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def evened(part: Part, loops: list[Index], harmonics: int = 6) -> Part:
    """Draw open edges as smooth closed curves, so that a cut does not show the mesh that it went through.

    Each loop is sampled evenly along its length and kept up to so many harmonics of its Fourier series.
    """
    points = part.points.copy()
    for loop in loops:
        line = np.concatenate([points[loop], points[loop[:1]]])
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        share = np.linspace(0, length[-1], 256, endpoint=False)
        even = np.stack([np.interp(share, length, line[:, k]) for k in range(3)], axis=1)
        series = np.fft.rfft(even, axis=0)
        series[harmonics + 1 :] = 0
        smooth = np.fft.irfft(series, n=len(even), axis=0)
        ring = np.concatenate([smooth, smooth[:1]])
        ends = np.append(share, length[-1])
        points[loop] = np.stack([np.interp(length[:-1], ends, ring[:, k]) for k in range(3)], axis=1)
    return replace(part, points=points)


def tube(part: Part, loop: Index, radius: float, *, flat: float = 1.0, sides: int = 8, name: str) -> Part:
    """Lay a tube of ``radius`` along an edge loop: a collar, a cuff or a hem."""
    assert part.source is not None
    line = part.points[loop]
    along = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = point_normals(part.points, part.faces)[loop]
    out -= (out * along).sum(axis=1, keepdims=True) * along
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    across = np.cross(along, out)
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rings = [line + radius * (np.cos(t) * out * flat + np.sin(t) * across) for t in angles]
    n = len(loop)
    points = np.stack(rings, axis=1).reshape(-1, 3)
    i, k = np.meshgrid(np.arange(n), np.arange(sides), indexing="ij")
    a, b = i * sides + k, ((i + 1) % n) * sides + k
    c, d = ((i + 1) % n) * sides + (k + 1) % sides, i * sides + (k + 1) % sides
    faces = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]).reshape(-1, 3)
    uv = np.stack([np.repeat(np.linspace(0, 0.5, n), sides), np.tile(np.linspace(0, 0.01, sides), n)], axis=1)
    return replace(
        part, name=name, points=points, faces=faces, uv=uv, source=part.source[np.repeat(loop, sides)]
    )


def joined(name: str, parts: list[Part]) -> Part:
    """Put parts of one look together."""
    starts = np.cumsum([0] + [len(part.points) for part in parts])
    return replace(
        parts[0],
        name=name,
        points=np.concatenate([part.points for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]),
        uv=np.concatenate([part.uv for part in parts]),
        source=csr_array(vstack([part.source for part in parts])) if parts[0].source is not None else None,
    )
