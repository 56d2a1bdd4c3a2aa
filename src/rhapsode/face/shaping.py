"""Shaping and the styles that set it: from the engine's weights to weights that a face can wear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rhapsode.errors import SettingError
from rhapsode.face.life import CALM, Life
from rhapsode.face.shaping_settings import DEFAULT_LIMITS, Shaping
from rhapsode.face.shaping_stream import ShapingStream

__all__ = ["DEFAULT_LIMITS", "Shaping", "ShapingStream", "Style", "style", "styles"]


@dataclass(frozen=True)
class Style:
    """A way of playing: how curves are shaped and how alive the face is.

    Args:
        shaping: from the engine's weights to the face's.
        life: blinks, gaze, head, brows and breath.

    """

    shaping: Shaping
    life: Life


_STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "natural": Style(Shaping(), Life()),
        "serious": Style(
            Shaping(strength=0.9, upper_face=0.6, smoothing=0.45, symmetry=0.7),
            Life(blink_per_minute=13, gaze=0.6, head=0.6, brows=0.5, idle=0.6, rest=CALM),
        ),
        "lively": Style(
            Shaping(strength=1.12, lips=1.08, upper_face=1.25, smoothing=0.25, symmetry=0.4),
            Life(blink_per_minute=17, gaze=1.15, head=1.35, brows=1.4, idle=1.2),
        ),
        "cartoon": Style(
            Shaping(
                strength=1.4,
                lips=1.1,
                upper_face=1.6,
                smoothing=0.2,
                symmetry=0.8,
                limits={"jawOpen": 0.85, "mouthRollLower": 0.7, "mouthRollUpper": 0.7},
            ),
            Life(blink_per_minute=16, gaze=1.3, head=1.6, brows=2.0, idle=1.3),
        ),
    }
)


def styles() -> Mapping[str, Style]:
    """Return the styles by name, as ``--style`` takes them."""
    return _STYLES


def style(name: str) -> Style:
    """Return the style called ``name``.

    Raises:
        SettingError: no style has that name.

    """
    try:
        return _STYLES[name]
    except KeyError:
        raise SettingError(f"style must be one of {', '.join(_STYLES)}, got {name!r}") from None
