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
from concurrent.futures import Executor
from dataclasses import replace

from rhapsode.errors import InputError
from rhapsode.face.direction import Direction
from rhapsode.live.asked import Asked, Speech
from rhapsode.live.ear import FILL_S, Ear, Process
from rhapsode.live.engine import SAMPLE_RATE, Engine
from rhapsode.live.gate import AHEAD_S as MIXED_S
from rhapsode.live.gate import Mix
from rhapsode.live.items import (
    IdleItem,
    ListenItem,
)
from rhapsode.live.outlet import Outlet
from rhapsode.live.performer import SPEECH_AHEAD_S, Performer
from rhapsode.live.track import Track
from rhapsode.performance import Float32

IDLE_STEP = 10
"""Curve frames of life made at a time."""

IDLE_AHEAD_S = 0.4
"""How far life is made ahead of the clock."""


class Session(Performer):
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
        bed: background, see `rhapsode.audio.bed`; the face does not hear it.
        hears: applied to every chunk of the microphone, if set.
        work_ms: how long 20 ms of sound take the face, milliseconds.

    """

    def __init__(
        self, engine: Engine, pool: Executor, *, direction: Direction | None = None, max_text: int = 2000
    ) -> None:
        super().__init__(pool, direction or Direction(emotion=""))
        self._engine, self._max_text = engine, max_text
        self._asked: Asked | None = None
        self._redirect = False
        self._ear: Ear | None = None
        self.id = uuid.uuid4().hex
        self.ready = asyncio.Event()
        self.hears: Process | None = None

    @property
    def direction(self) -> Direction:
        """How it is played."""
        return self._direction

    @property
    def ear(self) -> Ear | None:
        """What listens; None where no microphone is on."""
        return self._ear

    def add_mix(
        self, mix: Mix, *, first: bool = False, ahead_s: float = MIXED_S, speech_s: float = MIXED_S
    ) -> None:
        """Mix something into every curve frame before it is due, such as a captured face.

        Args:
            mix: what is mixed in, behind what is mixed in already.
            first: before it instead.
            ahead_s: how long before it is due the mix gets a curve frame of life; with several the least.
            speech_s: the same of a performance, which is made ahead.

        """
        self._gate.add(mix, first=first, ahead_s=ahead_s, speech_s=speech_s)

    def remove_mix(self, mix: Mix) -> None:
        """Mix it in no more."""
        self._gate.remove(mix)

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
