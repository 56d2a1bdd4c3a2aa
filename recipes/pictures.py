"""Make the pictures of the avatars in docs/pictures: `python recipes/pictures.py docs/pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rhapsode.avatars import load
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import EMOTIONS
from rhapsode.face.life import Life
from rhapsode.perform import animate
from rhapsode.performance import CLOCK_HZ, Sound
from rhapsode.render import Renderer, still

Weights = dict[str, float]


def both(**weights: float) -> Weights:
    """Spread each weight over Left and Right."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


LOOKS: tuple[tuple[Weights, dict[str, object]], ...] = (
    ({}, {"camera": "bust"}),
    ({}, {"camera": "bust", "yaw_deg": 38}),
    ({"jawOpen": 0.36, **both(mouthLowerDown=0.15, mouthUpperUp=0.1)}, {"camera": "face"}),
    ({"mouthPucker": 0.7, "mouthFunnel": 0.45, "jawOpen": 0.12}, {"camera": "face"}),
    ({**both(mouthSmile=0.75, cheekSquint=0.5, eyeSquint=0.3), "jawOpen": 0.06}, {"camera": "face"}),
    (both(eyeBlink=1.0), {"camera": "face"}),
)


def picture(name: str, weights: Weights, *, size: int = 420, **view: object) -> Image.Image:
    """Draw one avatar at rest plus ``weights``."""
    rest = dict(load(name).rest)
    if "mouthPucker" in weights:
        rest = {channel: weight for channel, weight in rest.items() if not channel.startswith("mouthSmile")}
    return Image.fromarray(still(name, {**rest, **weights}, size=(size, size), **view)).convert("RGB")


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Lay pictures of one size out in rows."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * height))
    for k, each in enumerate(pictures):
        page.paste(each, (k % columns * width, k // columns * height))
    return page


def emotions(name: str, level: float, *, size: int = 300) -> list[Image.Image]:
    """Draw one avatar that feels each emotion, silently, with its name; the whole chain moves it."""
    renderer = Renderer(name, size=(size, size), camera="face", zoom=1.35)
    silence, made = Sound(np.zeros(6 * CLOCK_HZ, np.float32), CLOCK_HZ), []
    for emotion in EMOTIONS:
        # Without blinks, so that no picture falls into one.
        direction = Direction(seed=3, emotion=f"{emotion}:{level}", life=Life(blink_per_minute=0))
        shown = Image.fromarray(renderer.draw(animate(silence, direction=direction).face.values[-1]))
        made.append(shown.convert("RGB"))
        ImageDraw.Draw(made[-1]).text((8, 6), emotion, "#20242c", ImageFont.load_default(16))
    renderer.close()
    return made


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mira", "noor", "teo", "kofi"):
        sheet([picture(name, weights, **view) for weights, view in LOOKS], 3).save(
            folder / f"{name}.jpg", quality=88
        )
    people = [picture(name, {}, camera="bust", yaw_deg=14) for name in ("mira", "teo", "noor", "kofi")]
    sheet(people, 4).save(folder / "people.jpg", quality=88)
    full = [picture(name, {}, camera="full") for name in ("mira", "teo", "noor", "kofi")]
    sheet(full, 4).save(folder / "full.jpg", quality=88)
    sheet(emotions("mira", 0.8), 5).save(folder / "emotions.jpg", quality=86)


if __name__ == "__main__":
    main()
