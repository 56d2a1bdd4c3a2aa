"""Stand-ins for vendors' services of Pipecat."""

# mypy: allow-subclassing-any

from __future__ import annotations

import numpy as np
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType


class Ears(FrameProcessor):
    """Hears the same at every pause."""

    def __init__(self, *, text: str = "what a day") -> None:
        super().__init__()
        self._text = text

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame) and self._text:
            await self.push_frame(TranscriptionFrame(self._text, "", "", finalized=True))


class Model(FrameProcessor):
    """Says how many messages it was given, and the last; breaks where it is asked to."""

    texts: tuple[str, ...] = ()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        messages = frame.context.get_messages()
        if messages[-1]["content"] == "break":
            await self.push_error("the vendor is down")
            return
        await self.push_frame(LLMFullResponseStartFrame())
        said = ("[joy] You said ", f"{messages[-1]['content']}. ", f"That makes {len(messages)}.")
        for text in self.texts or said:
            await self.push_frame(LLMTextFrame(text))
        await self.push_frame(LLMFullResponseEndFrame())


class Voice(FrameProcessor):
    """Speaks every piece of text for as many tenths of a second as it has letters."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMTextFrame):
            await self.push_frame(frame, direction)
            return
        y = np.full(1600 * len(frame.text), 8000, np.int16)
        await self.push_frame(TTSTextFrame(frame.text, TextType.SENTENCE))
        await self.push_frame(TTSAudioRawFrame(y.tobytes(), 16_000, 1))
