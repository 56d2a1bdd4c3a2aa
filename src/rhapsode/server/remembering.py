"""What a server keeps of its conversations: nothing without the setting, sound only with its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rhapsode.conversation.events import Event, Fault
from rhapsode.dialogue.log.following import ConversationLog
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.places import data_folder
from rhapsode.server.remembering_sound import TurnSounds
from rhapsode.settings import Remember, Settings

if TYPE_CHECKING:
    from rhapsode.dialogue.log.database import Database
    from rhapsode.server.talk import Talk

log = logging.getLogger(__name__)


class Memory:
    """The database of a server's conversations, as the settings name it.

    Args:
        settings: tells those that hold now.

    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._writer: LogWriter | None = None
        self._database: tuple[str, Database] | None = None
        self._lock = threading.Lock()
        self._keepings: set[Keeping] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def remember(self) -> Remember:
        """What is kept now."""
        return self._settings().remember

    def start(self) -> None:
        """Delete what is too old, today and every day."""
        remember = self.remember
        there = bool(remember.url) or _own_file().is_file()
        if there and remember.days is not None:
            self._current(remember).purge()

    def writer(self) -> LogWriter | None:
        """Return what writes now; None where nothing is kept. Called on the loop."""
        remember = self.remember
        if not remember.conversations:
            if self._writer is not None and self._writer.remember.conversations:
                self._writer.end()
                self._writer = None
            return None
        self._loop = asyncio.get_running_loop()
        return self._current(remember)

    def database(self) -> Database | None:
        """Return the database, to be read, in a thread; None where there is none yet.

        Raises:
            RhapsodeError: it cannot be had.

        """
        from rhapsode.dialogue.log.database import exists, open_database

        url = self.remember.url
        with self._lock:
            if not exists(url):
                return None
            if self._database is None or self._database[0] != url or self._database[1].gone:
                self._drop()
                self._database = (url, open_database(url))
            return self._database[1]

    def join(self, keeping: Keeping) -> None:
        """Tell ``keeping`` what cannot be kept."""
        self._keepings.add(keeping)

    def leave(self, keeping: Keeping) -> None:
        """Tell ``keeping`` nothing more."""
        self._keepings.discard(keeping)

    def close(self) -> None:
        """Write what waits, as far as that goes, and let go of the database."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        with self._lock:
            self._drop()

    def _current(self, remember: Remember) -> LogWriter:
        if self._writer is None or self._writer.remember != remember:
            if self._writer is not None:
                self._writer.end()
            self._writer = LogWriter(remember.url, remember, trouble=self._trouble)
        return self._writer

    def _drop(self) -> None:
        if self._database is not None:
            self._database[1].close()
            self._database = None

    def _trouble(self, message: str) -> None:
        """Tell all conversations, from whichever thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, message)

    def _tell(self, message: str) -> None:
        for keeping in list(self._keepings):
            keeping.trouble(message)


class Keeping:
    """Follows the conversation of one session: its events, its microphone, its answers.

    Args:
        memory: of the server.
        session: that converses.
        talk: its conversation.
        person: tells who asks, as the embedding program knows them.

    """

    def __init__(self, memory: Memory, session: Session, talk: Talk, person: Callable[[], str]) -> None:
        self._memory, self._session, self._talk, self._person = memory, session, talk, person
        self._writer: LogWriter | None = None
        self._log: ConversationLog | None = None
        self._sounds = TurnSounds(session)
        self._failed = False
        self._stop = talk.watch(self)
        talk.tap = self._hear
        memory.join(self)

    def __call__(self, event: Event) -> None:
        """Take notice of an event; never raises."""
        try:
            if (kept := self._current()) is not None:
                kept(event)
                if kept.keeps_sound:
                    self._sounds.take(kept, event)
        except Exception:
            if not self._failed:
                self._failed = True
                log.exception("not all of a conversation is kept")
                self.trouble(
                    "not all of the conversation is kept, by a fault of the server; its log says more"
                )

    def trouble(self, message: str) -> None:
        """Tell those who watch the conversation, where there is one, that it cannot be kept."""
        if self._log is not None:
            self._talk.fail(Fault("remember", message))

    def close(self) -> None:
        """Keep nothing more."""
        self._stop()
        self._talk.tap = None
        self._memory.leave(self)
        self._sounds.close()
        if self._log is not None:
            self._log.end()

    def _current(self) -> ConversationLog | None:
        writer = self._memory.writer()
        if writer is not self._writer:
            if self._log is not None:
                self._log.end()
            self._writer = writer
            self._log = None if writer is None else writer.begin(self._session.id, self._person())
            self._sounds.listen(self._log is not None and self._log.keeps_sound)
        return self._log

    def _hear(self, chunk: Float32, sample_rate: int) -> None:
        if self._memory.remember.conversations and self._memory.remember.sound:
            self._sounds.hear(chunk, sample_rate)


def _own_file() -> Path:
    return data_folder("conversations.sqlite3")
