"""Smart Turn v3, as Pipecat carries it: whether somebody who pauses has said what they meant to say."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any

from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

RATE = 16_000

SEEN_S = 8
"""The network looks at so much of the turn's end, seconds."""


class SmartTurn:
    """Judges turns of one conversation, one at a time; about 60 ms on one core.

    Args:
        pool: a thread of it loads the network.

    """

    def __init__(self, pool: Executor) -> None:
        self._loading = pool.submit(LocalSmartTurnAnalyzerV3)
        self._analyzer: Any = None

    async def complete(self, audio: bytes) -> bool:
        """Judge 16-bit sound at 16 kHz of the turn so far, which ends with a pause."""
        if self._analyzer is None:
            self._analyzer = await asyncio.wrap_future(self._loading)
            self._analyzer.set_sample_rate(RATE)
        analyzer = self._analyzer
        analyzer.clear()
        analyzer.append_audio(audio[-SEEN_S * RATE * 2 :], True)
        state, _ = await analyzer.analyze_end_of_turn()
        return bool(state == EndOfTurnState.COMPLETE)
