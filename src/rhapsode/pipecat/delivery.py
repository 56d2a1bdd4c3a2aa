"""What a voice makes of a sentence, piece by piece, as frames with its words and marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rhapsode.performance import CLOCK_HZ, Span, Words
from rhapsode.pipecat.frames import Cue, VoiceFrame
from rhapsode.pipecat.planning import Sentence
from rhapsode.speech.heard import spoken_to
from rhapsode.speech.voice import Speech


class Delivery:
    """Follows how far a sentence is spoken.

    Args:
        sentence: what is spoken.

    Attributes:
        at: how much of its text is.

    """

    def __init__(self, sentence: Sentence) -> None:
        self._sentence = sentence
        self.at = 0

    def frame(self, part: Speech) -> VoiceFrame:
        """Return the next piece of it as a frame, its times counted from its first sample."""
        text, at = self._sentence.text, self.at
        upto = at + spoken_to(text[at:], part.words.words)
        while upto < len(text) and not text[upto].isalnum():
            upto += 1
        upto = len(text) if upto == at == 0 else upto  # a voice that times no words says all at once
        marks = [(place - at, mark) for place, mark in self._sentence.marks if at <= place < upto]
        self.at = upto
        return _frame(part, text[at:upto], marks)


def _frame(part: Speech, text: str, marks: list[tuple[int, object]]) -> VoiceFrame:
    zero = float(part.sound.start) / CLOCK_HZ
    words = Words(_from(part.words.words, zero), _from(part.words.phones, zero))
    y = part.sound.mono()
    audio = (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
    cues = [Cue(_time(words, text, at, len(y) / part.sound.sample_rate), mark) for at, mark in marks]
    return VoiceFrame(audio, part.sound.sample_rate, 1, text=text, words=words, cues=cues)


def _from(spans: tuple[Span, ...], zero: float) -> tuple[Span, ...]:
    return tuple(
        replace(span, start_s=max(span.start_s - zero, 0.0), end_s=max(span.end_s - zero, 0.0))
        for span in spans
    )


def _time(words: Words, text: str, at: int, seconds: float) -> float:
    """Return when the voice reaches character ``at`` of ``text``."""
    if at <= 0:
        return 0.0
    for k, span in enumerate(words.words):
        if spoken_to(text, words.words[: k + 1]) > at:
            return min(max(span.start_s, 0.0), seconds)
    return seconds
