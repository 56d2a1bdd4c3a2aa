"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from types import TracebackType
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from rhapsode.client.http import GONE, ClientError, Http
from rhapsode.client.shapes import Answer, Event
from rhapsode.client.wire import News, Wire
from rhapsode.performance import Float32
from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket

PACKET_S, EARLY_S = 0.1, 0.5
"""Longest packet of sound that is sent, and how much of it may be sent too early."""

SETTLE_S = 0.1
"""How long after the last sound a turn is over."""

Chunk = NDArray[np.float32] | NDArray[np.int16] | bytes
"""Sound of one channel: float32 in [-1, 1], int16, or bytes of little-endian int16."""


class AsyncClient:
    """Finds and opens sessions of one server.

    Args:
        url: of the server.
        token: that it wants; empty for none.

    Raises:
        ClientError: the address is none.

    """

    def __init__(self, url: str = "http://127.0.0.1:8420", *, token: str = "") -> None:
        self._http = Http(url, token)

    def session(self, known: str = "", *, language: str = "", person: str = "") -> AsyncSession:
        """Return a session for ``async with``: a new one that ends with it, or that with the id ``known``.

        Args:
            known: id of a session that is there.
            language: that it listens for, as `AsyncSession.listen_for`.
            person: whom a new session talks with, as you know them, for conversations that are kept.

        """
        return AsyncSession(self._http, known, language=language, person=person)

    async def health(self) -> dict[str, Any]:
        """Return how the server is."""
        return dict(await self._http.ask("GET", "/api/health"))

    async def voices(self) -> list[dict[str, Any]]:
        """Return the voices."""
        return list(await self._http.ask("GET", "/api/voices"))

    async def scripts(self) -> list[dict[str, Any]]:
        """Return the scripts."""
        return list(await self._http.ask("GET", "/api/scripts"))


class AsyncSession:
    """One conversation; see `AsyncClient.session`.

    All methods raise `rhapsode.client.ClientError` where the server refuses or is gone.

    Attributes:
        id: of the session, once it is entered.

    """

    def __init__(self, http: Http, known: str = "", *, language: str = "", person: str = "") -> None:
        self._http, self._own, self._language = http, not known, language
        self._person = person
        self.id = known
        self._wire: Wire | None = None

    async def __aenter__(self) -> AsyncSession:
        """Begin."""
        if self._own:
            body = {"language": self._language} if self._language else None
            self.id = (await self._http.ask("POST", f"/api/sessions?person={quote(self._person)}", body))[
                "session"
            ]
        elif self._language:
            await self.listen_for(self._language)
        else:
            await self.look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the connection, and the session if it is its own."""
        if self._wire is not None:
            await self._wire.close()
        if not self._own:
            return
        try:
            await self._http.ask("DELETE", self._path())
        except ClientError as refused:
            if refused.status not in (GONE, 0):  # it ended by itself, or with its server
                raise

    async def look(self) -> dict[str, Any]:
        """Return what the server tells of the session: talk, turns, state, watchers."""
        return dict(await self._http.ask("GET", self._path()))

    async def ask(self, text: str, *, language: str = "", wait: bool = True) -> Answer:
        """Ask a question; return the whole answer once it is over or interrupted.

        Args:
            text: the question.
            language: BCP 47 tag; empty to find out.
            wait: False returns at once, with nothing but the turn.

        """
        body = {"text": text, "language": language, "wait": wait}
        return Answer.of(await self._http.ask("POST", self._path("/ask"), body))

    async def say(self, text: str, *, language: str = "") -> int | None:
        """Let ``text`` be spoken, perhaps with marks; return its turn, None without a conversation."""
        body = {"text": text, "language": language}
        turn: int | None = (await self._http.ask("POST", self._path("/say"), body))["turn"]
        return turn

    async def interrupt(self) -> None:
        """Silence whatever is performed."""
        await self._http.ask("POST", self._path("/interrupt"))

    async def forget(self) -> None:
        """Empty the history."""
        await self._http.ask("POST", self._path("/forget"))

    async def listen_for(self, language: str) -> None:
        """Say what language is spoken in this session, whatever others speak with the same server.

        Args:
            language: BCP 47 tag; "auto" lets the server find out; empty leaves it to the server's settings.

        """
        await self._http.ask("PATCH", self._path(), {"language": language})

    async def watch(self) -> tuple[str, ...]:
        """Connect, so that iterators made before miss nothing; return the 61 names of what `curves` yields.

        Iterators connect by themselves when they are first asked.
        """
        await self._line.open()
        return self._line.names

    def events(self) -> AsyncIterator[Event]:
        """Yield what happens, from now on until the session ends."""
        return self._line.news(lambda news: news if isinstance(news, Event) else None)

    def curves(self) -> AsyncIterator[CurvesPacket]:
        """Yield curve frames from now on, (T, 61) each, up to 10 s before they are due.

        Those of an older ``generation`` than the newest are dead: something interrupted them.
        """
        return self._line.news(lambda news: news if isinstance(news, CurvesPacket) else None)

    def performance(self) -> AsyncIterator[News]:
        """Yield sound, curve frames and events from now on, in the order in which they come."""
        return self._line.news(lambda news: news)

    async def listen(
        self, chunks: Iterable[Chunk] | AsyncIterable[Chunk], *, sample_rate: int = 16_000
    ) -> None:
        """Let the conversation hear a microphone until ``chunks`` end, which ends the person's turn.

        Args:
            chunks: of sound; those that come faster than they were spoken are sent at that pace.
            sample_rate: Hz, in [8000, 192000].

        """
        loop = asyncio.get_running_loop()
        step, due = round(PACKET_S * sample_rate), float("-inf")
        await self._line.send({"type": "mic", "on": True, "sample_rate": sample_rate, "to": "talk"})
        async for sound in _pieces(chunks, step):
            due = max(due, loop.time() - EARLY_S) + len(sound) / sample_rate
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            await self._line.send(bytes(SoundPacket(0, 0, sound, sample_rate)))
        await asyncio.sleep(max(due - loop.time(), 0.0) + SETTLE_S)
        await self._line.send({"type": "end_turn"})
        await self._line.send({"type": "mic", "on": False})

    @property
    def _line(self) -> Wire:
        if self._wire is None:
            self._wire = Wire(self._http, self.id)
        return self._wire

    def _path(self, more: str = "") -> str:
        return f"/api/sessions/{self.id}{more}"


async def _pieces(chunks: Iterable[Chunk] | AsyncIterable[Chunk], step: int) -> AsyncIterator[Float32]:
    """Yield ``chunks`` as float32, at most ``step`` samples each."""
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            for piece in _cut(chunk, step):
                yield piece
        return
    coming = iter(chunks)
    while (next_one := await asyncio.to_thread(lambda: next(coming, None))) is not None:
        for piece in _cut(next_one, step):
            yield piece


def _cut(chunk: Chunk, step: int) -> list[Float32]:
    if isinstance(chunk, bytes | bytearray | memoryview):
        chunk = np.frombuffer(chunk, "<i2")
    whole = chunk.dtype.kind == "i"
    sound = chunk.astype(np.float32).reshape(-1) / np.float32(32768.0 if whole else 1.0)
    return [sound[first : first + step] for first in range(0, len(sound), step)]
