"""Takes out of a microphone's sound what a loudspeaker beside it plays: a voice does not interrupt itself.

What is played is known (the reference), and roughly when. The delay is found by cross-correlation; a filter
learns the room and takes out what it foretells; what is left is taken out band by band.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from rhapsode.audio.echo_delay import AFTER, BEFORE, WINDOW, DelayFinder
from rhapsode.audio.echo_filter import BLOCK, PARTITIONS, EchoFilter
from rhapsode.audio.echo_residual import BANDS, FADE, Residual
from rhapsode.errors import SettingError
from rhapsode.performance import Float32

RATE = 16_000
"""The rate it works at, Hz."""

AHEAD_S = 24.0
"""What is due later than this is not kept."""

LEAD = 2 * BLOCK
"""The filter begins so many samples before the delay that was found: what is found may be the loudest of
many paths, not the first."""

GLUE_S, CLOCK_S = 0.06, 0.06
"""Smaller gaps in the times of the reference are jitter; so are smaller ones of the microphone."""

FIRST_S, AGAIN_S = 0.1, 0.5
"""How often the delay is looked for before it is known, and after, seconds of played sound."""

PATIENCE_S = 1.2
"""Where so much was played and no echo was found, there is none: somebody wears headphones."""

STRANGE_S, LOOKS = 0.2, 2
"""Where so much is heard, and so many looks in a row find nothing of what is played in it, it is no echo."""

LEARN_S = 0.4
"""So much more is played, once the delay is known, until the filter is trusted: until then what was heard so
far of the echo tells how loud it may be."""

BEFORE_KNOWN = 8.0
"""Before the delay is known an echo may be this much louder than what is played (9 dB), in any band."""

REST_S = 0.35
"""So long behind what is played a room may still sound."""

_LOUD = 1e-3
_RING = 1 << 19
_OUT, _FLOOR = 10.0, 3e-7
_CERTAIN, _SURE = 9.0, 14.0
_ALONE, _CLEAR, _CHANCE = 2.0, 3.0, 1.6


class EchoGate:
    """Takes its own voice out of what a microphone hears: as many samples as went in, a little later.

    Args:
        sample_rate: of what goes in and comes out, Hz; 16000.

    Raises:
        SettingError: the rate is another.

    Attributes:
        lag_s: how much later, seconds.
        delay_s: how much later than it is due its voice is heard, seconds; None where it is not known.
        speaks: whether somebody speaks, as far as this can tell.

    """

    lag_s = 2 * BLOCK / RATE

    def __init__(self, sample_rate: int) -> None:
        if sample_rate != RATE:
            raise SettingError(
                f"the echo gate works at {RATE} Hz, got {sample_rate}; resample the sound first"
            )
        self._ring = np.zeros(_RING, np.float32)
        self._zero: float | None = None  # the time of sample 0 of the microphone
        self._early: deque[tuple[Float32, float]] = deque(maxlen=1000)  # what was told before that is known
        self._late: deque[float] = deque(maxlen=50)
        self._end: float | None = None  # the time at which the reference ends so far, as it was told
        self._at = 0  # where it ends in the ring
        self._taken = 0
        self._pending: Float32 = np.zeros(0, np.float32)
        self._ready: Float32 = np.zeros(BLOCK, np.float32)
        self._heard = np.zeros(WINDOW, np.float32)
        self._filter, self._residual, self._finder = EchoFilter(), Residual(RATE), DelayFinder()
        self._delay: int | None = None
        self._wanted: int | None = None
        self._none = False
        self._active = self._looked = 0.0  # seconds of reference so far, and when it was looked last
        self._learnt = 0.0  # and from which on the filter is trusted
        self._gain = 0.0  # power of the echo against what is played, at most
        self._smeared: Float32 = np.zeros(BANDS, np.float32)  # what is played, as a room prolongs it
        self._strange = 0  # looks in a row that found something else
        self._since = 10_000  # blocks since anything was played

    @property
    def delay_s(self) -> float | None:
        """How much later than it is due its voice is heard, seconds."""
        return None if self._delay is None else self._delay / RATE

    @property
    def speaks(self) -> bool:
        """Whether somebody may speak."""
        return self._residual.speaks

    def learn_from(self, other: EchoGate) -> None:
        """Know of the echo what ``other`` knew: the same microphone was off for a while.

        Call it before the first sound; what is not true any more is found out.
        """
        if other._delay is None:
            return
        self._delay, self._gain, self._learnt = other._delay, other._gain, LEARN_S
        self._filter.learn_from(other._filter)
        self._residual.learn_from(other._residual)

    def played(self, samples: Float32, at: float) -> None:
        """Take notice of sound, (n,) float32, whose first sample is heard at the time ``at``, or will be."""
        if self._zero is None:
            self._early.append((samples, at))
            return
        place = round((at - self._zero) * RATE)
        if self._end is not None and abs(at - self._end) < GLUE_S and abs(place - self._at) < 0.2 * RATE:
            place = self._at
        first = max(self._taken - RATE - place, 0)
        until = min(len(samples), self._taken + round(AHEAD_S * RATE) - place)
        if until > first:
            self._ring[np.arange(place + first, place + until) % _RING] = samples[first:until]
        self._end, self._at = at + len(samples) / RATE, place + len(samples)

    def silenced(self, at: float) -> None:
        """Take notice that what was to be heard from the time ``at`` on is not."""
        if self._zero is None:
            self._early.clear()
            return
        first = max(round((at - self._zero) * RATE), self._taken - RATE)
        last = min(self._at, self._taken + round(AHEAD_S * RATE))
        if last > first:
            self._ring[np.arange(first, last) % _RING] = 0
        self._end = None

    def __call__(self, y: Float32, at: float | None = None) -> Float32:
        """Take the next samples (n,) in [-1, 1]; return n samples of `lag_s` ago without its own voice.

        Args:
            y: of the microphone.
            at: time at which the last of them came in; None where nothing is lost or late.

        """
        if at is not None:
            self._clock(at - (self._taken + len(self._pending) + len(y)) / RATE)
        elif self._zero is None and self._early:
            self._begin(self._early[0][1])
        pending = np.concatenate([self._pending, y])
        made = [self._ready]
        for first in range(0, len(pending) - BLOCK + 1, BLOCK):
            made.append(self._block(pending[first : first + BLOCK]))
        self._pending = pending[len(pending) - len(pending) % BLOCK :]
        ready = np.concatenate(made)
        out, self._ready = ready[: len(y)], ready[len(y) :]
        return out

    def _begin(self, zero: float) -> None:
        """Take ``zero`` for the time of sample 0 of the microphone."""
        self._zero = zero
        while self._early:
            self.played(*self._early.popleft())

    def _clock(self, zero: float) -> None:
        """Follow the microphone's clock: messages come late, never early; sound that is lost is a jump."""
        if self._zero is None:
            self._begin(zero)
        assert self._zero is not None
        self._late.append(zero - self._zero)
        off = min(self._late)
        if off < -CLOCK_S or (len(self._late) == self._late.maxlen and off > CLOCK_S):
            self._move(round(off * RATE))
            self._zero += off
            self._late.clear()

    def _move(self, samples: int) -> None:
        """Move what was played ``samples`` towards the past of the microphone."""
        self._ring = np.roll(self._ring, -samples) if abs(samples) < _RING // 2 else np.zeros_like(self._ring)
        self._at -= samples

    def _played(self, first: int, count: int) -> Float32:
        return np.asarray(self._ring[np.arange(first, first + count) % _RING], np.float32)

    def _block(self, heard: Float32) -> Float32:
        now = self._taken
        self._taken += BLOCK
        self._heard = np.concatenate([self._heard[BLOCK:], heard])
        self._ring[np.arange(now - 3 * RATE, now - 3 * RATE + BLOCK) % _RING] = 0
        delay, most = self._delay, None
        if delay is None:
            near = self._played(now - BEFORE, BEFORE + AFTER)
            loud = bool(np.abs(self._played(now, BLOCK)).max() > _LOUD)
            playing = bool(np.abs(near[::16]).max() > _LOUD)
            echo, left = np.zeros(BLOCK, np.float32), heard
            if playing and not self._none:
                most = np.float32(BEFORE_KNOWN) * self._residual.powers(_frames(near)).max(axis=0)
        else:
            reference = self._played(now - delay - BLOCK, 2 * BLOCK)
            loud = bool(np.abs(reference).max() > _LOUD)
            self._since = 0 if loud else self._since + 1
            playing = self._since < REST_S * RATE / BLOCK
            echo, left = self._filter.step(reference, heard)
            if self._active < self._learnt:
                most = np.float32(self._gain) * self._smear(reference)
        if loud:
            self._active += BLOCK / RATE
        self._look(loud)
        return self._residual.step(left, echo, playing=playing and not self._none, most=most)

    def _smear(self, reference: Float32) -> Float32:
        """Return the power of what is played, with what a room still holds of it, (BANDS,)."""
        self._smeared = np.maximum(
            self._residual.powers(reference[None])[0], np.float32(FADE) * self._smeared
        )
        return self._smeared

    def _look(self, loud: bool) -> None:
        """Look for the delay now and then."""
        known = self._delay is not None
        early = not known and not self._none
        if not loud or self._active - self._looked < (FIRST_S if early else AGAIN_S):
            return
        self._looked = self._active
        played = self._played(self._taken - WINDOW - BEFORE, 2 * WINDOW)
        found, certain, alone = self._finder.find(self._heard, played)
        if certain < _CERTAIN or alone < _ALONE:
            self._wanted = None
            self._strange = self._strange + 1 if not known and alone < _CHANCE and self._hears() else 0
            if not known:
                self._none = self._none or self._active > PATIENCE_S or self._strange >= LOOKS
            return
        self._strange = 0
        aim = found - LEAD
        if self._delay is not None and abs(aim - self._delay) < LEAD:
            self._wanted = None
            return
        sure = certain > _SURE and alone > _CLEAR
        if not sure and (self._wanted is None or abs(aim - self._wanted) > BLOCK // 4):
            self._wanted = aim
            return
        self._align(aim)

    def _hears(self) -> bool:
        """Tell whether enough was heard to tell whether it is an echo."""
        power = np.square(self._heard.reshape(-1, BLOCK)).mean(axis=1)
        sounding = power[-self._taken // BLOCK :]
        out = sounding > max(_OUT * float(sounding.min()), _FLOOR)
        return float(out.sum()) * BLOCK > STRANGE_S * RATE

    def _align(self, delay: int) -> None:
        """Take the delay for known, and learn the room from the last second."""
        if self._delay is not None:
            self._filter.shift(delay - self._delay)
        else:
            self._residual.reset()
            self._learnt = self._active + LEARN_S
        self._delay, self._wanted, self._none = delay, None, False
        blocks = min(WINDOW, self._taken) // BLOCK
        first = self._taken - blocks * BLOCK
        if self._active < self._learnt:
            self._measure(first, blocks, delay)
        for _ in range(2):
            self._filter.place(
                self._played(first - delay - PARTITIONS * BLOCK - BLOCK, (PARTITIONS + 1) * BLOCK)
            )
            for k in range(blocks):
                at = first + k * BLOCK
                self._filter.step(
                    self._played(at - delay - BLOCK, 2 * BLOCK),
                    self._heard[WINDOW - blocks * BLOCK + k * BLOCK :][:BLOCK],
                )

    def _measure(self, first: int, blocks: int, delay: int) -> None:
        """Measure how loud the echo was at most against what was played."""
        heard = self._residual.powers(_frames(self._heard[WINDOW - blocks * BLOCK :])).sum(axis=1)
        played = self._residual.powers(_frames(self._played(first - delay, blocks * BLOCK))).sum(axis=1)
        for k in range(1, len(played)):
            played[k] = max(played[k], FADE * played[k - 1])
        loud = played > 0.05 * played.max(initial=0)
        self._gain = float(np.max(heard[loud] / played[loud], initial=0.0))


def _frames(y: Float32) -> Float32:
    """Return frames of two blocks, each one block later than the one before, (n, 2 * BLOCK)."""
    blocks = y[: len(y) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return np.concatenate([blocks[:-1], blocks[1:]], axis=1)
