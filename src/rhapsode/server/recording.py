"""A take while it is made: what was due is written, what an interruption threw away is not.

The curves are those of the session, frame by frame, and the sound sample by sample: nothing is interpolated.
Where the clock of the session jumps, after an interruption, the take goes on without a gap.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from concurrent.futures import Executor
from fractions import Fraction

import numpy as np

from rhapsode.audio.underlay import SOON_S, Underlay
from rhapsode.formats import AtomicWriter
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import BeginItem, CurvesItem, Item, SoundItem, WordsItem
from rhapsode.live.motion import Bones, Pose, between
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Curves, Float32, Performance, Sound, Span, Words
from rhapsode.rigs import FACE

FADE_FRAMES = 4
"""Curve frames over which the face before an interruption becomes the one after it (0.08 s)."""

AUDIBLE = 1e-4
"""Sound below this is silence."""

PER_FRAME = SAMPLE_RATE // CURVE_HZ


class Roll:
    """Collects what is due, as consecutive parts of one performance; an `rhapsode.live.outlet.Outlet`.

    Args:
        timeline: of the session.
        now: the loop's time at which it begins.

    Attributes:
        frames: curve frames that were given out by `due`.
        texts: what was spoken or played, in order.
        audible: whether any of its sound is not silence.

    """

    def __init__(self, timeline: Timeline, now: float) -> None:
        self._timeline = timeline
        self._next = max(math.ceil(timeline.sample_at(now) / HOP) * HOP, 0)
        self._frames: deque[tuple[int, Float32, Bones]] = deque()
        self._sounds: deque[tuple[int, Float32]] = deque()  # first sample at SAMPLE_RATE, samples
        self._words: list[Span] = []  # in clock samples
        self._shift = self._next  # clock sample of the session at which the take would have begun
        self._rows: list[Float32] = []
        self._heard: list[Float32] = []
        self._spoken: list[Span] = []
        self._pose, self._underlay = Pose(), Underlay(SAMPLE_RATE)
        self._last: tuple[Float32, Bones] | None = None
        self._fade_from: tuple[Float32, Bones] | None = None
        self._fade = FADE_FRAMES
        self._cut = False
        self.frames = 0
        self.texts: list[str] = []
        self.audible = False

    @property
    def seconds(self) -> float:
        """How long the take is up to now."""
        return (self.frames + len(self._rows)) / CURVE_HZ

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, CurvesItem):
            self._frames.extend(
                (item.start + k * HOP, values, item.bones) for k, values in enumerate(item.values)
            )
        elif isinstance(item, SoundItem):
            self._sounds.append((item.start * SAMPLE_RATE // CLOCK_HZ, item.samples))
        elif isinstance(item, BeginItem):
            self.texts.append(item.text)
        elif isinstance(item, WordsItem):
            self._words += [
                Span(s.text, item.start + s.start_s * CLOCK_HZ, item.start + s.end_s * CLOCK_HZ)
                for s in item.words.words
            ]

    def interrupted(self, generation: int) -> None:
        """Forget what is not due yet."""
        self.develop(asyncio.get_running_loop().time())
        self._frames.clear()
        self._sounds.clear()
        self._words.clear()
        self._cut = True

    def develop(self, now: float) -> None:
        """Keep what is due at ``now``."""
        upto = self._timeline.sample_at(now)
        while self._frames and self._frames[0][0] < upto:
            sample, values, bones = self._frames.popleft()
            if sample >= self._next or self._cut:
                self._keep(sample, values, bones)
        while self._words and self._words[0].start_s < upto:
            span = self._words.pop(0)
            start, end = ((at - self._shift) / CLOCK_HZ for at in (span.start_s, span.end_s))
            if start >= 0:
                self._spoken.append(Span(span.text, start, end))

    def due(self) -> Performance | None:
        """Return what was kept since the last call; None where that is nothing."""
        if not self._rows:
            return None
        start = Fraction(self.frames * HOP)
        face = Curves(FACE.channels, np.stack(self._rows), start=start)
        sound = Sound(np.concatenate(self._heard), SAMPLE_RATE, start)
        part = Performance(face, sound, Words(tuple(self._spoken)), motion=self._pose.take())
        self.frames += len(self._rows)
        self._rows, self._heard, self._spoken = [], [], []
        return part

    def _keep(self, sample: int, values: Float32, bones: Bones) -> None:
        if self._cut or sample != self._next:
            self._cut = False
            self._shift = sample - (self.frames + len(self._rows)) * HOP
            self._fade_from, self._fade = self._last, 0
        if self._fade_from is not None and self._fade < FADE_FRAMES:
            self._fade += 1
            share = np.float32(self._fade / FADE_FRAMES)
            face, body = self._fade_from
            values, bones = face * (1 - share) + values * share, between(body, bones, float(share))
        self._next, self._last = sample + HOP, (values, bones)
        self._rows.append(values)
        self._pose.push(bones)
        heard = self._sound_of(cursor := sample * SAMPLE_RATE // CLOCK_HZ)
        self.audible = self.audible or float(np.abs(heard).max()) > AUDIBLE
        soon = any(first < cursor + SOON_S * SAMPLE_RATE for first, _ in self._sounds)
        at = self._timeline.time_of(sample)
        self._heard.append(self._underlay.mix(heard, at, self._timeline.bed, soon=soon))

    def _sound_of(self, cursor: int) -> Float32:
        """Return the sound of the curve frame at ``cursor``, silent where there is none."""
        made = np.zeros(PER_FRAME, np.float32)
        while self._sounds and self._sounds[0][0] + len(self._sounds[0][1]) <= cursor:
            self._sounds.popleft()
        for first, samples in self._sounds:
            if first >= cursor + PER_FRAME:
                break
            begin, end = max(first, cursor), min(first + len(samples), cursor + PER_FRAME)
            made[begin - cursor : end - cursor] = samples[begin - first : end - first]
        return made


class TakeWriter:
    """Writes a roll to a file, in a pool; the file is there once all of it is.

    Args:
        out: the file.
        pool: writes.
        roll: what is written.

    """

    def __init__(self, out: AtomicWriter, pool: Executor, roll: Roll) -> None:
        self._out, self._pool, self.roll = out, pool, roll

    async def write(self, now: float) -> None:
        """Write what is due at ``now``.

        Raises:
            OSError: the disk refuses; the file is given up.

        """
        self.roll.develop(now)
        part = self.roll.due()
        if part is not None:
            await self._work(part)

    async def close(self) -> None:
        """Complete the file."""
        await self._work(None)

    async def _work(self, part: Performance | None) -> None:
        job = self._out.close if part is None else lambda: self._out.write(part)
        await asyncio.get_running_loop().run_in_executor(self._pool, job)

    def abort(self) -> None:
        """Give the file up."""
        self._out.abort()
