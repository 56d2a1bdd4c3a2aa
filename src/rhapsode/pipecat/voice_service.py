"""Our voices as an ordinary service of Pipecat, for pipelines of others."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

import numpy as np
from pipecat.frames.frames import ErrorFrame, Frame
from pipecat.services.settings import TTSSettings

from rhapsode.audio.resample import Resampler
from rhapsode.dialogue.marks import Spoken
from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.pipecat.delivery import Delivery
from rhapsode.pipecat.frames import MarkFrame, VoiceFrame
from rhapsode.pipecat.marked_text import MarkedText
from rhapsode.pipecat.planning import Planning, Sentence, Silence, Step
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech

_T = TypeVar("_T")

_END = object()

_NOTHING = VoiceFrame(b"", 16_000, 1)


class VoiceService(MarkedText):
    """Our voices: `VoiceFrame` with words, phones and marks, and `TTSTextFrame` a word, with its time.

    Marks are not spoken. A feeling colours the voice from its sentence on, a pause is a silence.

    Args:
        voice: name of a voice; "auto" chooses by the language.
        language: BCP 47 tag of what is said; "auto" goes by the text.
        manner: rate, pitch, volume and emotion.
        speaks: in place of the named voice: text, language ("auto" too) and manner to speech.
        **more: arguments of `TTSService`.

    """

    def __init__(
        self,
        voice: str = "auto",
        *,
        language: str = "auto",
        manner: Manner | None = None,
        speaks: Callable[[str, str, Manner], Iterator[Speech]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            push_text_frames=False,
            settings=TTSSettings(model=None, voice=voice, language=None),
            **more,
        )
        self._called, self._spoken, self._manner = voice, language, manner or Manner()
        self._speaks = speaks or self._own
        self._context, self._said_s = "", 0.0
        self._planning = Planning(_Whole())

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yield ``text`` spoken, at the pipeline's rate, piece by piece as it is made."""
        if self._context != context_id:  # a context may hold several sentences
            self._context, self._said_s, self._planning = context_id, 0.0, Planning(_Whole())
        steps: list[Step] = []
        for piece in self.pieces(text):
            steps += (
                self._planning.text(piece.text) if isinstance(piece, Spoken) else self._planning.mark(piece)
            )
        for step in [*steps, *self._planning.end()]:
            if isinstance(step, Sentence):
                async for frame in self._sentence(step, context_id):
                    yield frame
            elif isinstance(step, Silence):
                y = np.zeros(round(step.seconds * self.sample_rate), np.float32)
                yield self._frame(_NOTHING, y, context_id)
            else:
                yield MarkFrame(step.mark)

    async def _sentence(self, sentence: Sentence, context_id: str) -> AsyncGenerator[Frame | None, None]:
        if not any(letter.isalnum() for letter in sentence.text):
            return
        await self.start_tts_usage_metrics(sentence.text)
        resampler: Resampler | None = None
        delivery, before = Delivery(sentence), self._said_s
        manner = self._manner.then(sentence.manner)
        try:
            pieces = await asyncio.to_thread(self._speaks, sentence.text, self._spoken, manner)
            async with aclosing(_in_threads(pieces)) as speech:
                async for piece in speech:
                    resampler = resampler or Resampler(piece.sound.sample_rate, self.sample_rate)
                    words = [(span.text, before + span.start_s) for span in piece.words.words]
                    await self.add_word_timestamps(words, context_id)
                    yield self._frame(delivery.frame(piece), resampler.push(piece.sound.samples), context_id)
            if resampler is not None:
                yield self._frame(_NOTHING, resampler.finish(), context_id)
        except RhapsodeError as error:
            yield ErrorFrame(f"'{sentence.text[:40]}' cannot be spoken: {error}")

    def _frame(self, frame: VoiceFrame, y: Float32, context_id: str) -> VoiceFrame:
        """Return ``frame`` with the sound ``y`` at the pipeline's rate in place of its own."""
        audio = (np.clip(y, -1, 1) * 32767).astype(np.int16).tobytes()
        self._said_s += len(y) / self.sample_rate
        return VoiceFrame(
            audio, self.sample_rate, 1, context_id, text=frame.text, words=frame.words, cues=frame.cues
        )

    def _own(self, text: str, language: str, manner: Manner) -> Iterator[Speech]:
        from rhapsode.speech import DEFAULT_VOICE, voice_for
        from rhapsode.speech.fallback import speak_with_fallback
        from rhapsode.speech.language import script_language

        found = script_language(text, "en") if language == "auto" else language
        name = voice_for(found, {}) if self._called == "auto" else self._called
        return speak_with_fallback(text, (name, DEFAULT_VOICE), manner=manner, language=found)


class _Whole:
    """Cuts nothing: what a service is given is a sentence already."""

    def __init__(self) -> None:
        self._text = ""

    def push(self, text: str) -> list[str]:
        self._text += text
        return []

    def flush(self) -> list[str]:
        text, self._text = self._text, ""
        return [text] if text.strip() else []


async def _in_threads(pieces: Iterator[_T]) -> AsyncGenerator[_T, None]:
    while (piece := await asyncio.to_thread(next, pieces, _END)) is not _END:
        yield piece  # type: ignore[misc]
