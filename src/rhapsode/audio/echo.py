"""Takes out of a microphone's sound what a loudspeaker beside it plays: a voice does not interrupt itself.

What is played is known (the reference), and roughly when. The delay is found by cross-correlation; a filter
learns the room and takes out what it foretells; what is left is taken out band by band. What turns out to
have been silenced for nothing is given once more: the first syllable of a person, the first second of an
answer with headphones.
"""

from __future__ import annotations

import numpy as np

from rhapsode.audio.echo_delay import AFTER, BEFORE, WINDOW, DelayFinder
from rhapsode.audio.echo_filter import BLOCK, PARTITIONS, EchoFilter
from rhapsode.audio.echo_reference import Reference
from rhapsode.audio.echo_residual import BANDS, FADE, Residual
from rhapsode.errors import SettingError
from rhapsode.performance import Float32

RATE = 16_000
"""The rate it works at, Hz."""

LEAD = 2 * BLOCK
"""The filter begins so many samples before the delay that was found: what is found may be the loudest of
many paths, not the first."""

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

SURPLUS = 512
"""What is given once more comes in pieces of so many samples."""

ONSET = 16 * BLOCK
"""So much from before somebody is certain to speak over an echo is given once more (256 ms)."""

LOUD_ECHO = 2.0
"""Where the echo has more power than what is played by this factor, the first second is not given once more:
too much of it may be echo."""

REST_S = 0.35
"""So long behind what is played a room may still sound."""

