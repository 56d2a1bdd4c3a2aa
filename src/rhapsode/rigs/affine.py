"""Maps of linear expressions of others as people write them, such as ``jawOpen*1.4 - mouthClose``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhapsode.errors import RigError
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs.maps import check_width
from rhapsode.rigs.rig import Rig

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NAME = r"[A-Za-z_]\w*"
_ADDEND = re.compile(
    rf"\s*(?P<sign>[+-])?\s*(?:(?P<gain>{_NUMBER})(?:\s*\*\s*(?P<after>{_NAME}))?"
    rf"|(?P<before>{_NAME})(?:\s*\*\s*(?P<times>{_NUMBER}))?)\s*",
    re.ASCII,
)
_LONGEST = 2000


@dataclass(frozen=True)
class Linear:
    """A constant and a gain by channel.

    Args:
        gains: gain by channel name.
        constant: what is there with all channels at 0.

    """

    gains: Mapping[str, float]
    constant: float = 0.0

    def span(self, source: Rig, *, angle: float = float(np.radians(30))) -> tuple[float, float]:
        """Return the smallest and largest value for weights in [0, 1] and angles in [-angle, angle]."""
        low = high = self.constant
        for name, gain in self.gains.items():
            ends = (-gain * angle, gain * angle) if name in source.angles else (0.0, gain)
            low, high = low + min(ends), high + max(ends)
        return low, high


def parse_linear(text: str) -> Linear:
    """Read a sum of ``gain*channel``, ``channel*gain``, ``channel`` and numbers, each with + or - before it.

    Raises:
        RigError: the text is something else; the message shows the place.

    Example:
        >>> parse_linear("jawOpen*1.4 - mouthClose + 0.1")
        Linear(gains={'jawOpen': 1.4, 'mouthClose': -1.0}, constant=0.1)

    """
    gains: dict[str, float] = {}
    constant, at = 0.0, 0
    while at < len(text) or not at:
        found = _ADDEND.match(text, at) if len(text) <= _LONGEST else None
        if found is None or (at and not found["sign"]):
            raise RigError(
                f"an expression must be a sum such as '1.4*jawOpen - mouthClose', got '{text[:60]}' "
                f"(not understood from '{text[at : at + 20]}'); use numbers, channels, *, + and - only"
            )
        sign = -1.0 if found["sign"] == "-" else 1.0
        name, amount = found["after"] or found["before"], float(found["gain"] or found["times"] or 1)
        if name:
            gains[name] = gains.get(name, 0.0) + sign * amount
        else:
            constant += sign * amount
        at = found.end()
    if not np.isfinite([constant, *gains.values()]).all():
        raise RigError(f"an expression needs finite numbers, got '{text[:60]}'; use smaller ones")
    return Linear(gains, constant)


@dataclass(frozen=True)
class LinearMap:
    """A map made of one linear expression a channel; results are clipped to each channel's range.

    Args:
        source: the rig that goes in.
        target: the rig that comes out.
        expressions: what a target channel is, by its name; channels without one keep ``rest``.
        ranges: lowest and highest value by target channel; one without is not clipped.
        rest: value of a target channel without an expression, by its name; 0 where it has none.

    Raises:
        RigError: an expression or a name is not of its rig.

    """

    source: Rig
    target: Rig
    expressions: Mapping[str, Linear]
    ranges: Mapping[str, tuple[float, float]]
    rest: Mapping[str, float]

    def __post_init__(self) -> None:
        for channel, expression in self.expressions.items():
            self.target.index(channel)
            for name in expression.gains:
                self.source.index(name)

    def apply(self, values: Float32) -> Float32:
        """Return (T, target) float32 for (T, source) float32."""
        check_width(values, self.source)
        matrix, constant, low, high = self._numbers
        return as_float32(np.clip(values @ matrix + constant, low, high))

    @cached_property
    def _numbers(self) -> tuple[Float32, Float32, Float32, Float32]:
        matrix = np.zeros((len(self.source), len(self.target)), np.float32)
        constant = np.array([self.rest.get(name, 0.0) for name in self.target.channels], np.float32)
        ends = [self.ranges.get(name, (-np.inf, np.inf)) for name in self.target.channels]
        for channel, expression in self.expressions.items():
            column = self.target.index(channel)
            constant[column] = expression.constant
            for name, gain in expression.gains.items():
                matrix[self.source.index(name), column] = gain
        low, high = np.array(ends, np.float32).T
        return matrix, constant, low, high


def linear_map(
    source: Rig,
    target: Rig,
    expressions: Mapping[str, str],
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    rest: Mapping[str, float] | None = None,
) -> LinearMap:
    """Return the map of ``expressions``, each as `parse_linear` reads it.

    Without ``ranges`` the target's weights are clipped to [0, 1] and its angles are not.

    Raises:
        RigError: an expression cannot be read, or a name is not of its rig.

    """
    if ranges is None:
        ranges = {name: (0.0, 1.0) for name in target.channels if name not in target.angles}
    read = {name: parse_linear(text) for name, text in expressions.items()}
    return LinearMap(source, target, read, ranges, rest or {})
