"""What a listener hears of the person: phrases and their ends by level and pitch, and when to nod at them."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import numpy as np

from rhapsode.audio.prosody import ProsodyStream
from rhapsode.audio.resample import Resampler
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32

PAUSE_S = 0.28
"""Silence after which a phrase counts as over: shorter ones are the closures of stops."""

PHRASE_S = 0.7
"""A shorter sound is no phrase: a cough, a click, a yes."""

APART_S = 2.6
"""Least time between two nods of a listener."""

SURE = 0.7
"""How likely a listener nods at a pause where it may."""

_BELOW_DB = 16.0
_QUIET_DB = -52.0
_FORGET_DB = 0.6
_TAIL = 14
_VOICED = 0.5
_RISE = 1.16
_LOW_HZ, _HIGH_HZ = 70.0, 420.0


class Cue(NamedTuple):
    """What a moment of the person's speech asks of a listener.

    Args:
        pause: a phrase has ended.
        question: it ended with rising pitch.

    """

    pause: bool
    question: bool


_NOTHING = Cue(False, False)


class Phrases:
    """Finds where phrases of a voice end, by its level and pitch, one moment after another."""

    def __init__(self) -> None:
        self._peak = _QUIET_DB
        self._spoken_s = self._silent_s = 0.0
        self._pitch: list[float] = []

    def hear(self, level_db: float, dt: float, f0_hz: float = 0.0) -> Cue:
        """Take the level of the next ``dt`` seconds, dBFS, and the pitch where it is voiced."""
        self._peak = max(level_db, self._peak - _FORGET_DB * dt)
        if level_db > max(self._peak - _BELOW_DB, _QUIET_DB):
            self._spoken_s += self._silent_s + dt if self._spoken_s else dt
            self._silent_s = 0.0
            if _LOW_HZ < f0_hz < _HIGH_HZ:
                self._pitch.append(f0_hz)
            return _NOTHING
        if not self._spoken_s:
            return _NOTHING
        self._silent_s += dt
        if self._silent_s < PAUSE_S:
            return _NOTHING
        long, rising = self._spoken_s >= PHRASE_S, self._rises()
        self._spoken_s = self._silent_s = 0.0
        self._pitch.clear()
        return Cue(long, long and rising)

    @property
    def speaking_s(self) -> float:
        """How long the phrase under way lasts, seconds; 0 between phrases."""
        return self._spoken_s

    def _rises(self) -> bool:
        if len(self._pitch) < 3 * _TAIL:
            return False
        before, end = self._pitch[:-_TAIL], self._pitch[-_TAIL // 2 :]
        return float(np.median(end)) > _RISE * float(np.median(before))


class Ears:
    """Sound of the person in, cues out.

    Args:
        sample_rate: of the sound, Hz.

    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._resampler = Resampler(sample_rate, CLOCK_HZ)
        self._prosody, self._phrases = ProsodyStream(), Phrases()

    def hear(self, chunk: Float32) -> Cue:
        """Take the next sound, (n,) or (n, channels); return what it asks for."""
        rows = self._prosody.push(self._resampler.push(chunk)).tolist()
        cues = [
            self._phrases.hear(level, 1.0 / CURVE_HZ, f0 if voicing > _VOICED else 0.0)
            for level, f0, voicing, _ in rows
        ]
        return Cue(any(cue.pause for cue in cues), any(cue.question for cue in cues))


class Manners:
    """Decides at which pauses a listener nods, so that it neither stares nor bobs.

    Args:
        rng: random numbers of this part.

    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._since_s = APART_S

    def step(self, dt: float) -> None:
        """Let time pass."""
        self._since_s += dt

    def begin(self) -> None:
        """Take notice that somebody begins to speak."""
        self._since_s = max(self._since_s, APART_S - 1.0)

    def nods(self) -> str | None:
        """Return the nod that answers a pause; None where none is due."""
        if self._since_s < APART_S or self._rng.random() > SURE:
            return None
        self._since_s = self._rng.uniform(-0.8, 0.4)
        return self._rng.choice(("nod_once", "nod_once", "nod_twice"))
