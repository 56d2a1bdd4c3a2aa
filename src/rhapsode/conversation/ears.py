"""The ears of a conversation: whichever microphone is on, told of what the session itself plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from rhapsode.conversation.microphone import Echo, Microphone, Process
from rhapsode.live.items import Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, MicrophoneFrame


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
            self._microphone.hear(chunk, asyncio.get_running_loop().time())

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
                    self._listener(y, frame.sample_rate)
                    return frame
            finally:
                taking.cancel()
                changed.cancel()

    # What the session gives out

    def offer(self, item: Item) -> None:
        """Let the microphone know what is played."""
        if self._microphone is not None and isinstance(item, SoundItem):
            self._microphone.played(item, self._session.timeline.time_of(item.start))

    def interrupted(self, generation: int) -> None:
        """Let the microphone know that what is not heard yet never will be."""
        if self._microphone is not None:
            self._microphone.silenced(asyncio.get_running_loop().time())
