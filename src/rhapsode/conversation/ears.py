"""The ears of a conversation: whichever microphone is on, told of what the session itself plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from rhapsode.audio.underlay import SWELL_DB
from rhapsode.conversation.microphone import Echo, Microphone, Process
from rhapsode.live.items import Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, MicrophoneFrame

AHEAD_S, STEP_S = 0.25, 0.1
"""How far ahead the microphone knows of a background, and in what steps."""


class Ears:
    """Takes sound of a microphone that may come and go; an outlet of the session between `begin` and `end`.

    Args:
        session: whose sound the microphone hears too.
        pool: threads in which sound is cleaned.
        cleaners: makes what a new microphone's sound goes through.
        listener: given all that is heard, (n,) float32, and its rate.

    """

    def __init__(
        self,
        session: Session,
        pool: Executor,
        cleaners: Callable[[], list[Process | Echo]],
        listener: Callable[[Float32, int], None],
    ) -> None:
        self._session, self._pool = session, pool
        self._cleaners, self._listener = cleaners, listener
        self._microphone: Microphone | None = None
        self._before: Microphone | None = None
        self._plugged = asyncio.Event()
        self._attached = False
        self._told = 0.0  # the loop's time up to which the microphone knows what is played

    def begin(self) -> None:
        """Follow what the session plays."""
        self._attached = True
        self._session.attach(self)

    def end(self) -> None:
        """Follow it no more."""
        self._attached = False
        self._session.detach(self)

    def listen(self, sample_rate: int) -> None:
        """Turn a microphone on.

        Raises:
            SettingError: the rate cannot be used.

        """
        before = self._microphone or self._before
        self._microphone = Microphone(sample_rate, self._pool, self._cleaners, before=before)
        self._plugged.set()
        if self._attached:
            self._session.detach(self)  # and once more, to be told what is played already
            self._session.attach(self)

    def hear(self, chunk: Float32) -> None:
        """Take the next sound, (n,) or (n, channels); dropped where no microphone is on.

        Raises:
            AudioError: it holds samples that are no numbers.

        """
        if self._microphone is not None:
            now = asyncio.get_running_loop().time()
            self._tell_background(self._microphone, now)
            self._microphone.hear(chunk, now)

    def deafen(self) -> None:
        """Turn the microphone off."""
        self._before, self._microphone = self._microphone or self._before, None
        self._plugged.set()

    def end_turn(self) -> bool:
        """End the turn behind what was heard so far; return whether `next` will tell: a microphone is on."""
        if self._microphone is None:
            return False
        self._microphone.end_turn()
        return True

    async def next(self) -> MicrophoneFrame | EndTurnFrame:
        """Return the next sound of whichever microphone is on, or the end of a turn."""
        while True:
            self._plugged.clear()
            if (microphone := self._microphone) is None:
                await self._plugged.wait()
                continue
            taking = asyncio.ensure_future(microphone.next())
            changed = asyncio.ensure_future(self._plugged.wait())
            try:
                await asyncio.wait((taking, changed), return_when=asyncio.FIRST_COMPLETED)
                if taking.done() and microphone is self._microphone:
                    frame = taking.result()
                    if isinstance(frame, EndTurnFrame):
                        return frame
                    y = np.frombuffer(frame.audio, np.int16).astype(np.float32) / np.float32(32768)
                    self._listener(y[frame.again :], frame.sample_rate)
                    return frame
            finally:
                taking.cancel()
                changed.cancel()

    # What the session gives out

    def offer(self, item: Item) -> None:
        """Let the microphone know what is played."""
        if self._microphone is not None and isinstance(item, SoundItem):
            at, bed = self._session.timeline.time_of(item.start), self._session.timeline.bed
            if bed is not None:
                under = bed.at(round(at * bed.sample_rate), len(item.samples)) * np.float32(bed.level)
                item = replace(item, samples=item.samples + under)
            self._microphone.played(item, at)
            self._told = at + len(item.samples) / item.sample_rate

    def _tell_background(self, microphone: Microphone, now: float) -> None:
        """Let the microphone know of the background that is heard where nobody speaks."""
        bed, begin = self._session.timeline.bed, max(self._told, now)
        if bed is None or now + AHEAD_S - begin < STEP_S:
            return
        count = round((now + AHEAD_S - begin) * bed.sample_rate)
        level = np.float32(bed.level * 10 ** (SWELL_DB / 20))
        y = bed.at(round(begin * bed.sample_rate), count) * level
        microphone.played(SoundItem(-1, 0, y, bed.sample_rate), begin)
        self._told = begin + count / bed.sample_rate

    def interrupted(self, generation: int) -> None:
        """Let the microphone know that what is not heard yet never will be."""
        if self._microphone is not None:
            self._told = asyncio.get_running_loop().time()
            self._microphone.silenced(self._told)
