"""Backgrounds and picture files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SettingError
from rhapsode.render.textures import linear_of

UInt8 = NDArray[np.uint8]

DEFAULT_TOP, DEFAULT_BOTTOM = "#dfe3e8", "#b4bcc8"
"""Colours of the soft vertical gradient that stands behind a character unless asked otherwise."""


def background(what: str | Path | None, width: int, height: int) -> UInt8:
    """Return a background, (H, W, 3) uint8 sRGB; (0, 0, 3) for transparency.

    Args:
        what: "studio" (a soft grey), "transparent" (or None), a colour ("#rrggbb" or a CSS name), two
            colours for a vertical gradient ("#eeeeee..#8899aa"), or the path of a picture, which is scaled
            and cropped to fit.
        width: pixels.
        height: pixels.

    Raises:
        SettingError: neither a colour nor a picture that can be read.

    """
    if what is None or what == "transparent":
        return np.zeros((0, 0, 3), np.uint8)
    if what in ("studio", "default"):
        return _studio(width, height)
    if isinstance(what, str) and ".." in what and not Path(what).is_file():
        top, _, bottom = what.partition("..")
        return _gradient(_colour(top), _colour(bottom), width, height)
    if Path(what).is_file():
        return _picture(Path(what), width, height)
    return np.broadcast_to(np.array(_colour(str(what)), np.uint8), (height, width, 3)).copy()


def _colour(text: str) -> tuple[int, int, int]:
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text.strip())[:3]
    except ValueError:
        raise SettingError(
            f"background '{text}' is neither a colour nor a picture file; "
            "try '#dfe3e8', 'white', '#eeeeee..#8899aa', 'transparent' or the path of a picture"
        ) from None


def _gradient(top: tuple[int, int, int], bottom: tuple[int, int, int], width: int, height: int) -> UInt8:
    part = np.linspace(0, 1, height)[:, None, None]
    values = np.array(top) * (1 - part) + np.array(bottom) * part
    return _dithered(np.broadcast_to(values, (height, width, 3)))


def _studio(width: int, height: int) -> UInt8:
    """Return a vertical gradient with a wide soft glow behind the head."""
    top, bottom = np.array(_colour(DEFAULT_TOP), float), np.array(_colour(DEFAULT_BOTTOM), float)
    y, x = np.mgrid[0:height, 0:width]
    part = (y / max(height - 1, 1))[..., None]
    scale = min(width, height)
    far = ((x - width / 2) / scale) ** 2 + ((y - height * 0.42) / scale) ** 2
    glow = np.exp(-far * 4.5)[..., None]
    values = (top * (1 - part) + bottom * part) * (0.93 + 0.09 * glow)
    return _dithered(values)


def _dithered(values: NDArray[np.float64]) -> UInt8:
    noise = np.random.default_rng(7).uniform(-0.5, 0.5, values.shape[:2])[..., None]
    return np.clip(np.round(values + noise), 0, 255).astype(np.uint8)


def _picture(path: Path, width: int, height: int) -> UInt8:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            fitted = ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), (width, height))
            return np.array(fitted, np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SettingError(
            f"background '{path}' cannot be read as a picture ({error}); give a PNG or JPEG file"
        ) from error


def save_png(picture: UInt8, path: str | Path) -> Path:
    """Write (H, W, 3 or 4) uint8 to a PNG file and return its path."""
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(picture)).save(path, format="PNG")
    return Path(path)


def tone_curve(entries: int = 4096, exposure: float = 1.0) -> NDArray[np.float32]:
    """Return display values 0 to 255 over the square root of light from 0 to 2.

    Light below .6 passes unchanged; above, it rolls off softly towards white (a shoulder after Hable, 2010).
    """
    value = (np.linspace(0, 2, entries) ** 2) * exposure
    knee, white = 0.6, 1.0
    over = np.maximum(value - knee, 0)
    rolled = knee + (white - knee) * (1 - np.exp(-over / (white - knee)))
    shown = np.where(value < knee, value, rolled)
    srgb = np.where(
        shown <= 0.0031308, shown * 12.92, 1.055 * np.power(np.maximum(shown, 1e-9), 1 / 2.4) - 0.055
    )
    return (np.clip(srgb, 0, 1) * 255).astype(np.float32)


__all__ = ["background", "linear_of", "save_png", "tone_curve"]
