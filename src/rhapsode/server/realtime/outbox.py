"""What a client of the Realtime API is sent, in order, as fast as it reads."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from rhapsode.errors import RhapsodeError

STUCK_S = 20.0
"""A client that takes nothing for so long is let go."""

MOST_BYTES = 16 << 20
"""What may wait for a client: minutes of sound and curves."""

BETA_TYPES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
}
"""How the beta of the API calls events."""


class SlowReaderError(RhapsodeError):
    """A client does not read what it is sent; the connection cannot go on."""


class Outbox:
    """Keeps events until they are sent.

    Args:
        send: sends a text; may wait.
        beta: whether the client speaks the beta of the API.

    """

    def __init__(self, send: Callable[[str], Awaitable[None]], *, beta: bool) -> None:
        self._send, self._beta = send, beta
        self._waiting: deque[tuple[str, str]] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def say(self, kind: str, *, live: str = "", **fields: Any) -> None:
        """Send an event.

        Args:
            kind: its type.
            live: the response that it belongs to, where it is not worth sending once that is cancelled.
            fields: further ones.

        """
        name = BETA_TYPES.get(kind, kind) if self._beta else kind
        event = {"type": name, "event_id": f"event_{secrets.token_hex(10)}", **fields}
        text = json.dumps(event, ensure_ascii=False)
        self._waiting.append((live, text))
        self._bytes += len(text)
        self._news.set()

    def drop(self, live: str) -> None:
        """Forget the sound and curves of a response that are not sent yet."""
        self._waiting = deque(one for one in self._waiting if one[0] != live)
        self._bytes = sum(len(text) for _, text in self._waiting)

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            SlowReaderError: the client does not read.

        """
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                if self._bytes > MOST_BYTES:
                    raise SlowReaderError(f"{self._bytes >> 20} MiB wait to be read; read faster")
                _, text = self._waiting.popleft()
                self._bytes -= len(text)
                try:
                    async with asyncio.timeout(STUCK_S):
                        await self._send(text)
                except TimeoutError:
                    raise SlowReaderError(f"nothing was read for {STUCK_S:g} s") from None
