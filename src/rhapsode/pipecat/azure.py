"""Azure's voice with its face: visemes, or 55 blendshapes 60 times a second, beside the sound.

Needs Azure's package: pip install 'pipecat-ai[azure]'.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from typing import Any, Literal

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.services.azure.tts import AzureTTSService

from rhapsode.errors import FormatError
from rhapsode.formats.azure_stream import AnimationStream
from rhapsode.formats.viseme_stream import VisemeStream
from rhapsode.pipecat.faced_sentence import PATIENCE_S, FacedSentence, faced
from rhapsode.pipecat.frames import MarkFrame
from rhapsode.pipecat.marked_text import MarkedText, plain_and_marks

_log = logging.getLogger(__name__)

TICKS = 10_000_000
"""Of Azure's clock, a second."""

_ASK = "<mstts:viseme type='FacialExpression'/>"


class AzureFaceTTSService(MarkedText, AzureTTSService):
    """Pipecat's service of Azure, whose sound comes as `VoiceFrame` with words, face and marks.

    Args:
        face: "visemes": the service's viseme events, as mouth; "blendshapes": its 55 blendshapes, where the
            voice has them, else its visemes.
        **more: arguments of `AzureTTSService`.

    """

    def __init__(self, *, face: Literal["visemes", "blendshapes"] = "visemes", **more: Any) -> None:
        if face not in ("visemes", "blendshapes"):
            raise ValueError(f"face must be 'visemes' or 'blendshapes', got '{face}'")
        super().__init__(**more)
        self._face = face
        self._sentence: FacedSentence | None = None
        self._visemes, self._animation = VisemeStream("azure"), AnimationStream()
        self._told = asyncio.Event()
        self._tells = self._animates = (
            True  # whether the last sentence came with a face, and with blendshapes
        )

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Set up the service, and listen to what it tells of the face."""
        await super().setup(setup)
        self._speech_synthesizer.viseme_received.connect(self._handle_viseme)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yield ``text`` spoken, with what belongs to it."""
        plain, marks = plain_and_marks(self.pieces(text))
        if not any(letter.isalnum() for letter in plain):
            for _, mark in marks:
                yield MarkFrame(mark)
            return
        self._visemes, self._animation = VisemeStream("azure"), AnimationStream()
        animates = self._animates and self._face == "blendshapes"
        mouths = (self._animation, self._visemes) if animates else (self._visemes, self._animation)
        self._sentence = sentence = FacedSentence(
            plain,
            self.sample_rate,
            mouths=mouths,
            marks=marks,
            patience_s=PATIENCE_S if self._tells else 0.0,
        )
        try:
            async for frame in faced(super().run_tts(plain, context_id), sentence, self._told, context_id):
                yield frame
            self._tells, self._animates = sentence.told, self._animation.known_s > 0
        finally:
            self._sentence = None

    def _construct_ssml(self, text: str) -> str:
        ssml: str = super()._construct_ssml(text)
        return (
            re.sub(r"(<voice\b[^>]*>)", rf"\1{_ASK}", ssml, count=1) if self._face == "blendshapes" else ssml
        )

    # Azure's package calls these in threads of its own

    def _handle_word_boundary(self, evt: Any) -> None:
        super()._handle_word_boundary(evt)
        start, length = evt.audio_offset / TICKS, evt.duration.total_seconds()
        self._tell(lambda sentence: sentence.word(evt.text, start, start + length))

    def _handle_viseme(self, evt: Any) -> None:
        def tell(sentence: FacedSentence) -> None:
            self._visemes.push(f"viseme_{min(max(evt.viseme_id, 0), 21)}", evt.audio_offset / TICKS)
            if evt.animation and self._face == "blendshapes":
                try:
                    self._animation.push(evt.animation)
                except FormatError as error:
                    _log.warning("%s: %s", self.name, error)

        self._tell(tell)

    def _tell(self, what: Any) -> None:
        def tell() -> None:
            if self._sentence is not None:
                what(self._sentence)
                self._told.set()

        self.get_event_loop().call_soon_threadsafe(tell)
