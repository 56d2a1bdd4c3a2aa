"""Compiled loops that move vertices: morph targets, normals, skinning, projection, shadows on vertices.

Every function works on a range of vertices or rows where that helps, holds no lock of the interpreter, and
writes into arrays that the caller keeps, so that several threads share one video frame.

Columns of ``moved`` (V, 12) float32: world position 0:3, world normal 3:6, 1/depth 6 (0 behind the camera),
key light that reaches the vertex 7, world tangent 8:11, rim light that reaches it 11.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast

SUBPIXEL = 256
"""Steps of a screen coordinate per pixel."""

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


@compiled
def morph(
    base: Float32,
    out: Float32,
    touched: Int32,
    first: Int64,
    vertices: Int32,
    offsets: Float32,
    weights: Float32,
) -> None:
    """Write ``base`` plus the weighted offsets into ``out`` at the ``touched`` vertices."""
    for i in touched:
        out[i, 0] = base[i, 0]
        out[i, 1] = base[i, 1]
        out[i, 2] = base[i, 2]
    for m in range(len(weights)):
        w = weights[m]
        if abs(w) < 1e-4:
            continue
        for k in range(first[m], first[m + 1]):
            i = vertices[k]
            out[i, 0] += w * offsets[k, 0]
            out[i, 1] += w * offsets[k, 1]
            out[i, 2] += w * offsets[k, 2]


@compiled
def weld_normals(positions: Float32, triangles: Int32, weld: Int32, total: Float32) -> None:
    """Sum area-weighted face normals per welded vertex into ``total`` and normalise them."""
    total[:] = 0.0
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux = positions[b, 0] - positions[a, 0]
        uy = positions[b, 1] - positions[a, 1]
        uz = positions[b, 2] - positions[a, 2]
        vx = positions[c, 0] - positions[a, 0]
        vy = positions[c, 1] - positions[a, 1]
        vz = positions[c, 2] - positions[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            g = weld[i]
            total[g, 0] += nx
            total[g, 1] += ny
            total[g, 2] += nz
    for g in range(len(total)):
        n = math.sqrt(total[g, 0] ** 2 + total[g, 1] ** 2 + total[g, 2] ** 2)
        if n > 0:
            total[g, 0] /= n
            total[g, 1] /= n
            total[g, 2] /= n


@compiled
def shift_normals(
    base: Float32, out: Float32, region: Int32, weld: Int32, now: Float32, rest: Float32
) -> None:
    """Turn the authored normals of ``region`` by what morphing changed in the geometric ones."""
    for i in region:
        g = weld[i]
        x = base[i, 0] + now[g, 0] - rest[g, 0]
        y = base[i, 1] + now[g, 1] - rest[g, 1]
        z = base[i, 2] + now[g, 2] - rest[g, 2]
        n = math.sqrt(x * x + y * y + z * z)
        if n > 1e-6:
            out[i, 0] = x / n
            out[i, 1] = y / n
            out[i, 2] = z / n


@compiled_fast
def skin(
    begin: int,
    end: int,
    positions: Float32,
    normals: Float32,
    tangents: Float32,
    joints: Int32,
    weights: Float32,
    matrices: Float32,
    camera: Float64,
    moved: Float32,
    screen: Int32,
) -> None:
    """Move vertices ``begin:end`` by their joints and project them.

    Args:
        begin: first vertex.
        end: behind the last vertex.
        positions: (V, 3) morphed, in the mesh's frame.
        normals: (V, 3) in the mesh's frame.
        tangents: (V, 3) in the mesh's frame, zero where not wanted.
        joints: (V, 4) rows of ``matrices``.
        weights: (V, 4), descending.
        matrices: (J, 3, 4) from the mesh's frame to the world.
        camera: (20,) rows of the view matrix 0:12, focal length in pixels 12, centre 13:15, near 15.
        moved: (V, 12), see the module.
        screen: (V, 2) position on the screen in 1/`SUBPIXEL` pixels, y downwards.

    """
    m = np.empty((3, 4))
    for i in range(begin, end):
        w = weights[i, 0]
        j = joints[i, 0]
        for r in range(3):
            for c in range(4):
                m[r, c] = w * matrices[j, r, c]
        for k in range(1, 4):
            w = weights[i, k]
            if w == 0.0:
                break
            j = joints[i, k]
            for r in range(3):
                for c in range(4):
                    m[r, c] += w * matrices[j, r, c]
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        px = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        py = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        pz = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        moved[i, 0], moved[i, 1], moved[i, 2] = px, py, pz
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        nx = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
        ny = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
        nz = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
        n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
        moved[i, 3], moved[i, 4], moved[i, 5] = nx * n, ny * n, nz * n
        x, y, z = tangents[i, 0], tangents[i, 1], tangents[i, 2]
        if x != 0.0 or y != 0.0 or z != 0.0:
            moved[i, 8] = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
            moved[i, 9] = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
            moved[i, 10] = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
        depth = -(camera[8] * px + camera[9] * py + camera[10] * pz + camera[11])
        if depth < camera[15]:
            moved[i, 6] = 0.0
            continue
        iw = 1.0 / depth
        moved[i, 6] = iw
        sx = (camera[0] * px + camera[1] * py + camera[2] * pz + camera[3]) * iw * camera[12] + camera[13]
        sy = camera[14] - (camera[4] * px + camera[5] * py + camera[6] * pz + camera[7]) * iw * camera[12]
        screen[i, 0] = np.int32(max(-8e6, min(8e6, math.floor(sx * SUBPIXEL + 0.5))))
        screen[i, 1] = np.int32(max(-8e6, min(8e6, math.floor(sy * SUBPIXEL + 0.5))))


@compiled_fast
def to_light(begin: int, end: int, moved: Float32, light: Float64, seen: Float32) -> None:
    """Write where vertices ``begin:end`` lie as the light sees them.

    Args:
        begin: first vertex.
        end: behind the last vertex.
        moved: (V, 12), see the module.
        light: (12,) rows that take a world position to texel x, texel y and distance in metres.
        seen: (V, 3) texel x, texel y, metres.

    """
    for i in range(begin, end):
        for k in range(3):
            seen[i, k] = (
                light[4 * k] * moved[i, 0]
                + light[4 * k + 1] * moved[i, 1]
                + light[4 * k + 2] * moved[i, 2]
                + light[4 * k + 3]
            )


@compiled_fast
def shadow_map(top: int, bottom: int, seen: Float32, triangles: Int32, depth: Float32) -> None:
    """Draw rows ``top:bottom`` of the distance to the light; texels without an occluder hold 1e9.

    Args:
        top: first row.
        bottom: behind the last row.
        seen: (V, 3) as made by `to_light`.
        triangles: (T, 3) those that cast shadow.
        depth: (S, S).

    """
    size = depth.shape[1]
    depth[top:bottom] = 1e9
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ya, yb, yc = seen[a, 1], seen[b, 1], seen[c, 1]
        y0 = max(top, math.ceil(min(ya, yb, yc) - 0.5))
        y1 = min(bottom - 1, math.floor(max(ya, yb, yc) - 0.5))
        if y0 > y1:
            continue
        xa, xb, xc = seen[a, 0], seen[b, 0], seen[c, 0]
        x0 = max(0, math.ceil(min(xa, xb, xc) - 0.5))
        x1 = min(size - 1, math.floor(max(xa, xb, xc) - 0.5))
        area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
        if x0 > x1 or abs(area) < 1e-9:
            continue
        inv = 1.0 / area
        za, zb, zc = seen[a, 2], seen[b, 2], seen[c, 2]
        for y in range(y0, y1 + 1):
            fy = y + 0.5
            for x in range(x0, x1 + 1):
                fx = x + 0.5
                l0 = ((xb - fx) * (yc - fy) - (yb - fy) * (xc - fx)) * inv
                l1 = ((xc - fx) * (ya - fy) - (yc - fy) * (xa - fx)) * inv
                l2 = 1.0 - l0 - l1
                if l0 < 0.0 or l1 < 0.0 or l2 < 0.0:
                    continue
                z = l0 * za + l1 * zb + l2 * zc
                if z < depth[y, x]:
                    depth[y, x] = z


@compiled_fast
def shadow_vertices(
    begin: int,
    end: int,
    moved: Float32,
    light: Float64,
    depth: Float32,
    taps: Float32,
    offset: float,
    softness: float,
) -> None:
    """Write how much of the key light reaches vertices ``begin:end`` into column 7 of ``moved``.

    Args:
        begin: first vertex.
        end: behind the last vertex.
        moved: (V, 12), see the module.
        light: as in `to_light`.
        depth: as made by `shadow_map`.
        taps: (K, 2) offsets on the unit disc, scaled to texels.
        offset: metres along the normal by which a vertex is lifted before it looks up.
        softness: metres of occluder distance over which a tap goes from light to shadow.

    """
    size = depth.shape[0]
    for i in range(begin, end):
        if moved[i, 6] == 0.0:
            continue
        px = moved[i, 0] + moved[i, 3] * offset
        py = moved[i, 1] + moved[i, 4] * offset
        pz = moved[i, 2] + moved[i, 5] * offset
        x = light[0] * px + light[1] * py + light[2] * pz + light[3]
        y = light[4] * px + light[5] * py + light[6] * pz + light[7]
        z = light[8] * px + light[9] * py + light[10] * pz + light[11]
        lit = 0.0
        for k in range(len(taps)):
            tx, ty = int(x + taps[k, 0]), int(y + taps[k, 1])
            if tx < 0 or ty < 0 or tx >= size or ty >= size:
                lit += 1.0
                continue
            gap = (z - depth[ty, tx]) / softness
            lit += 1.0 if gap <= 0.0 else (1.0 - gap if gap < 1.0 else 0.0)
        moved[i, 7] = lit / len(taps)
