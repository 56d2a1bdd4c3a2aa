"""Clients of Audio2Face-3D for tests: NVIDIA's own stubs where they are installed, and plain ones."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from rhapsode.face.direction import Direction
from rhapsode.live.sources.audio2face_grpc import Audio2FaceServer, Door
from rhapsode.performance import Float32
from rhapsode.protocols.audio2face_schema import METHOD, message
from rhapsode.server.audio2face import Audio2FaceService

grpc = pytest.importorskip("grpc")
pytest.importorskip("google.protobuf")

STUBS = "pip install --no-deps nvidia-audio2face-3d==1.3.0 nvidia-ace==1.0.0"
PATH = "/{}/{}".format(*METHOD)

Message = Any


@dataclass(frozen=True)
class Wire:
    """One way of speaking: message classes and how to open a stream."""

    request: Any
    aggregate: Any
    open: Callable[..., Any]


def wire(kind: str) -> Wire:
    """Return NVIDIA's own client, or a plain one."""
    if kind == "own":
        request, answer = message("AudioStream"), message("AnimationDataStream")

        def opened(channel: Any, **options: Any) -> Any:
            call = channel.stream_stream(PATH, request.SerializeToString, answer.FromString)
            return call(**options)

        return Wire(request, message("EmotionAggregate"), opened)
    try:
        messages = importlib.import_module("nvidia_audio2face_3d.messages_pb2")
        stubs = importlib.import_module("nvidia_audio2face_3d.audio2face_pb2_grpc")
    except ImportError:
        pytest.skip(f"NVIDIA's client is not installed; get it with: {STUBS}")
    return Wire(
        messages.AudioWithEmotionStream,
        messages.EmotionAggregate,
        lambda channel, **options: stubs.A2FControllerServiceStub(channel).ProcessAudioStream(**options),
    )


@dataclass
class Heard:
    """What a client got."""

    names: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    weights: Float32 = field(default_factory=lambda: np.zeros((0, 52), np.float32))
    sound: bytes = b""
    sound_times: list[float] = field(default_factory=list)
    emotions: list[Message] = field(default_factory=list)
    header: Message = None
    kinds: list[str] = field(default_factory=list)
    status: Message = None
    code: str = "OK"
    details: str = ""


async def talk(client: Wire, channel: Any, requests: Iterable[Message], **options: Any) -> Heard:
    """Send ``requests`` and read all answers at the same time, as NVIDIA's sample does."""
    stream = client.open(channel, **options)
    writing = asyncio.ensure_future(_write(stream, requests))
    try:
        return await listen(client, stream)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def _write(stream: Any, requests: Iterable[Message]) -> None:
    for request in requests:
        await stream.write(request)


async def listen(client: Wire, stream: Any) -> Heard:
    """Read all answers of a stream."""
    heard, rows = Heard(), []
    try:
        while (answer := await stream.read()) is not grpc.aio.EOF:
            kind = answer.WhichOneof("stream_part")
            heard.kinds.append(kind)
            if kind == "animation_data_stream_header":
                heard.header = answer.animation_data_stream_header
                heard.names = list(heard.header.skel_animation_header.blend_shapes)
            elif kind == "animation_data":
                data = answer.animation_data
                (weights,) = data.skel_animation.blend_shape_weights
                heard.times.append(weights.time_code)
                rows.append(np.array(weights.values, np.float32))
                heard.sound += data.audio.audio_buffer
                heard.sound_times.append(data.audio.time_code)
                if "emotion_aggregate" in data.metadata:
                    packed = data.metadata["emotion_aggregate"]
                    heard.emotions.append(client.aggregate.FromString(packed.value))
            elif kind == "status":
                heard.status = answer.status
    except grpc.aio.AioRpcError as error:
        heard.code, heard.details = error.code().name, error.details()
    if rows:
        heard.weights = np.stack(rows)
    return heard


def head(client: Wire, rate: int = 16_000, channels: int = 1, bits: int = 16) -> Message:
    """Return a header."""
    made = client.request()
    sound = made.audio_stream_header.audio_header
    sound.samples_per_second, sound.channel_count, sound.bits_per_sample = rate, channels, bits
    return made


def part(client: Wire, sound: bytes, emotions: dict[float, dict[str, float]] | None = None) -> Message:
    """Return a piece of sound."""
    made = client.request()
    made.audio_with_emotion.audio_buffer = sound
    for second, levels in (emotions or {}).items():
        made.audio_with_emotion.emotions.add(time_code=second, emotion=levels)
    return made


def end(client: Wire) -> Message:
    """Return the end of the sound."""
    made = client.request()
    made.end_of_audio.SetInParent()
    return made


def clip(client: Wire, sound: bytes, rate: int = 16_000, size: int = 8_000) -> Iterator[Message]:
    """Yield a whole stream."""
    yield head(client, rate)
    for first in range(0, len(sound), size):
        yield part(client, sound[first : first + size])
    yield end(client)


@asynccontextmanager
async def serving(
    direction: Direction | None = None, door: Door | None = None, **limits: Any
) -> AsyncIterator[tuple[Audio2FaceServer, Any]]:
    """Serve on a free port; yield the server and a channel to it."""
    with ThreadPoolExecutor(2) as pool:
        service = Audio2FaceService(pool, direction=direction)
        server = Audio2FaceServer(door or Door(port=0), service.serve, **limits)
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                yield server, channel
        finally:
            await server.stop()


def ask(client: Wire, requests: Any, direction: Direction | None = None, **limits: Any) -> Heard:
    """Serve one client and return what it got."""

    async def scene() -> Heard:
        async with serving(direction, **limits) as (_, channel):
            return await talk(client, channel, requests)

    return asyncio.run(scene())


def pcm(y: Float32) -> bytes:
    """Return sound as it travels."""
    return np.round(y * 32767).astype("<i2").tobytes()


def samples(sound: bytes) -> Float32:
    """Return what the engine gets of it."""
    return np.frombuffer(sound, "<i2").astype(np.float32) / 32768.0
