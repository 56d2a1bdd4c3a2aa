"""The alphabet of the Kokoro family of voices, and phone spans from its duration frames.

The alphabet is misaki's: IPA with single capitals for the diphthongs and ligatures for the affricates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32

FRAME_SAMPLES = 600
"""Samples at 24 kHz of one duration frame: 25 ms."""

SAMPLE_RATE = 24_000
"""Samples a second of these voices, Hz."""

SHIFT = -1080
"""Samples added to every raw time: durations lag the sound by 45 ms, the median over English phones."""

_IPA = {
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "Q": "əʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "T": "ɾ",
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ʣ": "dz",
    "ʥ": "dʑ",
    "ʦ": "ts",
    "ʨ": "tɕ",
    "ꭧ": "tʂ",
    "ᵊ": "ə",
    "ᵻ": "ɪ",
    "S": "ʃ",
}
_MARKS_BEHIND = frozenset("ːʰʲ̃ᵝ")
_NO_PHONE = frozenset(' ;:,.!?—…"()“”ˈˌ↓→↗↘')
_STRESS = frozenset("ˈˌ")
_NOT_HEARD = "".join(_MARKS_BEHIND) + " ˈˌ"
_STOPS = frozenset(("p", "b", "t", "d", "k", "ɡ", "tʃ", "dʒ"))
_STOP_CLOSURE_S = 0.12
_SHORT_GAP_S = 0.05
_SHORTEST = 1200
_LEVEL_HOP = 120
_QUIET_BELOW_PEAK_DB = 42.0


def is_phone(symbol: str) -> bool:
    """Tell whether a symbol of the alphabet is heard as a phone (not a mark, a space or punctuation)."""
    return symbol not in _NO_PHONE and symbol not in _MARKS_BEHIND


def ipa(symbol: str) -> str:
    """Return the IPA of one phone symbol of the alphabet.

    >>> ipa("A"), ipa("ʧ"), ipa("m")
    ('eɪ', 'tʃ', 'm')
    """
    return _IPA.get(symbol, symbol)


@dataclass(frozen=True)
class TimedPhone:
    """One phone: its IPA, its place in the symbol string, and when it is heard, in samples at 24 kHz."""

    text: str
    position: int
    start: int
    end: int


def timed_phones(symbols: str, durations: NDArray[np.float32]) -> list[TimedPhone]:
    """Return the phones of ``symbols`` with the time at which each is heard.

    A phone starts where the space before it starts, if there is one, else at its own start or that of its
    stress mark, all shifted by `SHIFT`. It lasts until the next one unless punctuation stands between them.

    Args:
        symbols: what was spoken, in the voice's alphabet, one symbol a character.
        durations: (len(symbols) + 2,) duration frames, with the silence before and behind.

    """
    if len(durations) != len(symbols) + 2:
        raise ValueError(f"{len(symbols)} symbols need {len(symbols) + 2} durations, got {len(durations)}")
    ends = np.cumsum(np.round(durations).astype(np.int64)) * FRAME_SAMPLES + SHIFT
    edges = np.maximum(ends, 0).tolist()
    places = [k for k, symbol in enumerate(symbols) if is_phone(symbol)]
    phones = []
    for place, following in zip(places, [*places[1:], len(symbols)], strict=True):
        between = symbols[place + 1 : following]
        last = place + 1 + len(between) - len(between.lstrip("".join(_MARKS_BEHIND)))
        joined = following < len(symbols) and not between.strip(_NOT_HEARD)
        end = edges[_lead(symbols, following)] if joined else edges[last]
        long = "ː" if "ː" in between else ""
        phones.append(TimedPhone(ipa(symbols[place]) + long, place, edges[_lead(symbols, place)], end))
    return phones


def end_with_the_sound(phones: Sequence[TimedPhone], samples: Float32) -> list[TimedPhone]:
    """End the phones before pauses where the sound falls silent; durations let them run into the pause.

    Args:
        phones: in order of time.
        samples: (n,) the sound they are heard in, at 24 kHz.

    """
    level = _level_db(samples)
    quiet = level < max(float(level.max(initial=-120.0)) - _QUIET_BELOW_PEAK_DB, -90.0)
    settled = []
    for one, two in zip(phones, [*phones[1:], None], strict=True):
        pause = (two.start if two else len(samples)) - one.end
        end = one.end
        if two is None or pause > 0:
            run_s = _STOP_CLOSURE_S if one.text in _STOPS else _SHORT_GAP_S
            end = _falls_silent(quiet, one.start, one.end + max(pause, 0), run_s) or end
        settled.append(replace(one, end=min(end, one.end)))
    return settled


def _falls_silent(quiet: NDArray[np.bool_], start: int, until: int, run_s: float) -> int | None:
    """Return the sample at which the first quiet run of ``run_s`` begins behind ``start``, if any."""
    begin, need = start // _LEVEL_HOP + _SHORTEST // _LEVEL_HOP, round(run_s * SAMPLE_RATE / _LEVEL_HOP)
    length = 0
    for k in range(begin, min(until // _LEVEL_HOP, len(quiet))):
        length = length + 1 if quiet[k] else 0
        if length == need:
            return (k + 1 - need) * _LEVEL_HOP
    return None


def _level_db(samples: Float32) -> NDArray[np.float64]:
    """Return the level of each 5 ms of ``samples`` in dB."""
    whole = len(samples) // _LEVEL_HOP * _LEVEL_HOP
    power = np.square(samples[:whole].reshape(-1, _LEVEL_HOP), dtype=np.float64).mean(axis=1)
    return np.asarray(10 * np.log10(power + 1e-12), np.float64)


def _lead(symbols: str, k: int) -> int:
    """Return the position whose start is the start of the phone at ``k``."""
    while k > 0 and symbols[k - 1] in _STRESS:
        k -= 1
    while k > 0 and symbols[k - 1] == " ":
        k -= 1
    return k
