"""Amazon Polly's voice with its face: speech marks are asked for beside the sound.

Needs Amazon's package: pip install 'pipecat-ai[aws]'.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from typing import Any

import numpy as np
from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame
from pipecat.services.aws.tts import AWSPollyTTSService

from rhapsode.audio.resample import Resampler
from rhapsode.errors import FormatError
from rhapsode.formats.polly import Marks, marks_of
from rhapsode.formats.viseme_stream import VisemeStream
from rhapsode.performance import Float32
from rhapsode.pipecat.faced_sentence import FacedSentence, faced
from rhapsode.pipecat.frames import MarkFrame
from rhapsode.pipecat.marked_text import MarkedText, plain_and_marks

_log = logging.getLogger(__name__)

POLLY_HZ = 16_000
"""The best rate at which Polly gives plain samples."""

PATIENCE_S = 0.3
"""How long the first sound waits for the marks of its sentence; both are asked for at the same time."""

_FAULTS = import_module("botocore.exceptions")
_REFUSED: type[Exception] = _FAULTS.ClientError
_FAILED: tuple[type[Exception], ...] = (_REFUSED, _FAULTS.BotoCoreError)
_UNMARKED: tuple[type[Exception], ...] = (*_FAILED, FormatError)

_CHUNK = 3200
_MARKS = ["sentence", "word", "viseme"]


class PollyFaceTTSService(MarkedText, AWSPollyTTSService):
    """Pipecat's service of Polly, whose sound comes as `VoiceFrame` with words, face and marks.

    Sound is passed on while it comes. Marks are a request of their own, which Amazon bills, too. An engine
    that has none ("generative") is spoken without.

    Args:
        **more: arguments of `AWSPollyTTSService`.

    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"push_text_frames": False, **more})
        self._open = AsyncExitStack()
        self._client: Any = None
        self._told = asyncio.Event()
        self._marked = True  # whether marks can be had
        self._said: tuple[str, float] = ("", 0.0)

    async def cleanup(self) -> None:
        """Close the connection."""
        await super().cleanup()
        self._client = None
        await self._open.aclose()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yield ``text`` spoken, with what belongs to it."""
        plain, marks = plain_and_marks(self.pieces(text))
        if not any(letter.isalnum() for letter in plain):
            for _, mark in marks:
                yield MarkFrame(mark)
            return
        known, before = self._said
        before = before if known == context_id else 0.0  # a context may hold several sentences
        visemes = VisemeStream("polly")
        sentence = FacedSentence(
            plain,
            self.sample_rate,
            mouths=(visemes,),
            marks=marks,
            patience_s=PATIENCE_S if self._marked else 0.0,
        )
        asked = None
        try:
            await self._connected()
            asked = asyncio.ensure_future(self._ask_marks(plain, sentence, visemes, context_id, before))
            async for frame in faced(self._sound(plain, asked), sentence, self._told, context_id):
                yield frame
        except _FAILED as error:
            yield ErrorFrame(f"AWS Polly TTS error: {error}")
        finally:
            self._said = context_id, before + sentence.seconds
            if asked is not None:
                asked.cancel()
                with suppress(asyncio.CancelledError):
                    await asked

    async def _sound(self, text: str, asked: asyncio.Future[None]) -> AsyncGenerator[Frame | None, None]:
        """Yield the sound at the pipeline's rate; its end waits for marks that were asked for."""
        client = await self._connected()
        response = await client.synthesize_speech(
            **self._request(text), OutputFormat="pcm", SampleRate=str(POLLY_HZ)
        )
        await self.start_tts_usage_metrics(text)
        resampler, odd = Resampler(POLLY_HZ, self.sample_rate), b""
        async with response["AudioStream"] as stream:
            async for chunk in stream.iter_chunks(_CHUNK):
                audio, odd = odd + chunk, b""
                if len(audio) % 2:
                    audio, odd = audio[:-1], audio[-1:]
                y = (np.frombuffer(audio, np.int16) / 32768).astype(np.float32)
                yield self._frame(resampler.push(y))
        yield self._frame(resampler.finish())
        await asyncio.wait({asked}, timeout=PATIENCE_S)

    async def _ask_marks(
        self, text: str, sentence: FacedSentence, visemes: VisemeStream, context_id: str, before: float
    ) -> None:
        """Ask for marks, and tell them; without marks the sound is spoken all the same."""
        if not self._marked:
            return
        try:
            client = await self._connected()
            response = await client.synthesize_speech(
                **self._request(text), OutputFormat="json", SpeechMarkTypes=_MARKS
            )
            async with response["AudioStream"] as stream:
                found: Marks = marks_of((await stream.read()).decode())
        except _UNMARKED as error:
            _log.warning("%s: no speech marks, the face follows the sound: %s", self.name, error)
            self._marked = not isinstance(error, _REFUSED)
            return
        for span in found.visemes:
            visemes.push(span.text, span.start_s)
        for word in found.words:
            sentence.word(word.text, word.start_s, word.end_s)
        sentence.all_told(found.end_s)
        self._told.set()
        await self.add_word_timestamps([(w.text, before + w.start_s) for w in found.words], context_id)

    def _request(self, text: str) -> dict[str, Any]:
        settings = self._settings
        asked = {
            "Text": self._construct_ssml(text),
            "TextType": "ssml",
            "VoiceId": settings.voice,
            "Engine": settings.engine,
            "LexiconNames": settings.lexicon_names,
        }
        return {key: value for key, value in asked.items() if value is not None}

    async def _connected(self) -> Any:
        if self._client is None:
            made = self._aws_session.create_client("polly", **self._aws_params)
            self._client = await self._open.enter_async_context(made)
        return self._client

    def _frame(self, y: Float32) -> TTSAudioRawFrame:
        audio = (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
        return TTSAudioRawFrame(audio, self.sample_rate, 1)
