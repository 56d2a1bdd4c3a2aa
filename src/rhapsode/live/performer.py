"""How a session performs: speech and takes on a track, at their pace, until they end or are stale."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from rhapsode.audio.bed import Bed
from rhapsode.audio.resample import Resampler
from rhapsode.errors import RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion
from rhapsode.live.asked import Asked, Speech, Take
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.gate import Gate
from rhapsode.live.items import BeginItem, CurvesItem, EndItem, FaultItem, SoundItem, WordsItem
from rhapsode.live.joint import Joint
from rhapsode.live.metrics import Window
from rhapsode.live.outlet import Outlets
from rhapsode.live.prefetch import Prefetch
from rhapsode.live.showing import slices
from rhapsode.live.timeline import Timeline
from rhapsode.live.track import PER_FRAME, Made, Track
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Float32

SPEECH_AHEAD_S = 10.0
"""How far speech is made ahead: what a client must hold, and what an interruption throws away."""

LEAD_S = 0.06
"""How long after the first sound is there a speech begins, so that its first frames are not late."""

PATIENCE_S = 0.06
"""How long the face may stand still until what was asked for begins; then it lives until that does."""

NEAR_S, NEAR_STEP = 0.04, 2
"""Where what comes next is not there yet: how close to the clock life or silence is made, and how many curve
frames at a time."""

SHORTEST_S = 0.001
"""No wait is shorter: what is left of a rounding error would be waited for without end."""

PIECE = SAMPLE_RATE // 10
"""Sound samples animated at a time."""

_T = TypeVar("_T")


class Performer:
    """The half of a session that performs; `rhapsode.live.session.Session` is the half that is asked.

    Args:
        pool: threads for what takes long.
        direction: how to play.

    Attributes:
        generation: of what is performed now.
        timeline: which clock sample is due when.
        work_ms: how long 20 ms of sound take the face, milliseconds.

    """

    def __init__(self, pool: Executor, direction: Direction) -> None:
        self._pool, self._direction = pool, direction
        self._wake = asyncio.Event()
        self._refeel = False
        self._joint = Joint()
        self._arrivals: deque[tuple[int, float | None]] = deque(maxlen=500)
        self.generation = 0
        self._bed: Bed | None = None
        self.timeline = Timeline()
        self._outlets = Outlets(self.timeline)
        self._gate = Gate(self._outlets, self.timeline)
        self.work_ms = Window()

    @property
    def bed(self) -> Bed | None:
        """Background at `SAMPLE_RATE` under what it speaks, or all the time; the face does not hear it."""
        return self._bed

    @bed.setter
    def bed(self, bed: Bed | None) -> None:
        self._bed = bed
        self.timeline.bed = bed if bed is not None and bed.always else None

    def _feel(self, track: Track) -> None:
        """Let the face feel what was asked for last, if that is new."""
        if self._refeel:
            self._refeel = False
            track.feel(self._direction.emotion or Emotion())

    async def _perform(self, track: Track, asked: Asked, generation: int) -> bool:
        """Speak or show; return False if it was interrupted or failed and the track holds stale sound."""
        try:
            if isinstance(asked, Take):
                return await self._show(track, asked, generation)
            return await self._speak(track, asked, generation)
        except RhapsodeError as error:
            self._gate.offer(FaultItem(generation, str(error)))
            return False

    async def _speak(self, track: Track, speech: Speech, generation: int) -> bool:
        coming = Prefetch(speech.blocks, self._work)
        start: int | None = None
        late = 0  # clock samples of silence that stood in for what was not there in time
        try:
            resampler: Resampler | None = None
            while True:
                given = track.given
                if not await self._live(track, coming.coming, generation, speaking=start is not None):
                    return False
                late += track.given - given if start is not None else 0
                if (block := await coming.next()) is None:
                    break
                sound, words = block
                if resampler is None or start is None:
                    start, resampler = track.given, Resampler(sound.sample_rate, SAMPLE_RATE)
                    self._begin(start, speech.text, speech.kind, generation)
                if speech.comes is not None:
                    speech.comes(block, track.given)
                if words.words:
                    self._gate.offer(WordsItem(generation, start + late, words))
                track.words(words, start + late, sound.duration_s)
                if not await self._play(track, resampler.push(sound.samples), generation):
                    return False
            if resampler is None or not await self._play(track, resampler.finish(), generation):
                return False
            made, end = track.end(generation)
            self._give(self._laid(made, last=True))
            self._gate.offer(EndItem(generation, end))
            return True
        finally:
            coming.drop()

    async def _live(
        self, track: Track, coming: asyncio.Future[Any], generation: int, *, speaking: bool
    ) -> bool:
        """Wait for what is made meanwhile; return False if something else is asked for first.

        The face lives until a performance begins; within one, silence stands in.
        """
        coming.add_done_callback(lambda _: self._wake.set())
        patient, waiting = self._now() + PATIENCE_S, not speaking
        while not coming.done() and generation == self.generation:
            self._wake.clear()
            self._feel(track)
            if waiting and self._now() < patient - SHORTEST_S:
                await self._wait(patient - self._now())
            elif waiting:
                waiting = False
                self.timeline.anchor(track.shown, self._now())
            elif (ahead := self._ahead_of(track.shown)) > NEAR_S:
                await self._wait(ahead - NEAR_S)
            elif speaking:
                silence = np.zeros(NEAR_STEP * PER_FRAME, np.float32)
                self._gate.hear(track.given, silence, SAMPLE_RATE)
                self._give(self._laid(track.speak(silence, generation)))
            else:
                self._give(track.idle(NEAR_STEP, generation))
        return generation == self.generation

    async def _play(self, track: Track, sound: Float32, generation: int) -> bool:
        """Animate ``sound`` at a bounded distance ahead; return False once it is stale."""
        for first in range(0, len(sound), PIECE):
            if generation != self.generation:
                return False
            self._feel(track)
            piece, begun = sound[first : first + PIECE], self._now()
            self._gate.hear(track.given, piece, SAMPLE_RATE)
            made = track.speak(piece, generation)
            self._count(begun, len(piece))
            self._give(self._laid(made))
            await asyncio.sleep(0)
            await self._pace(track, track.shown, generation)
        return generation == self.generation

    async def _show(self, track: Track, take: Take, generation: int) -> bool:
        """Show a performance that is there already; the face of the track sleeps meanwhile."""
        coming = asyncio.ensure_future(self._work(slices, take.performance))
        if not await self._live(track, coming, generation, speaking=False):
            coming.add_done_callback(lambda done: done.cancelled() or done.exception())
            return False
        parts, start = await coming, track.shown
        self._joint.cut()
        self._begin(start, take.text, "take", generation)
        shown = 0
        try:
            for values, sound in parts:
                if generation != self.generation:
                    return False
                at = start + shown * HOP
                self._gate.hear(at, sound, SAMPLE_RATE)
                self._give(
                    [CurvesItem(generation, at, values), SoundItem(generation, at, sound, SAMPLE_RATE)]
                )
                shown += len(values)
                await self._pace(track, start + shown * HOP, generation)
        finally:
            track.skip(shown)
            self._joint.cut()
        if generation == self.generation:
            self._gate.offer(EndItem(generation, track.shown))
        return generation == self.generation

    def _begin(self, start: int, text: str, kind: str, generation: int) -> None:
        self.timeline.anchor(start, self._now() + LEAD_S)
        self._gate.offer(BeginItem(generation, start, text, kind))

    async def _pace(self, track: Track, shown: int, generation: int) -> None:
        """Wait until ``shown`` is no farther ahead than it may be."""
        while generation == self.generation and (ahead := self._ahead_of(shown)) > SPEECH_AHEAD_S:
            self._wake.clear()
            self._feel(track)
            await self._wait(ahead - SPEECH_AHEAD_S)

    def _laid(self, made: Made, *, last: bool = False) -> Made:
        """Return ``made`` with the background under its sound, which goes out softly with the ``last``."""
        bed, sounds = self._bed, [item for item in made if isinstance(item, SoundItem)]
        if bed is None or not sounds:
            return made
        if bed.always:  # who plays lays it under, see `rhapsode.live.playout`
            for item in sounds:
                bed.follow(item.samples)
            return made

        def under(item: SoundItem) -> SoundItem:
            start = item.start * SAMPLE_RATE // CLOCK_HZ
            ends = last and item is sounds[-1]
            return replace(item, samples=bed.mix(item.samples, start, of=item.generation, last=ends))

        return [under(item) if isinstance(item, SoundItem) else item for item in made]

    def _give(self, made: Made) -> None:
        for item in made:
            if isinstance(item, CurvesItem):
                values = self._joint.push(item.values)
                item = replace(item, values=values, sound_at=self._arrival(item.start))
            self._gate.offer(item)

    def _arrival(self, sample: int) -> float | None:
        """Return when the sound at clock ``sample`` came in."""
        while self._arrivals and self._arrivals[0][0] <= sample:
            self._arrivals.popleft()
        return self._arrivals[0][1] if self._arrivals else None

    def _count(self, begun: float, samples: int) -> None:
        if samples:
            self.work_ms.add((self._now() - begun) * 1000 * SAMPLE_RATE / CURVE_HZ / samples)

    def _ahead_of(self, sample: float) -> float:
        return self.timeline.time_of(sample) - self._now()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _wait(self, seconds: float) -> None:
        """Return when something new is asked for or the time is over."""
        try:
            async with asyncio.timeout(max(seconds, SHORTEST_S)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _work(self, job: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, *args)
