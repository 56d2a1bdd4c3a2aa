"""One thread that writes: what cannot be written now waits, and nobody waits for it."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from rhapsode.dialogue.log.following import ConversationLog
from rhapsode.dialogue.log.rows import Entry, Sound
from rhapsode.errors import RhapsodeError
from rhapsode.settings import Remember

if TYPE_CHECKING:
    from rhapsode.dialogue.log.database import Database

log = logging.getLogger(__name__)

MOST_ENTRIES, MOST_SOUND_BYTES = 20_000, 256 * 2**20
"""So much waits at most; what comes then is lost."""

BATCH, GATHER_S = 500, 0.2
"""Entries of one transaction at most, and how long they are gathered."""

RETRY_S, SLOWEST_RETRY_S = 1.0, 60.0
"""After a failure it is tried again so soon, later twice as late each time up to the second."""

PURGE_S = 24 * 3600.0
"""How often what is too old is deleted; also when the database is opened."""


class LogWriter:
    """Writes conversations into a database, in a thread of its own, which begins with the first that is said.

    Args:
        url: SQLAlchemy URL; empty for the file in the user's data folder.
        remember: what is kept; nothing at all without its ``conversations``.
        trouble: told once, in the thread, when something cannot be written; told again only after it could.
        retry_s: how soon a failure is tried again at first, seconds.

    Attributes:
        lost: entries that were given up.

    """

    def __init__(
        self,
        url: str,
        remember: Remember,
        *,
        trouble: Callable[[str], None] | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        self.remember = remember
        self._url, self._trouble, self._retry_s = url, trouble, retry_s
        self._waiting: queue.Queue[Entry | None] = queue.Queue(MOST_ENTRIES)
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._pending = self._sound_bytes = self.lost = 0
        self._closing = threading.Event()
        self._told = False

    def begin(self, session_id: str, person: str = "") -> ConversationLog:
        """Return what watches a conversation.

        Args:
            session_id: of the live session.
            person: whoever asks, as the embedding program knows them; empty for nobody.

        """
        put = self._put if self.remember.conversations else None
        return ConversationLog(put, session_id, person, sound=self.remember.sound)

    def purge(self) -> None:
        """Begin now, without waiting for words: what is too old is deleted, if there is anything."""
        if self.remember.days is not None:
            with self._lock:
                self._start()

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all is written; return whether it is."""
        with suppress(queue.Full):
            self._waiting.put_nowait(None)  # no more is gathered
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, timeout_s)

    def end(self) -> None:
        """Take nothing more, and end once what waits is written; waits for nothing."""
        self._closing.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def close(self, timeout_s: float = 3.0) -> None:
        """Write what waits, as far as that goes in the time, and end."""
        if self._thread is not None:
            self.flush(timeout_s)
            self.end()
            self._thread.join(timeout_s)
        self.end()

    def _put(self, entry: Entry) -> None:
        size = entry.samples.nbytes if isinstance(entry, Sound) else 0
        with self._lock:
            if self._closing.is_set():
                return
            full = self._sound_bytes + size > MOST_SOUND_BYTES
            if not full:
                try:
                    self._waiting.put_nowait(entry)
                except queue.Full:
                    full = True
            if full:
                self.lost += 1
            else:
                self._pending += 1
                self._sound_bytes += size
            self._start()
        if full and self.lost == 1:
            self._tell("conversations cannot be kept as fast as they come; some of what is said is lost")

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rhapsode-log", daemon=True)
            self._thread.start()

    # In the thread

    def _run(self) -> None:
        batch: list[Entry] = []
        database: Database | None = None
        retry_s, purge_at = self._retry_s, 0.0
        while True:
            try:
                if database is not None and database.gone:
                    database.close()
                    database = None
                if database is None and (batch or self._found()):
                    database, purge_at = self._open(), 0.0
                if database is not None and time.monotonic() >= purge_at:
                    self._purge(database)
                    purge_at = time.monotonic() + PURGE_S
                if batch:
                    assert database is not None
                    self._write(database, batch)
                    batch, retry_s, self._told = [], self._retry_s, False
                if (more := self._gather()) is None:
                    break
                batch = more
            except Exception as error:
                self._failed(error)
                if database is not None:
                    database.close()
                    database = None
                if self._closing.wait(retry_s):
                    break
                retry_s = min(2 * retry_s, SLOWEST_RETRY_S)
        if database is not None:
            database.close()

    def _found(self) -> bool:
        from rhapsode.dialogue.log.database import exists

        return exists(self._url)

    def _open(self) -> Database:
        from rhapsode.dialogue.log.database import open_database

        return open_database(self._url)

    def _purge(self, database: Database) -> None:
        from rhapsode.dialogue.log.removing import purge

        if self.remember.days is not None and (gone := purge(database, self.remember.days)):
            log.info("%d conversations were older than %d days and are deleted", gone, self.remember.days)

    def _write(self, database: Database, batch: list[Entry]) -> None:
        from rhapsode.dialogue.log.applying import apply

        lost = apply(database, batch)
        with self._idle:
            self.lost += lost
            self._pending -= len(batch)
            self._sound_bytes -= sum(one.samples.nbytes for one in batch if isinstance(one, Sound))
            self._idle.notify_all()

    def _gather(self) -> list[Entry] | None:
        """Return what is to be written next; nothing where it is time for something else, None at the end."""
        found: list[Entry] = []
        wait_s, until = PURGE_S, float("inf")
        while len(found) < BATCH:
            if self._closing.is_set() and self._waiting.empty():
                return found or None
            try:
                entry = self._waiting.get(timeout=max(wait_s, 0.0))
            except queue.Empty:
                break
            if entry is None:
                break
            found.append(entry)
            until = min(until, time.monotonic() + GATHER_S)
            wait_s = until - time.monotonic()
        return found

    def _failed(self, error: Exception) -> None:
        if self._told:
            return
        self._told = True
        known = isinstance(error, RhapsodeError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        self._tell(f"{reason}; it is tried again, and what is said meanwhile waits")

    def _tell(self, message: str) -> None:
        log.error("%s", message)
        if self._trouble is not None:
            try:
                self._trouble(message)
            except Exception:
                log.exception("nobody could be told: %s", message)
