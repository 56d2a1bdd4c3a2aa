"""A server that speaks as Azure does, for its own package: texts with headers, sound in binary messages."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from tests.pipecat import azure_sdk


def message(path: str, request: str, body: dict[str, Any]) -> str:
    head = f"X-RequestId:{request}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}"
    return f"{head}\r\n\r\n{json.dumps(body)}"


def metadata(text: str, *, animated: bool) -> Iterator[dict[str, Any]]:
    """Yield what is told of words and visemes."""
    for word in azure_sdk.words(text):
        length = round(word["duration"].total_seconds() * azure_sdk.TICKS)
        said = {"Text": word["text"], "Length": len(word["text"]), "BoundaryType": "WordBoundary"}
        data = {"Offset": word["audio_offset"], "Duration": length, "text": said}
        yield {"Type": "WordBoundary", "Data": data}
    for event in azure_sdk.visemes(text, animated=animated):
        viseme = {"Offset": event["audio_offset"], "VisemeId": event["viseme_id"], "IsLastAnimation": True}
        chunk = {"AnimationChunk": event["animation"]} if event["animation"] else {}
        yield {"Type": "Viseme", "Data": {**viseme, **chunk}}


async def answer(socket: ServerConnection, ssml: str, request: str) -> None:
    """Speak what is asked for."""
    text, context = re.sub(r"<[^>]*>", "", ssml).strip(), {"serviceTag": "test"}
    stream = {"context": context, "audio": {"type": "inline", "streamId": "1"}}
    await socket.send(message("turn.start", request, {"context": context}))
    await socket.send(message("response", request, stream))
    for row in metadata(text, animated="FacialExpression" in ssml):
        await socket.send(message("audio.metadata", request, {"Metadata": [row]}))
    y = azure_sdk.sound(text)
    head = f"X-RequestId:{request}\r\nContent-Type:audio/x-wav\r\nX-StreamId:1\r\nPath:audio\r\n".encode()
    for first in range(0, len(y), 4800):
        await socket.send(len(head).to_bytes(2, "big") + head + y[first : first + 4800].tobytes())
    end = {"Type": "SessionEnd", "Data": {"Offset": round(len(y) / azure_sdk.RATE * azure_sdk.TICKS)}}
    await socket.send(message("audio.metadata", request, {"Metadata": [end]}))
    await socket.send(message("turn.end", request, {}))


async def handle(socket: ServerConnection) -> None:
    async for got in socket:
        if isinstance(got, bytes):
            continue
        head, _, body = got.partition("\r\n\r\n")
        fields = {key.lower(): value for key, value in re.findall(r"^(\S+?): ?(\S+)", head, re.MULTILINE)}
        if fields["path"] == "ssml":
            await answer(socket, body, fields["x-requestid"])


@contextmanager
def served() -> Iterator[str]:
    """Serve in a thread; yield the address."""
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), []
    stop = asyncio.Event()

    async def run() -> None:
        async with serve(handle, "127.0.0.1", 0) as server:
            address.append(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/tts")
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