_LOUD = 1e-3
_NOTHING: Float32 = np.zeros(BLOCK, np.float32)
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
        self._reference = Reference(RATE)
        self._pending: Float32 = np.zeros(0, np.float32)
        self._ready: Float32 = np.zeros(BLOCK, np.float32)
        self._heard = np.zeros(WINDOW, np.float32)
        self._better: Float32 = np.zeros(WINDOW, np.float32)  # what should have come out, as far as is known
        self._open: Float32 = np.zeros(ONSET, np.float32)  # what would have come out, had somebody spoken
        self._again = 0  # samples of the former which are better than what came out
        self._given = 0  # samples that came out so far
        self._loud = False  # whether something was played in the last block
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
        self._reference.played(samples, at)

    def silenced(self, at: float) -> None:
        """Take notice that what was to be heard from the time ``at`` on is not."""
        self._reference.silenced(at)

    def __call__(self, y: Float32, at: float | None = None) -> Float32:
        """Take the next samples (n,) in [-1, 1]; return n samples of `lag_s` ago without its own voice.

        More than n are returned where some were silenced for nothing, which is known a little later: the
        surplus, a multiple of `SURPLUS`, stands for as many samples at the end of what was returned before.

        Args:
            y: of the microphone.
            at: time at which the last of them came in; None where nothing is lost or late.

        """
        self._reference.follow(at, len(self._pending) + len(y))
        pending = np.concatenate([self._pending, y])
        made, surplus = self._ready, 0
        for first in range(0, len(pending) - BLOCK + 1, BLOCK):
            made = np.concatenate([made, self._block(pending[first : first + BLOCK])])
            if self._again:
                more = self._missing(len(made), self._given - surplus)
                surplus += more
                again = len(made) + more if more else min(self._again, len(made))
                made = np.concatenate([made[: len(made) + more - again], self._better[-again:]])
                self._again = 0
        self._pending = pending[len(pending) - len(pending) % BLOCK :]
        self._given += len(y)
        out, self._ready = made[: len(y) + surplus], made[len(y) + surplus :]
        return out

    def _missing(self, made: int, given: int) -> int:
        """Return how many samples before the last ``made`` must be given once more, of ``given`` at most."""
        pieces = max(-(-(self._again - made) // SURPLUS), 0)
        return min(pieces, given // SURPLUS) * SURPLUS

    def _block(self, heard: Float32) -> Float32:
        self._look()
        now = self._reference.now
        self._reference.advance(BLOCK)
        self._heard = np.concatenate([self._heard[BLOCK:], heard])
        if self._delay is not None:
            return self._known(heard, self._reference.part(now - self._delay - BLOCK, 2 * BLOCK))
        near = self._reference.part(now - BEFORE, BEFORE + AFTER)
        self._count(self._reference.part(now, BLOCK))
        if self._none or not np.abs(near[::16]).max() > _LOUD:
            return self._clean(heard, _NOTHING, playing=False)
        most = np.float32(BEFORE_KNOWN) * self._residual.powers(_frames(near)).max(axis=0)
        return self._clean(heard, _NOTHING, playing=True, most=most)

    def _known(self, heard: Float32, reference: Float32) -> Float32:
        """Clean a block with what is known of the echo of ``reference``, (2 * BLOCK,)."""
        self._count(reference)
        self._since = 0 if self._loud else self._since + 1
        echo, left = self._filter.step(reference, heard)
        most = np.float32(self._gain) * self._smear(reference) if self._active < self._learnt else None
        return self._clean(left, echo, playing=self._since < REST_S * RATE / BLOCK, most=most)

    def _count(self, played: Float32) -> None:
        """Count a block in which something is played."""
        self._loud = bool(np.abs(played).max() > _LOUD)
        self._active += self._loud * BLOCK / RATE

    def _clean(self, left: Float32, echo: Float32, *, playing: bool, most: Float32 | None = None) -> Float32:
        """Take out what is left; keep what should have come out before, where somebody begins to speak."""
        spoke = self._residual.speaks
        out = self._residual.step(left, echo, playing=playing, most=most)
        self._open = np.concatenate([self._open[BLOCK:], self._residual.open])
        self._better = np.concatenate([self._better[BLOCK:], out])
        if playing and self._residual.speaks and not spoke and self._delay is not None:
            self._better[-ONSET:] = self._open
            self._again = max(self._again, ONSET)
        return out

    def _smear(self, reference: Float32) -> Float32:
        """Return the power of what is played, with what a room still holds of it, (BANDS,)."""
        self._smeared = np.maximum(
            self._residual.powers(reference[None])[0], np.float32(FADE) * self._smeared
        )
        return self._smeared

    def _look(self) -> None:
        """Look for the delay now and then."""
        known = self._delay is not None
        early = not known and not self._none
        if not self._loud or self._active - self._looked < (FIRST_S if early else AGAIN_S):
            return
        self._looked = self._active
        played = self._reference.part(self._reference.now - WINDOW - BEFORE, 2 * WINDOW)
        found, certain, alone = self._finder.find(self._heard, played)
        if certain < _CERTAIN or alone < _ALONE:
            self._wanted = None
            self._strange = self._strange + 1 if not known and alone < _CHANCE and self._hears() else 0
            if early and (self._active > PATIENCE_S or self._strange >= LOOKS):
                self._none, self._again = True, WINDOW - SURPLUS
                self._better[SURPLUS:] = self._heard[SURPLUS - BLOCK : -BLOCK]
                self._residual.release()
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
        sounding = power[-self._reference.now // BLOCK :]
        out = sounding > max(_OUT * float(sounding.min()), _FLOOR)
        return float(out.sum()) * BLOCK > STRANGE_S * RATE

    def _align(self, delay: int) -> None:
        """Take the delay for known, and learn the room from the last second."""
        new = self._delay is None
        if self._delay is not None:
            self._filter.shift(delay - self._delay)
        else:
            self._residual.reset()
            self._learnt = self._active + LEARN_S
        self._delay, self._wanted, self._none = delay, None, False
        blocks = min(WINDOW, self._reference.now) // BLOCK
        first = self._reference.now - blocks * BLOCK
        if self._active < self._learnt:
            self._measure(first, blocks, delay)
        again = new and self._gain < LOUD_ECHO
        oldest = self._better[WINDOW - blocks * BLOCK :][:SURPLUS].copy()
        for last in (False, True):
            past = (PARTITIONS + 1) * BLOCK
            self._filter.place(self._reference.part(first - delay - past, past))
            for k, heard in enumerate(self._heard[WINDOW - blocks * BLOCK :].reshape(blocks, BLOCK)):
                reference = self._reference.part(first + (k - 1) * BLOCK - delay, 2 * BLOCK)
                echo, left = self._filter.step(reference, heard)
                if again and last:
                    most = np.float32(self._gain) * self._smear(reference)
                    self._clean(left, echo, playing=True, most=most)
        if again:
            self._better[WINDOW - blocks * BLOCK :][:SURPLUS] = oldest
            self._again = blocks * BLOCK - SURPLUS

    def _measure(self, first: int, blocks: int, delay: int) -> None:
        """Measure how loud the echo was at most against what was played."""
        heard = self._residual.powers(_frames(self._heard[WINDOW - blocks * BLOCK :])).sum(axis=1)
        played = self._residual.powers(_frames(self._reference.part(first - delay, blocks * BLOCK))).sum(
            axis=1
        )
        for k in range(1, len(played)):
            played[k] = max(played[k], FADE * played[k - 1])
        loud = played > 0.05 * played.max(initial=0)
        self._gain = float(np.max(heard[loud] / played[loud], initial=0.0))


def _frames(y: Float32) -> Float32:
    """Return frames of two blocks, each one block later than the one before, (n, 2 * BLOCK)."""
    blocks = y[: len(y) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return np.concatenate([blocks[:-1], blocks[1:]], axis=1)
