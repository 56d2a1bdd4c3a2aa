"""Writing on the pictures of the film: captions that fade, the last card, the poster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from rhapsode.performance import Float32, as_float32

UInt8 = NDArray[np.uint8]

FADE_S = 0.25
BOLD = ("LiberationSans-Bold.ttf", "DejaVuSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf")
PLAIN = ("LiberationSans-Regular.ttf", "DejaVuSans.ttf", "Arial.ttf", "arial.ttf")
MONO = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "Courier New.ttf", "cour.ttf")
WHITE, PALE, DARK = (255, 255, 255), (214, 222, 232), (22, 27, 35)


@dataclass(frozen=True)
class Caption:
    """Two lines of writing and when they are shown, in seconds of their shot."""

    title: str
    note: str
    start_s: float
    end_s: float


def opacity(caption: Caption, time_s: float) -> float:
    """Return how visible ``caption`` is, 0 to 1: it fades in after its start and out before its end."""
    inside = min(time_s - caption.start_s, caption.end_s - time_s)
    return min(max(inside / FADE_S, 0.0), 1.0)


def font(names: Sequence[str], size: float) -> ImageFont.FreeTypeFont:
    """Return the first font of ``names`` that this machine has."""
    for name in names:
        try:
            return ImageFont.truetype(name, round(size))
        except OSError:
            continue
    raise SystemExit(
        f"none of the fonts {', '.join(names)} is installed; install fonts-liberation or fonts-dejavu"
    )


@lru_cache(maxsize=32)
def _layer(title: str, note: str, width: int, height: int) -> tuple[Float32, Float32]:
    """Return light (H, W, 3), multiplied by its opacity (H, W, 1), of a caption with a soft shadow."""
    shadow = Image.new("L", (width, height))
    text = Image.new("RGBA", (width, height))
    for at, (words, names, size, colour) in zip(
        (0.9, 0.953), ((title, BOLD, 0.048, WHITE), (note, PLAIN, 0.031, WHITE)), strict=True
    ):
        place, face = (width / 2, at * height), font(names, size * height)
        ImageDraw.Draw(shadow).text(place, words, fill=255, font=face, anchor="mm")
        ImageDraw.Draw(text).text(place, words, fill=(*colour, 255), font=face, anchor="mm")
    wide = np.asarray(shadow.filter(ImageFilter.GaussianBlur(height * 0.018)), np.float32) / 255
    near = np.asarray(shadow.filter(ImageFilter.GaussianBlur(height * 0.004)), np.float32) / 255
    dark = np.clip(1.3 * wide + 0.7 * near, 0, 0.72)[..., None]
    rgba = np.asarray(text, np.float32)
    cover = rgba[..., 3:] / 255
    return as_float32(rgba[..., :3] * cover), as_float32(cover + dark * (1 - cover))


def write(picture: UInt8, caption: Caption, visible: float) -> None:
    """Write ``caption`` onto ``picture``, (H, W, 3 or 4) uint8, in place."""
    if visible <= 0:
        return
    height, width = picture.shape[:2]
    light, cover = _layer(caption.title, caption.note, width, height)
    rows = slice(round(0.8 * height), height)
    under = picture[rows, :, :3].astype(np.float32)
    picture[rows, :, :3] = np.round(under * (1 - cover[rows] * visible) + light[rows] * visible)


def _round(picture: UInt8, size: int) -> Image.Image:
    """Return the middle of a picture as a round portrait, RGBA."""
    portrait = Image.fromarray(picture[..., :3]).resize((size, size), Image.Resampling.LANCZOS)
    mask = Image.new("L", (size * 4, size * 4))
    ImageDraw.Draw(mask).ellipse((0, 0, size * 4 - 1, size * 4 - 1), fill=255)
    portrait.putalpha(mask.resize((size, size), Image.Resampling.LANCZOS))
    return portrait


def card(portraits: Sequence[UInt8], size: tuple[int, int]) -> UInt8:
    """Return the last picture, (H, W, 3) uint8: who spoke, the name, how to get it."""
    width, height = size
    top, bottom = np.array((46, 56, 72)), np.array(DARK)
    part = np.linspace(0, 1, height)[:, None, None]
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (height, width, 1))
    ground = np.broadcast_to(top * (1 - part) + bottom * part, (height, width, 3)) + noise
    page = Image.fromarray(np.clip(np.round(ground), 0, 255).astype(np.uint8))
    each, gap = round(0.19 * width), round(0.03 * width)
    left = (width - len(portraits) * each - (len(portraits) - 1) * gap) // 2
    for k, portrait in enumerate(portraits):
        face = _round(portrait, each)
        page.paste(face, (left + k * (each + gap), round(0.17 * height)), face)
    draw = ImageDraw.Draw(page)
    draw.text((width / 2, 0.52 * height), "Rhapsode", WHITE, font(BOLD, 0.115 * height), "mm")
    slogan = "Speech in, a living digital human out."
    draw.text((width / 2, 0.615 * height), slogan, PALE, font(PLAIN, 0.036 * height), "mm")
    box = (0.24 * width, 0.685 * height, 0.76 * width, 0.775 * height)
    draw.rounded_rectangle(box, 0.02 * height, fill=(12, 15, 20), outline=(92, 106, 126))
    draw.text((width / 2, 0.73 * height), "pip install rhapsode", WHITE, font(MONO, 0.038 * height), "mm")
    small = "Animated and drawn on a CPU. Voices: Kokoro-82M."
    draw.text((width / 2, 0.90 * height), small, PALE, font(PLAIN, 0.026 * height), "mm")
    return np.array(page)


def poster(pictures: Sequence[UInt8], size: int) -> Image.Image:
    """Return the pictures side by side, each ``size`` pixels wide, with a play sign in the middle."""
    page = Image.new("RGB", (size * len(pictures), size))
    for k, picture in enumerate(pictures):
        small = Image.fromarray(picture[..., :3]).resize((size, size), Image.Resampling.LANCZOS)
        page.paste(small, (k * size, 0))
    fine, r = 4, round(0.12 * size)
    sign = Image.new("RGBA", (2 * r * fine, 2 * r * fine))
    draw, unit = ImageDraw.Draw(sign), r * fine
    draw.ellipse((0, 0, 2 * unit - 1, 2 * unit - 1), fill=(*DARK, 205), outline=WHITE, width=2 * fine)
    draw.polygon(
        [(unit * x, unit * y) for x, y in ((0.74, 0.52), (0.74, 1.48), (1.54, 1.0))], fill=(*WHITE, 255)
    )
    sign = sign.resize((2 * r, 2 * r), Image.Resampling.LANCZOS)
    page.paste(sign, (page.width // 2 - r, page.height // 2 - r), sign)
    return page
