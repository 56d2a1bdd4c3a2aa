"""Who asks in ``rhapsode talk``: a microphone, sound files played as one, or the keyboard."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rhapsode.errors import AudioError, InputError
from rhapsode.performance import Float32

if TYPE_CHECKING:
    from rhapsode.conversation import Conversation
    from rhapsode.conversation.events import Event
    from rhapsode.live.session import Session

CHUNK_S = 0.02
"""Sound of a file that is brought at a time, seconds."""

LEAD_S = 0.5
"""Silence in front of a file, seconds: nobody speaks at the moment a microphone goes on."""

CALM_S = 1.5
"""An exchange is over when it has been idle for so long, seconds."""

UNHEARD_S = 15.0
"""After so long nothing in a file was understood, seconds."""

ENDS = ("/quit", "/exit", "/q")
"""Lines that end the conversation."""


class Exchanges:
    """Follows a conversation: how many questions there were, and whether all is over; a watcher."""

    def __init__(self) -> None:
        self.asked = 0
        self._open: set[int] = set()
        self._calm_since: float | None = 0.0

    def __call__(self, event: Event) -> None:
        """Take notice of an event."""
        from rhapsode.conversation.events import Answered, Asked, StateChanged

        now = asyncio.get_running_loop().time()
        if isinstance(event, Asked):
            self.asked += 1
            self._open.add(event.turn)
        elif isinstance(event, Answered):
            self._open.discard(event.turn)
            self._calm_since = now
        elif isinstance(event, StateChanged):
            self._calm_since = now if event.state == "idle" else None

    def over(self) -> bool:
        """Tell whether every question is answered and nothing has gone on for a while."""
        calm = self._calm_since
        return not self._open and calm is not None and asyncio.get_running_loop().time() - calm > CALM_S

    async def settled(self) -> None:
        """Return once every question is answered."""
        while self._open:
            await asyncio.sleep(0.05)


Ears = Callable[["Conversation", Exchanges], Any]
"""Asks a conversation until there is nothing more to ask; a coroutine function."""


class PlayedFiles:
    """Plays sound files into the microphone in real time, each once the one before it is answered.

    Args:
        paths: of sound or video files.

    Raises:
        AudioError: one cannot be read, or holds no sound.

    """

    def __init__(self, paths: Sequence[Path]) -> None:
        from rhapsode.sources import FileSource

        self._paths = list(paths)
        for path in self._paths:
            FileSource(path)

    async def __call__(self, conversation: Conversation, exchanges: Exchanges) -> None:
        """Ask.

        Raises:
            AudioError: nothing in a file was understood.

        """
        for path in self._paths:
            before = exchanges.asked
            samples, rate = await asyncio.get_running_loop().run_in_executor(None, _read, path)
            conversation.listen(rate)
            await self._play(conversation, samples, rate, partial(_answered, exchanges, before))
            if exchanges.asked == before:
                raise AudioError(
                    f"nothing was understood in {path}; check that it holds speech in --language"
                )

    async def _play(
        self, conversation: Conversation, samples: Float32, rate: int, done: Callable[[], bool]
    ) -> None:
        loop, step = asyncio.get_running_loop(), round(rate * CHUNK_S)
        begin, at, silence = loop.time(), 0, np.zeros(step, np.float32)
        end = len(samples) / rate + UNHEARD_S
        while at < len(samples) or not done():
            chunk = samples[at : at + step]
            conversation.hear(chunk if len(chunk) else silence)
            at += step
            if at / rate > end and conversation.state == "idle":
                return
            await asyncio.sleep(max(begin + at / rate - loop.time(), 0))


def _answered(exchanges: Exchanges, before: int) -> bool:
    return exchanges.asked > before and exchanges.over()


def _read(path: Path) -> tuple[Float32, int]:
    from rhapsode.sources import FileSource

    blocks = [sound for sound, _ in FileSource(path).blocks()]
    rate = blocks[0].sample_rate
    samples = np.concatenate([np.zeros(round(LEAD_S * rate), np.float32), *(one.mono() for one in blocks)])
    return samples, rate


class Spoken:
    """Asks by a microphone of this machine; the keyboard helps where there is one.

    Args:
        device: part of its name, or its number; empty for the system's choice.

    Raises:
        MissingExtraError: sounddevice, or PortAudio below it, is not installed.

    """

    def __init__(self, device: str = "") -> None:
        from rhapsode.live.sources.microphone import Microphone

        self._microphone = Microphone(device or None)

    async def __call__(self, conversation: Conversation, exchanges: Exchanges) -> None:
        """Ask until cancelled, or until the keyboard ends it.

        Raises:
            AudioError: there is no such microphone, or it was taken away.

        """
        jobs = [asyncio.ensure_future(self._microphone.run(cast("Session", _Heard(conversation))))]
        if sys.stdin.isatty():
            jobs.append(asyncio.ensure_future(Typed()(conversation, exchanges)))
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in done:
                job.result()
        finally:
            for job in jobs:
                job.cancel()


class _Heard:
    """Gives a conversation what a microphone brings to a session."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.hear, self.deafen = conversation.hear, conversation.deafen

    def listen(self, sample_rate: int, *, process: object = None) -> None:
        """Turn the microphone on; the settings say how it is cleaned."""
        self._conversation.listen(sample_rate)


class Typed:
    """Asks line by line from standard input; an empty line silences the answer, /quit ends.

    Lines that come out of a file or a pipe wait until the one before them is answered.
    """

    def __init__(self, *, unclear: Callable[[str], None] | None = None) -> None:
        self._unclear = unclear or (lambda _: None)

    async def __call__(self, conversation: Conversation, exchanges: Exchanges) -> None:
        """Ask until the input ends, and its last answer."""
        lines, waits = _lines(), not sys.stdin.isatty()
        while (line := await lines.get()) is not None and line.strip() not in ENDS:
            if not line.strip():
                if not waits:
                    (conversation.interrupt if conversation.state == "speaking" else conversation.end_turn)()
                continue
            try:
                conversation.ask(line)
            except InputError as error:
                self._unclear(str(error))
            if waits:
                await exchanges.settled()
        await exchanges.settled()


def _lines() -> asyncio.Queue[str | None]:
    """Return the lines of standard input as they come; None is its end."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def put(line: str | None) -> None:
        try:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        except RuntimeError:  # the loop is over
            return

    def read() -> None:
        for line in sys.stdin:
            put(line)
        put(None)

    threading.Thread(target=read, name="rhapsode-keyboard", daemon=True).start()
    return lines
