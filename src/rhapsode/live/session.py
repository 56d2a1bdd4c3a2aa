"""One user's performance: what was asked for, its track, the pace of what goes out. No sockets.

    asked (text, recording, take, microphone) -> track (face and sound) -> items -> outlets

A generation number is stamped on everything; each new request and each interruption bumps it, so that stale
items die wherever they are. The session is one loop: it performs what was asked for last, follows the
microphone, or idles. Its clock is that of the asyncio loop; sessions share nothing but read-only weights.

Speech is made in a pool of threads, one block ahead. The face is moved on the loop itself, in steps of a few
milliseconds: handing such steps to threads costs more than they take.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from rhapsode.audio.resample import Resampler
from rhapsode.errors import InputError, RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion
from rhapsode.live.asked import Asked, Speech, Take
from rhapsode.live.ear import FILL_S, Ear, Process
from rhapsode.live.engine import SAMPLE_RATE, Engine
from rhapsode.live.gate import Gate, Mix
from rhapsode.live.items import (
    BeginItem,
    CurvesItem,
    EndItem,
    FaultItem,
    IdleItem,
    ListenItem,
    SoundItem,
    WordsItem,
)
from rhapsode.live.joint import Joint
from rhapsode.live.metrics import Window
from rhapsode.live.outlet import Outlet, Outlets
from rhapsode.live.prefetch import Prefetch
from rhapsode.live.showing import slices
from rhapsode.live.timeline import Timeline
from rhapsode.live.track import PER_FRAME, Made, Track
from rhapsode.performance import CURVE_HZ, HOP, Float32

IDLE_STEP = 10
"""Curve frames of life made at a time."""

IDLE_AHEAD_S = 0.4
"""How far life is made ahead of the clock."""

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


class Session:
    """Serves one user.

    Args:
        engine: speaks and animates.
        pool: threads for its steps.
        direction: how to play.
        max_text: longest text that is spoken at once, characters.

    Attributes:
        id: unguessable name of the session.
        generation: of what is performed now.
        timeline: which clock sample is due when.
        hears: applied to every chunk of the microphone, if set.
        work_ms: how long 20 ms of sound take the face, milliseconds.

    """

    def __init__(
        self, engine: Engine, pool: Executor, *, direction: Direction | None = None, max_text: int = 2000
    ) -> None:
        self._engine, self._pool, self._max_text = engine, pool, max_text
        self._direction = direction or Direction(emotion="")
        self._wake = asyncio.Event()
        self._asked: Asked | None = None
        self._redirect = self._refeel = False
        self._joint = Joint()
        self._ear: Ear | None = None
        self._arrivals: deque[tuple[int, float | None]] = deque(maxlen=500)
        self.id = uuid.uuid4().hex
        self.ready = asyncio.Event()
        self.generation = 0
        self.timeline = Timeline()
        self._outlets = Outlets(self.timeline)
        self._gate = Gate(self._outlets, self.timeline)
        self.hears: Process | None = None
        self.work_ms = Window()

    @property
    def direction(self) -> Direction:
        """How it is played."""
        return self._direction

    @property
    def ear(self) -> Ear | None:
        """What listens; None where no microphone is on."""
        return self._ear

    @property
    def mix(self) -> Mix | None:
        """What is mixed into every curve frame right before it is due, such as a captured face."""
        return self._gate.mix

    @mix.setter
    def mix(self, mix: Mix | None) -> None:
        self._gate.mix = mix

    def attach(self, outlet: Outlet) -> None:
        """Give ``outlet`` all items from those on that are not due yet."""
        self._outlets.attach(outlet, self._now())

    def detach(self, outlet: Outlet) -> None:
        """Give ``outlet`` nothing more."""
        self._outlets.detach(outlet)

    def say(self, text: str) -> None:
        """Speak ``text`` instead of whatever is performed now.

        Raises:
            InputError: it is empty or too long.

        """
        if not text.strip():
            raise InputError("a text to speak must hold words, got an empty one; write something to say")
        if len(text) > self._max_text:
            raise InputError(
                f"a text may hold {self._max_text} characters, got {len(text)}; send it in parts"
            )
        self.perform(Speech(text, "text", lambda: self._engine.speak(text)))

    def perform(self, asked: Asked | None) -> None:
        """Perform ``asked`` instead of whatever is performed now; None falls silent at once."""
        self._asked = asked
        self.generation += 1
        self._gate.interrupted(self.generation)
        self._wake.set()

    def interrupt(self) -> None:
        """Fall silent at once and close the mouth."""
        self.perform(None)

    def direct(self, direction: Direction) -> None:
        """Play like this from now on; a face that is only to feel something else goes on living."""
        if replace(direction, emotion=self._direction.emotion) != self._direction:
            self._redirect = True
        self._direction, self._refeel = direction, True
        self._wake.set()

    def listen(self, sample_rate: int, *, process: Process | None = None) -> None:
        """Let a microphone move the face, whenever nothing else is performed.

        Args:
            sample_rate: of what `hear` will bring, Hz.
            process: cleans the sound, see `rhapsode.live.ear.Process`.

        Raises:
            SettingError: the rate cannot be used.

        """
        self._ear = Ear(sample_rate, process=process)
        self._wake.set()

    def hear(self, chunk: Float32) -> None:
        """Take sound of the microphone, (n,) or (n, channels); dropped where none is on.

        Raises:
            AudioError: it holds samples that are no numbers.

        """
        if self._ear is not None:
            self._ear.hear(self.hears(chunk) if self.hears else chunk, self._now())
            self._wake.set()

    def deafen(self) -> None:
        """Turn the microphone off."""
        self._ear = None
        self._wake.set()

    def heard_at(self, generation: int, sample: int) -> None:
        """Take notice that a listener hears clock ``sample`` of ``generation`` now; the timeline follows."""
        if generation == self.generation and abs(self._ahead_of(sample)) < SPEECH_AHEAD_S:
            self.timeline.observe(sample, self._now(), follow=0.2)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._redirect = self._refeel = False
        track = Track(await self._work(self._engine.face, self._direction))
        self.timeline.anchor(track.shown, self._now())
        self.ready.set()
        served = 0  # what was asked for before now is still to be done
        while True:
            self._wake.clear()
            if self._redirect:
                self._redirect = self._refeel = False
                track = Track(await self._work(self._engine.face, self._direction), track.given)
                self._joint.cut()
            self._feel(track)
            if served == self.generation:
                await (self._follow(track, self._ear) if self._ear else self._idle(track))
                continue
            served, asked = self.generation, self._asked
            finished = await self._perform(track, asked, served) if asked else False
            if not finished:
                await self._rest(track)
            if served == self.generation:
                self._gate.offer(IdleItem(served, track.shown))

    async def _rest(self, track: Track) -> None:
        """Let the mouth close unseen; what follows is due now."""
        for _ in track.interrupt():
            await asyncio.sleep(0)
        self.timeline.anchor(track.shown, self._now())

    def _feel(self, track: Track) -> None:
        """Let the face feel what was asked for last, if that is new."""
        if self._refeel:
            self._refeel = False
            track.feel(self._direction.emotion or Emotion())

    async def _idle(self, track: Track) -> None:
        """Make some life, or wait until it is time to."""
        ahead = self._ahead_of(track.shown)
        if ahead > IDLE_AHEAD_S:
            await self._wait(ahead - IDLE_AHEAD_S)
            return
        if ahead < -1.0:  # the machine stood still: go on from here, without a burst
            self.timeline.anchor(track.shown, self._now())
        self._give(track.idle(IDLE_STEP, self.generation))
        await asyncio.sleep(0)

    async def _follow(self, track: Track, ear: Ear) -> None:
        """Let the microphone move the face until it goes off or something else is asked for."""
        generation = self.generation
        while (ahead := self._ahead_of(track.shown)) > IDLE_AHEAD_S:  # what was said is still heard
            self._wake.clear()
            self._feel(track)
            await self._wait(ahead - IDLE_AHEAD_S)
            if self._ear is not ear or generation != self.generation:
                return
        ear.forget()
        self._arrivals.clear()
        self.timeline.anchor(track.shown, self._now())
        self._gate.offer(ListenItem(generation, track.shown, track.given))
        while self._ear is ear and generation == self.generation and not self._redirect:
            self._wake.clear()
            self._feel(track)
            heard = ear.next(self._now())
            if heard is None:
                await self._wait(FILL_S)
                continue
            begun, start = self._now(), track.given
            y = await self._work(ear.ready, heard) if ear.slow else ear.ready(heard)
            made = track.speak(y, generation)
            self._gate.hear(start, y, SAMPLE_RATE)
            self._arrivals.append((track.given, heard.arrived))
            self.timeline.observe(track.shown, self._now())
            self._count(begun, len(y))
            self._give(made)
            await asyncio.sleep(0)
        await self._rest(track)
        if generation == self.generation and self._ear is None:
            self._gate.offer(IdleItem(generation, track.shown))

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
                if words.words:
                    self._gate.offer(WordsItem(generation, start + late, words))
                if not await self._play(track, resampler.push(sound.samples), generation):
                    return False
            if resampler is None or not await self._play(track, resampler.finish(), generation):
                return False
            made, end = track.end(generation)
            self._give(made)
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
                self._give(track.speak(silence, generation))
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
            self._give(made)
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

    def _give(self, made: Made) -> None:
        for item in made:
            if isinstance(item, CurvesItem):
                values = self._joint.push(item.values)
                item = replace(item, values=values, sound_at=self._arrival(item.start))
            self._gate.offer(item)

    def _arrival(self, sample: int) -> float | None:
        """Return when the sound at clock ``sample`` came in."""
        if self._ear is None:
            return None
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
