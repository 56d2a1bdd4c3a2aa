"""A contact sheet: one avatar in the faces that show what it can do, each with its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, ChannelMap
from rhapsode.avatars.coverage import KEY_FACES
from rhapsode.render.renderer import Renderer

UInt8 = NDArray[np.uint8]

_CAPTION = 0.11  # of the height of a picture


def contact_sheet(
    avatar: Avatar,
    faces: Mapping[str, Mapping[str, float]] = KEY_FACES,
    *,
    channels: ChannelMap | None = None,
    size: int = 256,
    columns: int = 5,
    **options: Any,
) -> UInt8:
    """Draw ``avatar`` in every one of ``faces``.

    Args:
        avatar: any avatar.
        faces: channel values by caption.
        channels: the mapping to show; None takes `load_mapping`'s.
        size: width and height of each picture, pixels.
        columns: pictures in a row.
        **options: of `Renderer`, without avatar and size; the camera is "face" unless given.

    Returns:
        (H, W, 3) uint8 sRGB.

    """
    from PIL import Image, ImageDraw, ImageFont

    bar = round(size * _CAPTION)
    rows = -(-len(faces) // columns)
    sheet = Image.new("RGB", (columns * size, rows * (size + bar)), "#f4f5f7")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(round(bar * 0.62))
    renderer = Renderer(avatar, size=(size, size), channels=channels, **{"camera": "face", **options})
    try:
        for number, (caption, values) in enumerate(faces.items()):
            x, y = number % columns * size, number // columns * (size + bar)
            sheet.paste(Image.fromarray(renderer.draw(values)[..., :3]), (x, y))
            pen.text((x + size / 2, y + size + bar / 2), caption, "#30343b", font, anchor="mm")
    finally:
        renderer.close()
    return np.asarray(sheet, np.uint8)
