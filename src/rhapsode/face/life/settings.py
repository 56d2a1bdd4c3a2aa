"""What life can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rhapsode.errors import SettingError
from rhapsode.face.shaping_settings import check_range
from rhapsode.rigs import ARKIT
from rhapsode.rigs.rig import unknown_channel


def _both_sides(**weights: float) -> Mapping[str, float]:
    """Return ``weights`` with names such as mouthSmile spread over Left and Right."""
    spread: dict[str, float] = {}
    for name, value in weights.items():
        sides = (name,) if name in ARKIT.channels else (f"{name}Left", f"{name}Right")
        spread.update(dict.fromkeys(sides, value))
    return MappingProxyType(spread)


FRIENDLY = _both_sides(mouthClose=0.05, eyeBlink=0.07, mouthSmile=0.2, cheekSquint=0.15, eyeSquint=0.12)
"""A friendly face at rest."""

CALM = _both_sides(mouthClose=0.04, eyeBlink=0.06, mouthSmile=0.1, cheekSquint=0.05, eyeSquint=0.06)
"""An attentive face at rest."""

_AMOUNTS = ("gaze", "head", "brows", "breathing", "idle")


@dataclass(frozen=True)
class Life:
    """How alive a face is. Amounts go from 0 (off) over 1 (natural) to 2 (exaggerated).

    Args:
        blink_per_minute: on average, 0 (never) to 40.
        gaze: glances aside, fixations and their lids; at 0 the eyes keep what the face curves say.
        head: nods with the voice, sway and posture; the head stays within 8 degrees.
        brows: raises with pitch accents.
        breathing: what of it the head shows.
        idle: small motion of brows, cheeks, lids and mouth corners.
        rest: weights of the pose that the face rests in, per ARKit channel, 0 to 1; it gives way to
            closed and rounded lips. Empty for a neutral face.
        seed: the same seed gives the same life.

    Raises:
        SettingError: a value is out of its range.
        RigError: a channel of ``rest`` does not exist.

    """

    blink_per_minute: float = 15.0
    gaze: float = 1.0
    head: float = 1.0
    brows: float = 1.0
    breathing: float = 1.0
    idle: float = 1.0
    rest: Mapping[str, float] = field(default_factory=lambda: FRIENDLY, hash=False)
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("life", "blink_per_minute", self.blink_per_minute, 0.0, 40.0)
        for name in _AMOUNTS:
            check_range("life", name, getattr(self, name), 0.0, 2.0)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise SettingError(f"life setting 'seed' must be a whole number, got {self.seed!r}")
        for channel, value in self.rest.items():
            if channel not in ARKIT.channels:
                raise unknown_channel(channel, ARKIT.channels, "life rest: rig 'arkit'")
            check_range("life", f"rest[{channel}]", value, 0.0, 1.0)
        object.__setattr__(self, "rest", dict(self.rest))  # a plain one can be pickled

    @classmethod
    def off(cls) -> Life:
        """Return a life that adds nothing."""
        return cls(blink_per_minute=0, gaze=0, head=0, brows=0, breathing=0, idle=0, rest={})
