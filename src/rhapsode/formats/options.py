"""What a person may ask of a written file: one frozen set of options for all formats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

from rhapsode.errors import SettingError
from rhapsode.performance import as_rate


@dataclass(frozen=True)
class WriteOptions:
    """Options of a written file; each format reads those that concern it and ignores the others.

    Args:
        fps: curve or video frames per second; None takes the format's own default.
        rig: name of the rig that the channels are written in (json, npz); "face" adds head and eye angles.
        avatar: name of a shipped avatar, or path of a .vrm or .glb file; None takes the default (glb, mp4).
            The model3.json, cdi3.json or vtube.json of a Live2D model (motion3.json).
        size: width and height of the picture in pixels, both even (mp4).
        camera: name of the camera; the renderer lists those it knows (mp4).
        background: "#rrggbb", a colour name, or path of a picture (mp4).
        precision: decimals of a written weight, 1 to 9 (json).
        angle_scale: what one radian becomes in the file; 1 writes radians (csv, azure.json).
        format: name of the format, as in `rhapsode.formats.format_of`; empty goes by the extension.
        loop: whether the file says that it is played again and again (anim, motion3.json).
        node: path of the object with the face below the animated one, such as "Body/Face" (anim).

    Raises:
        SettingError: a value is out of range.

    """

    fps: Fraction | None = None
    rig: str = "arkit"
    avatar: str | Path | None = None
    size: tuple[int, int] = (512, 512)
    camera: str = "bust"
    background: str = "studio"
    precision: int = 6
    angle_scale: float = 1.0
    format: str = ""
    loop: bool = False
    node: str = ""

    def __post_init__(self) -> None:
        if self.fps is not None:
            object.__setattr__(self, "fps", as_rate(self.fps))
        object.__setattr__(self, "size", _as_size(self.size))
        if not (isinstance(self.precision, int) and 1 <= self.precision <= 9):
            raise SettingError(
                f"precision must be a whole number from 1 to 9 decimals, got {self.precision!r}"
            )
        if not (math.isfinite(self.angle_scale) and self.angle_scale != 0):
            raise SettingError(
                f"angle_scale must be a finite number other than zero, got {self.angle_scale!r}; "
                "1 writes radians, 57.29578 degrees"
            )

    @classmethod
    def of(cls, options: Mapping[str, object]) -> WriteOptions:
        """Build options from names and values.

        Raises:
            SettingError: a name is unknown (the message lists those that exist), or a value is out of range.

        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise SettingError(f"unknown option '{unknown[0]}' for a written file; valid: {', '.join(known)}")
        return cls(**options)  # type: ignore[arg-type]


def _as_size(size: object) -> tuple[int, int]:
    """Return ``size`` ((w, h), a whole number, or "WxH") as an even width and height in 16..4096."""
    parts: list[object]
    if isinstance(size, str):
        parts = list(size.lower().split("x"))
    elif isinstance(size, (tuple, list)):
        parts = list(size)
    else:
        parts = [size]
    parts = parts * 2 if len(parts) == 1 else parts
    try:
        width, height = (int(str(part)) for part in parts)
    except ValueError:
        width = height = 0
    if not all(16 <= edge <= 4096 and edge % 2 == 0 for edge in (width, height)):
        raise SettingError(
            f"size must be two even numbers of pixels from 16 to 4096, got {size!r}; try 512x512 or 1280x720"
        )
    return width, height
