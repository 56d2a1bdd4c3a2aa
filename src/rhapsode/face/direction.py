"""How a performance is to be played: engine, style, strength, seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rhapsode.errors import SettingError
from rhapsode.face.controls import Controls, read_controls
from rhapsode.face.emotion import Feelings, read_feelings
from rhapsode.face.life import Life
from rhapsode.face.shaping import Shaping, style


@dataclass(frozen=True)
class Direction:
    """How a performance is to be played.

    Args:
        weights: name of a shipped engine, or path of a manifest.
        style: a preset of shaping and life: see `rhapsode.face.shaping.styles`.
        strength: overall strength of the face, 0 (rest) to 2.
        seed: the same seed gives the same blinks, glances and head motion.
        shaping: replaces the style's shaping.
        life: replaces the style's life; ``Life.off()`` leaves the engine's face alone.
        emotion: an `Emotion`, a `Timeline`, a text such as "joy:0.6,surprise:0.2", or "auto" for an estimate
            from the voice; None for none.
        controls: what is turned by hand, `Controls` or a mapping of its fields; each wins over the style.
        performer: whose way of moving the mouth, one of the engine's `styles`; None is the engine's default.

    Raises:
        SettingError: a setting is unknown or out of range.

    """

    weights: str | Path = "live"
    style: str = "natural"
    strength: float = 1.0
    seed: int = 0
    shaping: Shaping | None = None
    life: Life | None = None
    emotion: Feelings | None = None
    controls: Controls | Mapping[str, Any] | None = None
    performer: str | None = None

    def __post_init__(self) -> None:
        style(self.style)
        if self.emotion is not None:
            object.__setattr__(self, "emotion", read_feelings(self.emotion))
        object.__setattr__(self, "controls", read_controls(self.controls))
        if not 0 <= self.strength <= 2:
            raise SettingError(
                f"strength must lie in [0, 2], got {self.strength}; 1 is normal, 0 rests the face"
            )

    def played_shaping(self) -> Shaping:
        """Return the shaping of the style, at the given strength."""
        shaping = self.shaping or style(self.style).shaping
        return self.played_controls().shaped(replace(shaping, strength=shaping.strength * self.strength))

    def played_controls(self) -> Controls:
        """Return the controls; all at rest where none are given."""
        return read_controls(self.controls) or Controls()

    def played_life(self) -> Life:
        """Return the life of the style."""
        return self.life or style(self.style).life
