"""What ``rhapsode say`` speaks: a text with marks, or SSML, as slices with what happens in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from rhapsode.dialogue.marks import Feel, Gesture, Spoken, read_marks
from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Sound, Words
from rhapsode.pipecat.planning import Loose, Planning, Sentence, Silence, Step
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech, moved

if TYPE_CHECKING:
    from rhapsode.face.emotion import Emotion

TAIL_S = 0.5
"""Silence behind the last word where a mark stands there, seconds."""


@dataclass(frozen=True)
class Slice:
    """The next sound.

    Args:
        sound: on the clock of the whole.
        words: in it, seconds on the clock of the whole.
        feelings: from its beginning on; None for what was felt before the first mark. Empty for no change.
        gestures: name of each with the seconds on the clock of the whole at which it begins.
        notes: what a person should know of it.

    """

    sound: Sound
    words: Words
    feelings: tuple[Emotion | None, ...] = ()
    gestures: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Speaking:
    """Speaks a text, with marks such as ``[joy]``, ``[nod]``, ``[pause 0.5]``, or SSML.

    Args:
        text: what to say.
        voices: names, the wanted one first; the others stand in where it fails.
        manner: how.
        language: BCP 47 tag; empty lets the voice tell.
        ssml: whether the text is SSML.

    Raises:
        SpeechError: nothing is to be said, or the SSML cannot be read.

    """

    text: str
    voices: Sequence[str]
    manner: Manner
    language: str = ""
    ssml: bool = False
    _at: Fraction = field(default=Fraction(0), init=False)
    _rate: int = field(default=0, init=False)
    _marks: list[object] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        from rhapsode.speech import load_voice
        from rhapsode.speech.ssml import parse_ssml

        if self.ssml:
            parse_ssml(self.text)
        elif not any(isinstance(step, Sentence) for step in self._steps()):
            raise SpeechError("say needs a text with words in it, got none; write something")
        load_voice(self.voices[0])

    def slices(self) -> Iterator[Slice]:
        """Yield the speech, each slice as soon as it is spoken.

        Raises:
            SpeechError: no voice can say it.

        """
        if self.ssml:
            from rhapsode.speech.ssml import stream_ssml

            for speech in stream_ssml(
                self.text, voice=self.voices[0], manner=self.manner, language=self.language
            ):
                yield self._slice(speech, [])
            return
        for step in self._steps():
            if isinstance(step, Sentence):
                yield from self._sentence(step)
            elif isinstance(step, Silence):
                yield self.silence(step.seconds)
            else:
                self._marks.append(step.mark)
        if self._marks:
            yield self.silence(TAIL_S)

    def _steps(self) -> list[Step]:
        from rhapsode.speech.sentences import Sentences

        planning, steps = Planning(Sentences()), list[Step]()
        for piece in read_marks(self.text):
            steps += planning.text(piece.text) if isinstance(piece, Spoken) else planning.mark(piece)
        return [step for step in (*steps, *planning.end()) if isinstance(step, Sentence | Silence | Loose)]

    def _sentence(self, sentence: Sentence) -> Iterator[Slice]:
        from rhapsode.speech.fallback import speak_with_fallback

        manner = self.manner.then(sentence.manner)
        waiting, done = list(sentence.marks), 0
        for speech in speak_with_fallback(sentence.text, self.voices, manner=manner, language=self.language):
            placed: list[tuple[float, object]] = []
            for word in speech.words.words:
                begin = max(sentence.text.find(word.text, done), done)
                while waiting and waiting[0][0] <= begin:
                    placed.append((word.start_s, waiting.pop(0)[1]))
                done = begin + len(word.text)
            yield self._slice(speech, placed)
        self._marks += [mark for _, mark in waiting]

    @property
    def gestures(self) -> bool:
        """Whether there are any."""
        return not self.ssml and any(isinstance(piece, Gesture) for piece in read_marks(self.text))

    def silence(self, seconds: float) -> Slice:
        """Return silence behind what was spoken."""
        rate = self._rate or 24_000
        sound = Sound(np.zeros((round(seconds * rate), 1), np.float32), rate)
        return self._slice(Speech(sound, Words()), [])

    def _slice(self, speech: Speech, placed: list[tuple[float, object]]) -> Slice:
        """Put ``speech`` behind what was spoken; SSML and sentences begin at zero each, or go on."""
        start_s = float(self._at / CLOCK_HZ)
        local = speech.sound.start
        own_s = float(local / CLOCK_HZ)
        piece = moved(replace(speech), self._at - local, sample_rate=self._rate)
        self._rate = piece.sound.sample_rate
        self._at += Fraction(len(piece.sound.samples) * CLOCK_HZ, self._rate)
        marks = [(start_s, mark) for mark in self._marks]
        marks += [(start_s + seconds - own_s, mark) for seconds, mark in placed]
        self._marks = []
        return Slice(
            piece.sound,
            piece.words,
            tuple(mark.emotion for _, mark in marks if isinstance(mark, Feel)),
            tuple((mark.name, at) for at, mark in marks if isinstance(mark, Gesture)),
            tuple(speech.notes),
        )
