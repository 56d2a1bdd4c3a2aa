"""Ears, thoughts and a voice of this product as ordinary services of Pipecat, for pipelines of others.

    Pipeline([transport.input(), vad, RecogniserService(), aggregators.user(), ThinkerService("museum"),
              VoiceService(), Face(to="ws://0.0.0.0:8765"), transport.output(), aggregators.assistant()])

All of them work offline, and load what they need when the pipeline is set up, in threads.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import numpy as np
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.utils.time import time_now_iso8601

from rhapsode.audio.resample import Resampler
from rhapsode.dialogue.marks import MarkReader, Spoken
from rhapsode.dialogue.turns import Question, Say, Thinker, Turn
from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32, as_float32
from rhapsode.pipecat.frames import MarkFrame
from rhapsode.settings.sections import Think

_T = TypeVar("_T")

WHISPER_HZ = 16_000

_END = object()


class RecogniserService(SegmentedSTTService):
    """Our recogniser; it needs voice activity detection before it, as every segmented service does.

    Args:
        name: "whisper-base", "whisper-tiny.en", or a Whisper model of the hub.
        language: BCP 47 tag; "auto" lets it tell.
        languages: that "auto" chooses from; empty for all.
        recogniser: in place of the one that ``name`` names, for products that have their own.
        **more: arguments of `SegmentedSTTService`.

    """

    def __init__(
        self,
        name: str = "whisper-base",
        *,
        language: str = "auto",
        languages: tuple[str, ...] = (),
        recogniser: Any = None,
        **more: Any,
    ) -> None:
        super().__init__(settings=STTSettings(model=name, language=None), ttfs_p99_latency=1.0, **more)
        self._called, self._spoken, self._among = name, language, languages
        self._recogniser = recogniser

    @property
    def wants_wav_segments(self) -> bool:
        """No: plain samples."""
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """Yield the words of ``audio``, 16-bit at the pipeline's rate; nothing where none are heard."""
        y = as_float32(np.frombuffer(audio, np.int16).astype(np.float32) / 32768)
        resampler = Resampler(self.sample_rate, WHISPER_HZ)
        y = np.concatenate([resampler.push(y), resampler.finish()])
        try:
            heard = await asyncio.to_thread(self._recognise, y)
        except RhapsodeError as error:
            yield ErrorFrame(f"nothing can be recognised: {error}")
            return
        if heard.text:
            yield TranscriptionFrame(heard.text, self._user_id, time_now_iso8601(), heard.language or None)

    def _recognise(self, y: Float32) -> Any:
        if self._recogniser is None:
            from rhapsode.speech.recognition import recogniser

            self._recogniser = recogniser(self._called)
        return self._recogniser.transcribe(y, language=self._spoken, languages=self._among)


class ThinkerService(LLMService):
    """Our thinker in the place of a language model: a script, by default without any network.

    It answers the last message of the context; tools of the context are not called. Marks are taken out of
    its answers and go between the words as `MarkFrame`, so that any voice can speak them.

    Args:
        script: path of a script, or name of one that comes with the product.
        language: BCP 47 tag of the questions; "auto" lets them tell.
        settings_of: how it thinks, in place of ``script``.
        thinker: answers, in place of both.
        **more: arguments of `LLMService`.

    """

    def __init__(
        self,
        script: str = "museum",
        *,
        language: str = "auto",
        settings_of: Think | None = None,
        thinker: Thinker | None = None,
        **more: Any,
    ) -> None:
        store: dict[str, Any] = dict.fromkeys(
            ("system_instruction", "temperature", "max_tokens", "top_p", "top_k", "frequency_penalty",
             "presence_penalty", "seed", "filter_incomplete_user_turns", "user_turn_completion_config")
        )  # fmt: skip
        super().__init__(settings=LLMSettings(model=script, **store), **more)
        self._think, self._language = settings_of or Think(script=script), language
        self._thinker = thinker

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; an interruption ends the work on an answer."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        turns = _turns(frame.context.get_messages())
        if not turns or turns[-1].role != "user":
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            await self._answer(turns[-1].text, turns[:-1])
        except RhapsodeError as error:
            await self.push_error(f"no answer can be found: {error}")
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _answer(self, text: str, history: list[Turn]) -> None:
        thinker, language = await asyncio.to_thread(self._ready, text)
        reader = MarkReader()
        async with aclosing(thinker.answer(Question(text, language), history)) as answer:  # type: ignore[type-var]
            async for piece in answer:
                if isinstance(piece, Say):
                    await self._say(reader.push(piece.text))
        await self._say(reader.flush())

    async def _say(self, pieces: list[Any]) -> None:
        for piece in pieces:
            if not isinstance(piece, Spoken):
                await self.push_frame(MarkFrame(piece))
            elif piece.text:
                await self.push_frame(LLMTextFrame(piece.text))

    def _ready(self, text: str) -> tuple[Thinker, str]:
        if self._thinker is None:
            from rhapsode.dialogue.thinkers import make_thinker

            self._thinker = make_thinker(self._think)
        if self._language != "auto":
            return self._thinker, self._language
        from rhapsode.speech.language_id import language_of

        return self._thinker, language_of(text, likely="en").language


def _turns(messages: list[Any]) -> list[Turn]:
    """Return what both sides said; other messages are left out."""
    turns = []
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            content = " ".join(part.get("text", "") for part in content if isinstance(part, dict))
        if role in ("user", "assistant") and content:
            turns.append(Turn(role, content))
    return turns
