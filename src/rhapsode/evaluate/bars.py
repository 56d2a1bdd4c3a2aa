"""The bars that the shipped engines are held to, and whether a document reaches them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Bar(NamedTuple):
    """One bar.

    Args:
        title: what it asks.
        kind: "speech", "takes", "rest" or "cost".
        where: set and condition, or sound; none for the cost.
        measure: name in the document.
        least: the value must be at least this, if given.
        most: the value's size must be at most this, if given; with neither it is only shown.

    """

    title: str
    kind: str
    where: tuple[str, ...]
    measure: str
    least: float | None = None
    most: float | None = None


def _closures() -> list[Bar]:
    asked = [("voices", "clean", 0.95), ("voices", "20_db", 0.88), ("real", "clean", 0.90)]
    asked += [("real", "20_db", 0.80), ("real", "10_db", 0.75), ("language", "clean", 0.80)]
    found = []
    for name, heard, recall in asked:
        place = (name, heard)
        at = f"{name}, {heard.replace('_db', ' dB')}"
        found.append(Bar(f"p b m that close, {at}", "speech", place, "closed", least=recall))
        false = None if name == "language" else 0.04
        found.append(Bar(f"... vowels that do, {at}", "speech", place, "vowels_closed", most=false))
        if heard == "clean" and name != "language":
            found.append(Bar(f"... closures that are right, {at}", "speech", place, "precision", least=0.65))
    return found


_VOICES, _REAL = ("voices", "clean"), ("real", "clean")
BARS = (
    *_closures(),
    Bar("apex error, median ms", "speech", _VOICES, "apex_error_ms", most=20),
    Bar("apex error, p95 ms", "speech", _VOICES, "apex_error_p95_ms", most=50),
    Bar("opening against the teacher", "speech", _VOICES, "gap_correlation", least=0.88),
    Bar("... in speech", "speech", _VOICES, "gap_correlation_speech", least=0.75),
    Bar("best lag against phone times, ms", "speech", _VOICES, "lag_ms", most=10),
    Bar("jaw in digital silence", "rest", ("silence",), "jaw_mean", most=0.03),
    Bar("jaw in white noise, -20 dBFS", "rest", ("white_-20",), "jaw_mean", most=0.03),
    Bar("jaw in real pauses", "speech", _REAL, "pause_jaw", most=0.05),
    Bar("pauses at rest within 150 ms, voices", "speech", _VOICES, "closed_in_150_ms", least=0.95),
    Bar("pauses at rest within 150 ms, real", "speech", _REAL, "closed_in_150_ms", least=0.95),
    Bar("look-ahead, ms", "cost", (), "look_ahead_ms", most=40),
    Bar("chunk in to curves out, p95, in all ms", "cost", (), "in_all_p95_ms", most=80),
    Bar("real-time factor", "cost", (), "real_time_factor", most=0.01),
    Bar("streams on 2 cores", "cost", (), "streams", least=60),
)
"""What `live` is held to; `studio` must do better in all but the cost."""


class Reached(NamedTuple):
    """A bar and what a face reached; ``held`` is None where nothing was measured or asked."""

    bar: Bar
    value: float
    held: bool | None


def reached(found: Mapping[str, Any]) -> list[Reached]:
    """Return every bar with what one face of a document reached.

    Args:
        found: the face's entry under "faces".

    """
    made = []
    for bar in BARS:
        part: Any = found[bar.kind]
        for key in bar.where:
            part = part.get(key, {})
        value = float("nan") if part.get(bar.measure) is None else float(part[bar.measure])
        made.append(Reached(bar, value, _held(bar, value)))
    return made


def _held(bar: Bar, value: float) -> bool | None:
    if math.isnan(value):
        return None
    if bar.least is not None:
        return value >= bar.least
    return None if bar.most is None else abs(value) <= bar.most
