"""A stand-in for Azure's package: what Pipecat's service and ours use of it.

A word takes `WORD_S`. The metadata of a sentence come first, then its sound, in pieces, each `EVERY_S` after
the one before; ``late_s`` lets visemes come behind their sound. Events are told on the loop.
"""

from __future__ import annotations

import asyncio
import enum
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

RATE = 24_000
WORD_S = 0.4
LEAD_S = 0.1
EVERY_S = 0.02
PIECE_S = 0.2
TICKS = 10_000_000

CancellationReason = enum.Enum("CancellationReason", "Error EndOfStream CancelledByUser")
ResultReason = enum.Enum("ResultReason", "SynthesizingAudioCompleted Canceled")
ServicePropertyChannel = enum.Enum("ServicePropertyChannel", "UriQueryParameter")
SpeechSynthesisOutputFormat = enum.Enum(
    "SpeechSynthesisOutputFormat",
    "Raw8Khz16BitMonoPcm Raw16Khz16BitMonoPcm Raw22050Hz16BitMonoPcm Raw24Khz16BitMonoPcm "
    "Raw44100Hz16BitMonoPcm Raw48Khz16BitMonoPcm",
)


class SpeechConfig:
    def __init__(self, subscription: str, region: str | None = None, endpoint: str | None = None) -> None:
        self.speech_synthesis_language = ""

    def set_speech_synthesis_output_format(self, kind: Any) -> None: ...

    def set_service_property(self, *row: Any) -> None: ...


class Signal:
    def __init__(self) -> None:
        self.told: list[Callable[[Any], None]] = []

    def connect(self, callback: Callable[[Any], None]) -> None:
        self.told.append(callback)

    def __call__(self, **event: Any) -> None:
        for callback in self.told:
            callback(SimpleNamespace(**event))


class SpeechSynthesizer:
    """Speaks; the last one made is `last`."""

    last: SpeechSynthesizer
    late_s = 0.0
    """How long after their sound visemes are told."""

    silent = False
    """Whether nothing is told but sound."""

    animates = True
    """Whether the voice has blendshapes."""

    def __init__(self, speech_config: SpeechConfig, audio_config: None) -> None:
        self.synthesizing, self.synthesis_completed, self.synthesis_canceled = Signal(), Signal(), Signal()
        self.synthesis_word_boundary, self.viseme_received = Signal(), Signal()
        self.asked: list[str] = []
        self.stopped = 0
        self._timers: list[asyncio.TimerHandle] = []
        SpeechSynthesizer.last = self

    def speak_ssml_async(self, ssml: str) -> None:
        self.asked.append(ssml)
        text = re.sub(r"<[^>]*>", "", ssml)
        self._timers = list(self._speak(text, "FacialExpression" in ssml))

    def stop_speaking_async(self) -> Any:
        self.stopped += 1
        for timer in self._timers:
            timer.cancel()
        return SimpleNamespace(get=lambda: None)

    def _speak(self, text: str, animated: bool) -> Iterator[asyncio.TimerHandle]:
        loop, y = asyncio.get_running_loop(), sound(text)
        told: list[tuple[float, Callable[[], None]]] = []
        if not self.silent:
            told += [(EVERY_S, partial(self.synthesis_word_boundary, **event)) for event in words(text)]
            events = visemes(text, animated=animated and self.animates)
            told += [(EVERY_S + self.late_s, partial(self.viseme_received, **event)) for event in events]
        step = round(PIECE_S * RATE)
        for k, first in enumerate(range(0, len(y), step)):
            result = SimpleNamespace(audio_data=y[first : first + step].tobytes())
            told.append(((k + 2) * EVERY_S, partial(self.synthesizing, result=result)))
        done = SimpleNamespace(audio_duration=timedelta(seconds=len(y) / RATE))
        at = max(at for at, _ in told) + EVERY_S
        told.append((at, partial(self.synthesis_completed, result=done)))
        for k, (at, event) in enumerate(told):
            yield loop.call_later(at + 1e-6 * k, event)  # one after another, in their order


def words(text: str) -> list[dict[str, Any]]:
    """Return the word events of a text, punctuation on its own."""
    made: list[dict[str, Any]] = []
    for k, word in enumerate(text.split()):
        bare = word.rstrip(".,!?")
        start, end = (round((LEAD_S + n * WORD_S) * TICKS) for n in (k, k + 1))
        made.append({"text": bare, "audio_offset": start, "duration": timedelta(seconds=WORD_S)})
        if bare != word:
            made.append({"text": word[len(bare) :], "audio_offset": end, "duration": timedelta()})
    return made


def sound(text: str) -> Any:
    """Return the sound of a text, 16-bit."""
    count = len(text.split())
    y = np.zeros(round((LEAD_S + count * WORD_S + 0.2) * RATE), np.int16)
    y[round(LEAD_S * RATE) : round((LEAD_S + count * WORD_S) * RATE)] = 6000
    return y


def visemes(text: str, *, animated: bool = False) -> list[dict[str, Any]]:
    """Return the viseme events of a text: a letter a viseme, chunks of blendshapes with every fifth."""
    events: list[dict[str, Any]] = [{"audio_offset": 0, "viseme_id": 0, "animation": ""}]
    count = len(text.split())
    for k, word in enumerate(text.split()):
        letters = [letter for letter in word.lower() if letter.isalpha()]
        for n, letter in enumerate(letters):
            start_s = LEAD_S + (k + n / len(letters)) * WORD_S
            events.append(
                {"audio_offset": round(start_s * TICKS), "viseme_id": 1 + ord(letter) % 21, "animation": ""}
            )
    end_s = LEAD_S + count * WORD_S
    events.append({"audio_offset": round(end_s * TICKS), "viseme_id": 0, "animation": ""})
    if animated:
        rows = blendshapes(end_s + 0.2)
        size = -(-len(rows) // len(events))
        for k, event in enumerate(events):
            part = rows[k * size : (k + 1) * size]
            if len(part):
                event["animation"] = json.dumps({"FrameIndex": k * size, "BlendShapes": part.tolist()})
    return events


def blendshapes(seconds: float) -> Any:
    """Return (n, 55) values that rise and fall, slower for later channels."""
    time = np.arange(round(seconds * 60)) / 60
    return np.round(0.5 - 0.4 * np.cos(2 * np.pi * time[:, None] / (0.5 + np.arange(55) / 40)), 4)


@contextmanager
def installed() -> Iterator[type[SpeechSynthesizer]]:
    """Put this in the place of Azure's package."""
    names = ("azure", "azure.cognitiveservices", "azure.cognitiveservices.speech")
    users = ("pipecat.services.azure.tts", "rhapsode.pipecat.azure")
    before = {name: sys.modules.pop(name, None) for name in (*names, *users)}
    for name in names:
        sys.modules[name] = ModuleType(name)
    for kind in (
        CancellationReason,
        ResultReason,
        ServicePropertyChannel,
        SpeechSynthesisOutputFormat,
        SpeechConfig,
        SpeechSynthesizer,
    ):
        setattr(sys.modules[names[-1]], kind.__name__, kind)
    try:
        yield SpeechSynthesizer
    finally:
        SpeechSynthesizer.late_s, SpeechSynthesizer.silent, SpeechSynthesizer.animates = 0.0, False, True
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
