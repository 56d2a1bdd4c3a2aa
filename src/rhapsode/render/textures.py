"""The pictures of an avatar's materials as the compiled loops read them: all mip levels in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Textures:
    """All pictures with their mip levels in one array.

    Args:
        texels: (N, 4) uint8; colour is the square root of linear light, so that squaring decodes it.
        levels: (pictures, levels, 3) int64: first texel, width, height of each mip level.

    """

    texels: UInt8
    levels: Int64


def linear_of(srgb: NDArray[np.uint8] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light of sRGB values 0 to 255 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def pack_textures(pictures: Sequence[UInt8]) -> Textures:
    """Make mip levels by averaging linear light (weighted by alpha) and put them in one array."""
    decode = linear_of(np.arange(256, dtype=np.float64)).astype(np.float32)
    texels, rows, total = [np.zeros((1, 4), np.uint8)], [], 1
    for picture in pictures:
        level = np.concatenate([decode[picture[..., :3]], picture[..., 3:].astype(np.float32) / 255], axis=2)
        levels = []
        while True:
            height, width = level.shape[:2]
            coded = np.concatenate([np.sqrt(level[..., :3]), level[..., 3:]], axis=2)
            texels.append(np.round(coded * 255).astype(np.uint8).reshape(-1, 4))
            levels.append((total, width, height))
            total += width * height
            if width <= 4 or height <= 4:
                break
            level = _halve(level)
        rows.append(levels)
    depth = max((len(levels) for levels in rows), default=1)
    table = np.zeros((max(len(rows), 1), depth, 3), np.int64)
    for index, levels in enumerate(rows):
        table[index] = levels + [levels[-1]] * (depth - len(levels))
    return Textures(np.concatenate(texels), table)


def _halve(level: Float32) -> Float32:
    height, width = level.shape[0] // 2 * 2, level.shape[1] // 2 * 2
    four = level[:height, :width].reshape(height // 2, 2, width // 2, 2, 4)
    alpha = four[..., 3:]
    weight = alpha.sum(axis=(1, 3))
    colour = (four[..., :3] * alpha).sum(axis=(1, 3))
    plain = four[..., :3].mean(axis=(1, 3))
    colour = np.where(weight > 1e-3, colour / np.maximum(weight, 1e-3), plain)
    return np.concatenate([colour, weight / 4], axis=2).astype(np.float32)
