"""Speech of the product's own voice: no face, but phones whose times are known, so lips that must touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr

from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32, Span, as_float32
from rhapsode.speech import load_voice
from rhapsode.train.takes import MOVES, UNKNOWN, Take, curve_count

_MARGIN_S = 0.02
"""Around the ends of a bilabial nothing is claimed: phone times are exact to about this."""


def touch_labels(phones: Sequence[Span], count: int) -> Float32:
    """Return (count,) float32: 1 in the closed part of p, b and m, 0 elsewhere, NaN near the edges.

    A stop is closed for the first two thirds of its phone, a nasal throughout.
    """
    closed = np.zeros(count, np.float32)
    times = np.arange(count) / CURVE_HZ
    for phone in phones:
        if phone.text[:1] in ("p", "b", "m"):
            end = phone.end_s
            if phone.text[0] != "m":
                end = phone.start_s + (phone.end_s - phone.start_s) * 2 / 3
            near = (times > phone.start_s - _MARGIN_S) & (times < phone.end_s + _MARGIN_S)
            closed[near] = np.nan
            closed[(times >= phone.start_s + _MARGIN_S / 2) & (times <= end)] = 1
    return closed


def load_voice_takes(lines: Sequence[str], *, rates: Sequence[float] = (0.9, 1.1)) -> list[Take]:
    """Return ``lines`` spoken by the default voice, each at one of ``rates`` in turn, as takes.

    Their moves are unknown (style `UNKNOWN`); only `Take.closed` says anything.
    """
    takes = []
    for k, line in enumerate(lines):
        speech = load_voice().speak(line, rate=rates[k % len(rates)], seed=k)
        y = as_float32(soxr.resample(speech.sound.mono(), speech.sound.sample_rate, CLOCK_HZ))
        count = curve_count(y)
        labels = np.zeros((count, len(MOVES)), np.float32)
        takes.append(Take(f"voice{k}", y, labels, touch_labels(speech.words.phones, count), UNKNOWN))
    return takes
