"""What shaping can be told: the settings, and the channel groups they speak of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rhapsode.errors import SettingError
from rhapsode.rigs import ARKIT
from rhapsode.rigs.rig import unknown_channel

DEFAULT_LIMITS: Mapping[str, float] = MappingProxyType(
    {
        "jawOpen": 0.6,
        "jawForward": 0.5,
        "jawLeft": 0.4,
        "jawRight": 0.4,
        "mouthLeft": 0.5,
        "mouthRight": 0.5,
        "mouthRollLower": 0.6,
        "mouthRollUpper": 0.6,
        "cheekPuff": 0.5,
        "noseSneerLeft": 0.6,
        "noseSneerRight": 0.6,
    }
)
"""The most that speech shows of a channel; the others reach 1."""

JAW = frozenset({"jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose"})
"""Channels of the jaw gain. mouthClose undoes jawOpen, so that both must scale alike."""

LIPS = frozenset(n for n in ARKIT.channels if n.startswith("mouth")) - JAW | {"cheekPuff", "tongueOut"}
"""Channels of the lips gain."""

MOUTH = JAW | LIPS
"""Channels that rest in silence."""

EYE_MOTION = frozenset(n for n in ARKIT.channels if n.startswith(("eyeBlink", "eyeLook")))
"""Channels that gains never raise: a lid or an eye that goes too far is wrong, not lively."""

UPPER_FACE = frozenset(ARKIT.channels) - MOUTH - EYE_MOTION
"""Channels of the upper-face gain: brows, squint, wide eyes, cheeks, nose."""

LATERAL = frozenset({"jawLeft", "jawRight", "mouthLeft", "mouthRight"})
"""Channels that pull the mouth to one side."""

_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "strength": (0.0, 4.0),
        "jaw": (0.0, 4.0),
        "lips": (0.0, 4.0),
        "upper_face": (0.0, 4.0),
        "smoothing": (0.0, 1.0),
        "symmetry": (0.0, 1.0),
        "close_offset": (-0.3, 0.3),
    }
)


@dataclass(frozen=True)
class Shaping:
    """How curves are shaped on their way from the engine to the face.

    Args:
        strength: all weights, 0 (rest) to 4; 1 leaves them alone.
        jaw: jaw channels and mouthClose, 0 to 4.
        lips: the other mouth channels, 0 to 4.
        upper_face: brows, cheeks, nose and squint, 0 to 4.
        smoothing: 0 (none) to 1 (heavy); it changes no contact of lips or teeth.
        upper_smoothing: the same of what is not the mouth; None is ``smoothing``.
        symmetry: 0 leaves left and right alone, 1 makes them equal.
        close_offset: added to mouthClose while the voice is active, -0.3 (lips further apart) to 0.3.
        gains: per channel, 0 to 4, on top of the others.
        limits: per channel, 0 to 1, softly approached; merged over `DEFAULT_LIMITS`.

    Raises:
        SettingError: a value is out of its range.
        RigError: a channel of gains or limits does not exist.

    """

    strength: float = 1.0
    jaw: float = 1.0
    lips: float = 1.0
    upper_face: float = 1.0
    smoothing: float = 0.3
    symmetry: float = 0.5
    close_offset: float = 0.0
    upper_smoothing: float | None = None
    gains: Mapping[str, float] = field(default_factory=dict, hash=False)
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            check_range("shaping", name, getattr(self, name), low, high)
        if self.upper_smoothing is not None:
            check_range("shaping", "upper_smoothing", self.upper_smoothing, 0.0, 1.0)
        for table, high in (("gains", 4.0), ("limits", 1.0)):
            values: Mapping[str, float] = getattr(self, table)
            for channel, value in values.items():
                if channel not in ARKIT.channels:
                    raise unknown_channel(channel, ARKIT.channels, f"shaping {table}: rig 'arkit'")
                check_range("shaping", f"{table}[{channel}]", value, 0.0, high)
            object.__setattr__(self, table, dict(values))  # a plain one can be pickled

    def limit(self, channel: str) -> float:
        """Return the limit of ``channel``, in [0, 1]."""
        return self.limits.get(channel, DEFAULT_LIMITS.get(channel, 1.0))

    def smoothing_of(self, channel: str) -> float:
        """Return the smoothing of ``channel``, in [0, 1]."""
        if channel in MOUTH or self.upper_smoothing is None:
            return self.smoothing
        return self.upper_smoothing

    def gain(self, channel: str) -> float:
        """Return the product of all gains of ``channel``, symmetry's hold on sideways pulls included."""
        if channel in EYE_MOTION:
            return min(self.strength, 1.0) * self.gains.get(channel, 1.0)
        group = self.jaw if channel in JAW else self.lips if channel in LIPS else self.upper_face
        side = 1.0 - self.symmetry if channel in LATERAL else 1.0
        return self.strength * group * side * self.gains.get(channel, 1.0)


def check_range(owner: str, name: str, value: float, low: float, high: float) -> None:
    """Raise `SettingError` unless ``value`` is a number in [low, high]."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise SettingError(f"{owner} setting '{name}' must lie in [{low:g}, {high:g}], got {value!r}")
