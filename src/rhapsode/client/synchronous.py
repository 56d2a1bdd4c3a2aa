"""The client for programs without asyncio: the same, on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from rhapsode.client.asynchronous import AsyncClient, AsyncSession, Chunk
from rhapsode.client.shapes import Answer, Event
from rhapsode.client.wire import News
from rhapsode.protocols.stage_packets import CurvesPacket

_T = TypeVar("_T")


class _Loop:
    """A loop that runs in a thread from its first job on, until nobody needs it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def do(self, job: Coroutine[Any, Any, _T]) -> _T:
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                weakref.finalize(self, loop.call_soon_threadsafe, loop.stop)
                threading.Thread(target=self._loop.run_forever, daemon=True, name="rhapsode-client").start()
        waited = asyncio.run_coroutine_threadsafe(job, self._loop)
        try:
            return waited.result()
        except BaseException:
            waited.cancel()
            raise

    def iterate(self, source: AsyncIterator[_T]) -> Iterator[_T]:
        async def following() -> tuple[bool, _T | None]:
            try:
                return True, await anext(source)
            except StopAsyncIteration:
                return False, None

        while True:
            there, item = self.do(following())
            if not there:
                return
            yield item  # type: ignore[misc]


class Client:
    """Finds and opens sessions of one server; see `rhapsode.client.AsyncClient`.

    Args:
        url: of the server.
        token: that it wants; empty for none.

    Raises:
        ClientError: the address is none.

    """

    def __init__(self, url: str = "http://127.0.0.1:8420", *, token: str = "") -> None:
        self._client, self._loop = AsyncClient(url, token=token), _Loop()

    def session(self, known: str = "", *, language: str = "", person: str = "") -> Session:
        """Return a session for ``with``: a new one, ended afterwards, or the one with the id ``known``.

        Args:
            known: id of a session that is there.
            language: that it listens for, as `Session.listen_for`.
            person: whom a new session talks with, as you know them, for conversations that are kept.

        """
        return Session(self._client.session(known, language=language, person=person), self._loop)

    def health(self) -> dict[str, Any]:
        """Return how the server is."""
        return self._loop.do(self._client.health())

    def voices(self) -> list[dict[str, Any]]:
        """Return the voices."""
        return self._loop.do(self._client.voices())

    def scripts(self) -> list[dict[str, Any]]:
        """Return the scripts."""
        return self._loop.do(self._client.scripts())


class Session:
    """One conversation; its methods may be called from any thread, also while another one iterates.

    All methods raise `rhapsode.client.ClientError` where the server refuses or is gone.
    """

    def __init__(self, session: AsyncSession, loop: _Loop) -> None:
        self._session, self._loop = session, loop

    def __enter__(self) -> Session:
        """Begin."""
        self._loop.do(self._session.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the connection, and the session if it is its own."""
        self._loop.do(self._session.__aexit__(kind, error, trace))

    @property
    def id(self) -> str:
        """Of the session, once it is entered."""
        return self._session.id

    def look(self) -> dict[str, Any]:
        """Return what the server tells of the session."""
        return self._loop.do(self._session.look())

    def ask(self, text: str, *, language: str = "", wait: bool = True) -> Answer:
        """Ask a question; return the whole answer once it is over, or at once without ``wait``."""
        return self._loop.do(self._session.ask(text, language=language, wait=wait))

    def say(self, text: str, *, language: str = "") -> int | None:
        """Let ``text`` be spoken; return its turn, None without a conversation."""
        return self._loop.do(self._session.say(text, language=language))

    def interrupt(self) -> None:
        """Silence whatever is performed."""
        self._loop.do(self._session.interrupt())

    def forget(self) -> None:
        """Empty the history."""
        self._loop.do(self._session.forget())

    def listen_for(self, language: str) -> None:
        """Say what language is spoken in this session: a BCP 47 tag, "auto", or empty for the settings'."""
        self._loop.do(self._session.listen_for(language))

    def watch(self) -> tuple[str, ...]:
        """Connect; return the names of the 61 channels of what `curves` yields."""
        return self._loop.do(self._session.watch())

    def events(self) -> Iterator[Event]:
        """Yield what happens from this call on until the session ends."""
        return self._following(self._session.events)

    def curves(self) -> Iterator[CurvesPacket]:
        """Yield curve frames from this call on, (T, 61) each, up to 10 s before they are due.

        Those of an older ``generation`` than the newest are dead: something interrupted them.
        """
        return self._following(self._session.curves)

    def performance(self) -> Iterator[News]:
        """Yield sound, curve frames and events from this call on, in the order in which they come."""
        return self._following(self._session.performance)

    def listen(self, chunks: Iterable[Chunk], *, sample_rate: int = 16_000) -> None:
        """Let the conversation hear a microphone until ``chunks`` end, which ends the person's turn."""
        self._loop.do(self._session.listen(chunks, sample_rate=sample_rate))

    def _following(self, make: Callable[[], AsyncIterator[_T]]) -> Iterator[_T]:
        async def begin() -> AsyncIterator[_T]:
            made = make()
            await self._session.watch()
            return made

        return self._loop.iterate(self._loop.do(begin()))
