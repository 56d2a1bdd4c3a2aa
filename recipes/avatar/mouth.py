"""What a mouth shows when it opens: its cavity, teeth and tongue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from recipes.avatar.anatomy import base_part, islands
from recipes.avatar.paint import blend, bump, image, step
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Source
from scipy import ndimage
from scipy.sparse import vstack

_NARROWER = 0.82
_BACK = -0.045  # dm
_UPPER_DOWN, _LOWER_DOWN = -0.045, -0.050
_TONGUE = np.array([0.0, -0.07, -0.05])
_TEETH = 7  # on each side of the middle


def mouth_parts(source: Source, points: Array) -> list[Part]:
    """Make cavity, teeth and tongue, which follow the jaw through the face actions, darker further in."""
    cavity = base_part(
        source,
        points,
        islands(source)["cavity"],
        Look("mouth-cavity", "mouth", roughness=0.5),
        name="cavity",
        moves=True,
    )
    lips = float(cavity.points[:, 2].max())
    deep = step(0.02, 0.45, lips - cavity.points[:, 2])[:, None]
    red = (1 - deep) * np.array([0.20, 0.045, 0.04]) + deep * np.array([0.035, 0.006, 0.006])
    parts = [replace(cavity, colours=red)]
    for name, down in (("upper", _UPPER_DOWN), ("lower", _LOWER_DOWN)):
        parts.append(_teeth(source, points, name, down))
    look = Look("tongue", "mouth", texture=_tongue_texture(), roughness=0.35)
    tongue = base_part(source, points, source.mesh.groups["helper-tongue"], look, name="tongue", moves=True)
    moved = tongue.points + _TONGUE
    low, high = moved.min(axis=0), moved.max(axis=0)
    depth = step(0.0, 0.55, high[2] - moved[:, 2])
    up = np.clip((moved[:, 1] - low[1]) / (high[1] - low[1]), 0, 1)
    light = (0.95 - 0.62 * depth) * (0.7 + 0.3 * up)
    uv = np.stack(
        [(moved[:, 0] - low[0]) / (high[0] - low[0]), (moved[:, 2] - low[2]) / (high[2] - low[2])], axis=1
    )
    return [*parts, replace(tongue, points=moved, uv=uv, colours=np.repeat(light[:, None], 3, axis=1))]


def _teeth(source: Source, points: Array, name: str, down: float) -> Part:
    """Make one row, with single teeth painted along its arch; wet enamel is lit like an eye."""
    look = Look(f"teeth-{name}", "eye", texture=teeth_texture(name == "upper"), roughness=0.25)
    part = base_part(
        source, points, source.mesh.groups[f"helper-{name}-teeth"], look, name=f"teeth-{name}", moves=True
    )
    moved = part.points * (_NARROWER, 1, 1) + (0, down, _BACK)
    low, high = moved.min(axis=0), moved.max(axis=0)
    arch = np.array([0.0, high[2] - 0.28])
    angle = np.arctan2(moved[:, 0] - arch[0], moved[:, 2] - arch[1])
    height = np.clip((moved[:, 1] - low[1]) / (high[1] - low[1]), 0, 1)
    uv = np.stack([np.clip(0.5 + 0.85 * angle / np.pi, 0, 1), height], axis=1)
    depth = step(0.01, 0.20, high[2] - moved[:, 2])
    outwards = np.stack([np.sin(angle), np.zeros(len(angle)), np.cos(angle)], axis=1)
    corners = moved[part.faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    inner = (facing * outwards[part.faces].mean(axis=1)).sum(axis=1) < 0.3
    # The inner faces get points of their own, a little further in: a sharp biting edge, and darker behind it.
    light = 0.86 - 0.70 * depth
    return replace(
        part,
        points=np.concatenate([moved, moved - 0.004 * outwards]),
        faces=part.faces + np.where(inner, len(moved), 0)[:, None],
        uv=np.concatenate([uv, uv]),
        source=vstack([part.source, part.source], format="csr"),
        colours=np.concatenate([light, 0.4 * light])[:, None].repeat(3, axis=1),
    )


def teeth_texture(upper: bool) -> Image.Image:
    """Paint a row of teeth along its arch (u) from its lower to its upper rim (v), gum at the root."""
    width, height = 512, 128
    u = (np.arange(width) + 0.5) / width
    v = 1 - (np.arange(height) + 0.5) / height
    crown = v if upper else 1 - v  # 0 at the biting edge
    sizes = (
        np.array([1.0, 0.80, 0.88, 0.78, 0.78, 0.95, 0.9])
        if upper
        else np.array([0.68, 0.72, 0.82, 0.8, 0.8, 1, 1])
    )
    edges = np.concatenate([[0], np.cumsum(sizes)]) / sizes.sum() * 0.5
    edges = np.concatenate([0.5 - edges[::-1], 0.5 + edges[1:]])
    away = np.abs(u[:, None] - edges[None]).min(axis=1)
    which = np.searchsorted(edges, u)
    tone = 1 + 0.02 * np.random.default_rng(2).standard_normal(len(edges) + 1)[which]
    gap = (
        bump(away, 0.0035)[None, :] * step(0.0, 0.3, crown)[:, None] * 0.45
        + bump(away, 0.0022)[None, :] * 0.2
    )
    picture = np.ones((height, width, 3)) * (252, 245, 231) * tone[None, :, None]
    picture *= (1 - 0.10 * step(0.2, 0.7, crown))[:, None, None] * (1.0, 0.985, 0.95)
    picture = blend(picture, (158.0, 122.0, 98.0), np.clip(gap, 0, 1))
    scallop = 0.78 - 0.07 * np.clip(away / 0.035, 0, 1) ** 0.8
    gum = step(-0.02, 0.03, crown[:, None] - (scallop[None, :] + 0.06))
    picture = blend(picture, (186.0, 96.0, 92.0), gum)
    return image(ndimage.gaussian_filter(picture, (0.8, 0.8, 0)))


def _tongue_texture() -> Image.Image:
    """Pink, rougher than skin, with a darker groove in the middle; u across, v forwards."""
    size = 128
    u = (np.arange(size) + 0.5) / size
    picture = np.ones((size, size, 3)) * (196, 104, 100)
    rough = ndimage.gaussian_filter(np.random.default_rng(4).standard_normal((size, size)), 1.3)
    picture *= (1 + 0.025 * rough / rough.std())[..., None]
    return image(picture * (1 - 0.16 * bump(u - 0.5, 0.045))[None, :, None])
