"""The stock client of the Realtime API, which keeps what comes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

openai = pytest.importorskip("openai")


class Caller:
    """A stock connection that keeps what comes."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.got: list[dict[str, Any]] = []

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Return the ``count``-th event of a type."""
        async with asyncio.timeout(15):
            while len(self.all(kind)) < count:
                self.got.append((await self.connection.recv()).to_dict())
        return self.all(kind)[count - 1]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.got if event["type"] == kind]

    @property
    def types(self) -> list[str]:
        """Types in order, repetitions once."""
        names = [event["type"] for event in self.got]
        return [name for k, name in enumerate(names) if not k or names[k - 1] != name]

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.connection.conversation.item.create(item=item)
        await self.connection.response.create()

    async def hear(self, seconds: float, level: float, rate: int = 24_000) -> None:
        y = np.full(round(seconds * rate), level * 32767, "<i2")
        for first in range(0, len(y), rate // 10):
            audio = base64.b64encode(y[first : first + rate // 10].tobytes()).decode()
            await self.connection.input_audio_buffer.append(audio=audio)

    def sound(self, kind: str = "response.output_audio.delta") -> Any:
        raw = b"".join(base64.b64decode(event["delta"]) for event in self.all(kind))
        return np.frombuffer(raw, "<i2") / 32767


@asynccontextmanager
async def calling(url: str, **options: Any) -> AsyncIterator[Caller]:
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=options.pop("key", "x"))
    async with client.realtime.connect(model="rhapsode", **options) as connection:
        caller = Caller(connection)
        await caller.until("session.created")
        yield caller


def call(url: str, scene: Callable[[Caller], Awaitable[None]], **options: Any) -> Caller:
    """Play a scene with a connection of its own."""

    async def run() -> Caller:
        async with calling(url, **options) as caller:
            await scene(caller)
        return caller

    return asyncio.run(run())
