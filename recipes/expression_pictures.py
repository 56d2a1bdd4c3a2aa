"""Make the picture of the speech axes in docs: `python recipes/expression_pictures.py docs/pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rhapsode.avatars import load
from rhapsode.face.reference.basis import SPEECH, published
from rhapsode.render import still
from rhapsode.rigs import ARKIT

AVATAR, SIZE, COLUMNS, LINE = "mira", 210, 5, 26
OPENING = 0.22
"""Every axis but the first is shown over a mouth that is this far open: sealed lips look like any others."""


def mouth(coefficients: np.ndarray) -> Image.Image:
    """Draw the mouth of (50,) coefficients."""
    weights = published().decode(coefficients[None].astype(np.float32))[0]
    rest = {name: weight for name, weight in load(AVATAR).rest.items() if not name.startswith("mouthSmile")}
    shown = rest | dict(zip(ARKIT.channels, weights.tolist(), strict=True))
    picture = Image.fromarray(still(AVATAR, shown, size=(3 * SIZE, 3 * SIZE), camera="face")).convert("RGB")
    return picture.crop((SIZE, SIZE * 15 // 8, 2 * SIZE, SIZE * 15 // 8 + SIZE * 2 // 3))


def main() -> None:
    basis, font = published(), ImageFont.load_default(15)
    height = SIZE * 2 // 3
    page = Image.new("RGB", (COLUMNS * (SIZE + 8), SPEECH // COLUMNS * (2 * height + LINE + 8)), "white")
    draw = ImageDraw.Draw(page)
    for k in range(SPEECH):
        left, top = k % COLUMNS * (SIZE + 8), k // COLUMNS * (2 * height + LINE + 8)
        draw.text((left + 4, top + 4), f"{k + 1} {basis.names[k]}", "black", font)
        for row, value in enumerate((basis.high[k], basis.low[k])):
            coefficients = np.zeros(len(basis.names))
            coefficients[0] = OPENING if k else 0.0
            coefficients[k] += value
            page.paste(mouth(coefficients), (left, top + LINE + row * height))
            draw.text((left + 4, top + LINE + row * height + 2), f"{value:+.2f}", "white", font)
    page.save(Path(sys.argv[1]) / "expression-basis.jpg", quality=86)


if __name__ == "__main__":
    main()
