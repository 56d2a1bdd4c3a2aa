"""What is kept of a conversation in a terminal: what a server keeps, by the same settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

from rhapsode.conversation import Conversation
from rhapsode.conversation.events import Event
from rhapsode.dialogue.log.following import ConversationLog
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.server.remembering_sound import TurnSounds
from rhapsode.settings import Remember


class Keeping:
    """Keeps a conversation where the settings say so: its words, and its sound with the setting for that.

    Args:
        session: that converses.
        conversation: of it.
        remember: what is kept.
        note: told what cannot be kept.

    Attributes:
        heard: the conversation for whoever brings it sound.

    """

    def __init__(
        self, session: Session, conversation: Conversation, remember: Remember, *, note: Callable[[str], None]
    ) -> None:
        self.heard = conversation
        self._writer: LogWriter | None = None
        if not remember.conversations:
            return
        loop = asyncio.get_running_loop()

        def trouble(message: str) -> None:
            loop.call_soon_threadsafe(note, message)

        self._writer = LogWriter(remember.url, remember, trouble=trouble)
        self._log: ConversationLog = self._writer.begin(f"talk-{uuid4().hex[:12]}")
        self._sounds = TurnSounds(session)
        if self._log.keeps_sound:
            self._sounds.listen(True)
            self.heard = cast("Conversation", _Tapped(conversation, self._sounds))
        self._stop = conversation.watch(self._take)

    def close(self) -> None:
        """Write what waits, and keep nothing more."""
        if self._writer is not None:
            self._stop()
            self._sounds.close()
            self._log.end()
            self._writer.close()

    def _take(self, event: Event) -> None:
        self._log(event)
        if self._log.keeps_sound:
            self._sounds.take(self._log, event)


class _Tapped:
    """A conversation whose microphone somebody else hears too."""

    def __init__(self, conversation: Conversation, sounds: TurnSounds) -> None:
        self._conversation, self._sounds = conversation, sounds
        self._rate = 0

    def listen(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._conversation.listen(sample_rate)

    def hear(self, chunk: Float32) -> None:
        self._sounds.hear(chunk, self._rate)
        self._conversation.hear(chunk)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conversation, name)
