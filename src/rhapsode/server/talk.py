"""The conversation of a place: made at first need, told to all who watch, ended with the place."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from rhapsode.conversation.events import Event, Fault
from rhapsode.dialogue.turns import Turn
from rhapsode.errors import RhapsodeError
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.server.talk_events import Ring, data_of, name_of, rows
from rhapsode.server.talking import Converses, Talking
from rhapsode.settings import Settings

log = logging.getLogger(__name__)

EARLY_S = 4.5
"""Sound that waits while a conversation is made; of more the oldest is lost."""


class Talk:
    """Owns at most one conversation.

    Args:
        session: that converses.
        talking: what all conversations share.
        pool: threads for what takes long, such as imports.
        tell: takes messages for everybody who watches.

    Attributes:
        ring: the newest events.
        adjust: what this conversation has of its own in the settings.
        arrange: what it has of its own beside them; given every conversation that begins, and at `apply`.
        tap: takes the microphone's sound, (n,), and its rate in Hz, beside the conversation; None for nobody.

    """

    def __init__(
        self, session: Session, talking: Talking, pool: Executor, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._session, self._talking, self._pool, self._tell = session, talking, pool, tell
        self._conversation: Converses | None = None
        self._opening: asyncio.Task[Converses] | None = None
        self._running: asyncio.Task[None] | None = None
        self._readying: asyncio.Task[None] | None = None
        self._watchers: list[Callable[[Event], None]] = []
        self._remembered: tuple[Turn, ...] = ()  # of a conversation that failed
        self._applied: Settings | None = None
        self._microphone: int | None = None
        self._early: deque[Float32] = deque()
        self._language = ""
        self.ring = Ring()
        self.tap: Callable[[Float32, int], None] | None = None
        self.release()
        talking.join(self)

    @property
    def available(self) -> bool:
        """Whether a conversation can be had."""
        return not self._talking.why_not

    @property
    def facts(self) -> dict[str, Any]:
        """What clients are told of it before it begins."""
        return {**self._talking.facts(), "language": self._language}

    @property
    def conversation(self) -> Converses | None:
        """The conversation; None where none runs."""
        return self._conversation

    @property
    def settings(self) -> Settings:
        """What it goes by."""
        settings = self._talking.settings
        if self._language:
            hear = settings.hear.model_copy(update={"language": self._language})
            settings = settings.model_copy(update={"hear": hear})
        return self.adjust(settings)

    @property
    def language(self) -> str:
        """The language that it listens for: BCP 47 tag, "auto" to find out, empty for the settings' own."""
        return self._language

    @language.setter
    def language(self, tag: str) -> None:
        self._language = tag
        self.apply()

    async def open(self) -> Converses:
        """Return the conversation, made if there is none; what it is asked waits until it is ready.

        Raises:
            RhapsodeError: it cannot be had; the next call tries again.

        """
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    def listen(self, sample_rate: int) -> None:
        """Turn the microphone on, now or once the conversation is there."""
        self._microphone = sample_rate
        if self._conversation is not None:
            self._conversation.listen(sample_rate)

    def hear(self, chunk: Float32) -> None:
        """Take sound of the microphone, (n,); some of it waits for a conversation that is being made."""
        if self._microphone is None:
            return
        if self.tap is not None:
            self.tap(chunk, self._microphone)
        if self._conversation is not None:
            self._conversation.hear(chunk)
        elif self._opening is not None:
            self._early.append(chunk)
            while sum(map(len, self._early)) > EARLY_S * self._microphone:
                self._early.popleft()

    def deafen(self) -> None:
        """Turn the microphone off."""
        if self._microphone is not None and self._conversation is not None:
            self._conversation.deafen()
        self._microphone = None
        self._early.clear()

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Tell ``watcher`` all events, also those of later conversations; return what ends that."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def fail(self, fault: Fault) -> None:
        """Tell all who watch what could not be done."""
        self._happened(fault)

    def apply(self) -> None:
        """Go by changed settings from the next turn on; a change that cannot be had is told."""
        if self._conversation is None:
            return
        self.arrange(self._conversation)
        if self._applied != self.settings:
            self._applied = self.settings
            try:
                self._conversation.apply(self._applied)
            except RhapsodeError as error:
                self._happened(Fault("think", str(error)))

    def release(self) -> None:
        """Have nothing of its own any more: go by the settings of all."""
        self.adjust: Callable[[Settings], Settings] = lambda settings: settings
        self.arrange: Callable[[Converses], None] = _plain
        self.apply()

    def forget(self) -> None:
        """Empty the history, and tell everybody."""
        self._remembered = ()
        if self._conversation is not None:
            self._conversation.forget()
        self._told("history", self.history())

    def interrupt(self) -> None:
        """Silence whatever is performed."""
        generation = self._session.generation
        if self._conversation is not None:
            self._conversation.interrupt()
        if self._session.generation == generation:
            self._session.interrupt()

    def hush(self) -> None:
        """End an answer, because something else is to be performed."""
        if self._conversation is not None:
            self._conversation.interrupt()

    def history(self) -> dict[str, Any]:
        """Return what was said, and what is done now, as JSON."""
        conversation = self._conversation
        if conversation is None:
            return {"turns": [], "state": "idle"}
        return {"turns": rows(conversation.history), "state": conversation.state}

    def greeting(self) -> dict[str, Any] | None:
        """Return the message for somebody new; None where there is nothing to tell."""
        if self._conversation is None:
            return None
        return {"type": "talk", "event": "history", **self.history()}

    async def close(self) -> None:
        """End the conversation."""
        self._talking.leave(self)
        self.ring.close()
        tasks = [task for task in (self._opening, self._running, self._readying) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._conversation = None

    async def _open(self) -> Converses:
        try:
            self._applied = self.settings
            made = await self._talking.begin(self._session, self._applied, self._pool)
        except BaseException as error:
            self._opening = None
            self._early.clear()
            if isinstance(error, RhapsodeError) or not isinstance(error, Exception):
                raise
            log.error("a conversation could not begin", exc_info=error)
            message = f"the conversation could not begin ({type(error).__name__}: {error}); see the log"
            raise RhapsodeError(message) from error
        if self._remembered:
            made.rewrite(self._remembered)
        self.arrange(made)
        made.watch(self._happened)
        self._conversation = made
        self._running = asyncio.ensure_future(made.run())
        self._running.add_done_callback(self._ended)
        self._readying = asyncio.ensure_future(self._tell_ready(made))
        early, self._early = list(self._early), deque()
        if self._microphone is not None:
            made.listen(self._microphone)
            for chunk in early:
                made.hear(chunk)
        return made

    async def _tell_ready(self, made: Converses) -> None:
        """Let those who opened the microphone know that it is heard."""
        await made.ready.wait()
        self._tell({"type": "talk", "event": "history", **self.history()})

    def _ended(self, running: asyncio.Task[None]) -> None:
        """Take notice that the conversation is over, which only a fault can cause."""
        if self._conversation is not None:
            self._remembered = self._conversation.history
        self._conversation = self._opening = None
        if running.cancelled():
            return
        error = running.exception() or RhapsodeError("the conversation ended; ask again for a new one")
        log.error("a conversation failed", exc_info=error)
        known = isinstance(error, RhapsodeError)
        message = str(error) if known else f"the conversation failed ({type(error).__name__}); ask again"
        self._happened(Fault("think", message))
        self._told("state_changed", {"state": "idle"})

    def _happened(self, event: Event) -> None:
        self._told(name_of(event), data_of(event, asyncio.get_running_loop().time()))
        for watcher in list(self._watchers):
            watcher(event)

    def _told(self, name: str, data: dict[str, Any]) -> None:
        self._tell(self.ring.add(name, data).message)


def _plain(conversation: Converses) -> None:
    """Let a conversation answer all that it hears, with its own tools."""
    conversation.tools, conversation.holds = None, False
