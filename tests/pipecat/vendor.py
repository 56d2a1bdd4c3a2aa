"""A vendor that is not there: services on Pipecat's own bases, with a key and settings."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pipecat.frames.frames import Frame, TTSAudioRawFrame
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService


@dataclass
class VendorSettings(TTSSettings):
    speed: float = 1.0


class VendorTTSService(TTSService):
    """A beep for every letter."""

    Settings = VendorSettings

    def __init__(
        self, *, api_key: str, region: str = "", settings: VendorSettings | None = None, **more: Any
    ) -> None:
        kept = settings or VendorSettings(voice="a")
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=kept, **more)
        self.key, self.region, self.kept = api_key, region, kept

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        y = np.full(round(0.1 * 16_000) * len(text), 8000, np.int16)
        yield TTSAudioRawFrame(y.tobytes(), 16_000, 1, context_id=context_id)


class HeirTTSService(VendorTTSService):
    """Passes all on."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)


class VendorLLMService(LLMService):
    """Thinks nothing."""

    def __init__(self, *, api_key: str | None = None) -> None:
        super().__init__()
        self.key = api_key
