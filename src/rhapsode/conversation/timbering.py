"""The timbre of the settings for a voice of Pipecat's services: converted as it comes, piece by piece."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from copy import copy
from typing import Any

import numpy as np
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    StartFrame,
    SystemFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import MarkFrame, VoiceFrame
from rhapsode.speech.converted_stream import ConvertedStream, Learning

_log = logging.getLogger(__name__)

FIRST_S, PIECE_S = 0.4, 1.0
"""How much sound is converted at a time: at the beginning of an answer, and later. A service brings it faster
than it is heard."""

LEARN_S = 2.0
"""The first answer of a voice begins when so much of it was heard, or it is over: the voice is measured."""


class Timbering(FrameProcessor):
    """Says in another voice what the service before it speaks.

    Args:
        timbre: names the timbre in force; empty for none.
        voice: name of the service, for which the voice is measured once.
        kept: returns what was made for a key, made now if it is not there yet.
        pool: converts.
        failed: told why a voice is heard as it is.

    """

    def __init__(
        self,
        timbre: Callable[[], str],
        voice: str,
        *,
        kept: Callable[[Any, Callable[[], Any]], Any],
        pool: Executor,
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Timbering")
        self._timbre, self._voice, self._kept = timbre, voice, kept
        self._pool, self._failed = pool, failed
        self._told: set[str] = set()
        self._converter: Any = None
        self._for = ""
        self._stream: ConvertedStream | None = None
        self._rate = 0
        self._sound: list[Float32] = []
        self._seconds = 0.0
        self._in = self._out = 0  # samples that came and went since the voice began
        self._waiting: list[tuple[int, Frame]] = []  # what belongs to the sound from a sample on

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._drop()
        elif direction is not FrameDirection.DOWNSTREAM or isinstance(frame, StartFrame | SystemFrame):
            pass
        elif isinstance(frame, VoiceFrame):
            await self._finish()
            if self._timbre():
                made = await self._piece(_mono(frame), frame.sample_rate, True)
                frame = copy(frame)
                frame.audio, frame.num_channels = _bytes(made), 1
                self._stream = None
        elif isinstance(frame, TTSAudioRawFrame):
            if self._timbre():
                await self._take(frame)
                return
        elif self._in > self._out and isinstance(frame, TTSTextFrame | MarkFrame):
            self._waiting.append((self._in, frame))
            return
        else:
            await self._finish()
        await self.push_frame(frame, direction)

    async def _take(self, frame: TTSAudioRawFrame) -> None:
        if self._sound and frame.sample_rate != self._rate:
            await self._finish()
        self._rate = frame.sample_rate
        self._sound.append(_mono(frame))
        self._in += len(self._sound[-1])
        self._seconds += len(self._sound[-1]) / self._rate
        learns = isinstance(self._converter, Learning) and self._converter.profile is None
        unknown = self._for != self._timbre() or learns
        enough = LEARN_S if unknown else FIRST_S if self._stream is None else PIECE_S
        if self._seconds >= enough:
            await self._give(last=False)

    async def _finish(self) -> None:
        """Give out all that waits: the voice pauses."""
        if self._sound or self._stream is not None:
            await self._give(last=True)
        self._drop()

    async def _give(self, *, last: bool) -> None:
        y = np.concatenate([np.zeros(0, np.float32), *self._sound])
        self._sound, self._seconds = [], 0.0
        made, at = await self._piece(y, self._rate, last), self._out
        self._out += len(made)
        while self._waiting and (last or self._waiting[0][0] <= self._out):
            place, frame = self._waiting.pop(0)
            await self._send(made[: place - at])
            made, at = made[place - at :], place
            await self.push_frame(frame)
        await self._send(made)

    async def _send(self, y: Float32) -> None:
        if len(y):
            await self.push_frame(TTSAudioRawFrame(_bytes(y), self._rate, 1))

    async def _piece(self, y: Float32, rate: int, last: bool) -> Float32:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._work, y, rate, last)

    def _work(self, y: Float32, rate: int, last: bool) -> Float32:
        """Convert the next piece; as it is where that fails: the answer shall be spoken."""
        try:
            self._find()
            if isinstance(self._converter, Learning):
                self._converter.hear(y, rate)
            if self._converter is None:
                return y
            self._stream = self._stream or ConvertedStream(self._converter, rate)
            return self._stream.push(y, last=last)
        except Exception as error:  # a converter of another's may fail in any way
            if not isinstance(error, RhapsodeError):
                _log.exception("voice conversion failed")
            why = str(error) or type(error).__name__
            if why not in self._told:
                self._told.add(why)
                asyncio.run_coroutine_threadsafe(self._tell(why), self.get_event_loop())
            return y

    def _find(self) -> None:
        name = self._timbre()
        if name != self._for:
            self._for, self._converter = name, None
            self._converter = self._kept(("timbre", name, self._voice), lambda: _converter(name, self._voice))

    async def _tell(self, why: str) -> None:
        self._failed(f"voice conversion failed: {why}; check speak.timbre")

    def _drop(self) -> None:
        self._sound, self._waiting, self._seconds, self._stream = [], [], 0.0, None
        self._in = self._out = 0


def _converter(name: str, voice: str) -> Any:
    from rhapsode.speech.conversion import named_converter
    from rhapsode.speech.timbre import Timbre

    if (make := named_converter(name)) is not None:
        return make(voice, "")
    return Learning(Timbre.from_file(name))


def _mono(frame: TTSAudioRawFrame) -> Float32:
    y = np.frombuffer(frame.audio, np.int16).astype(np.float32) / np.float32(32768)
    return y if frame.num_channels == 1 else y.reshape(-1, frame.num_channels).mean(axis=1, dtype=np.float32)


def _bytes(y: Float32) -> bytes:
    return (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
