"""Frames of a conversation beside those of Pipecat itself; each is one of Pipecat's with something more."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipecat.frames.frames import (
    DataFrame,
    InputAudioRawFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    SystemFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)

from rhapsode.dialogue.turns import Piece, Question, Turn
from rhapsode.performance import Words


@dataclass
class MicrophoneFrame(InputAudioRawFrame):
    """Sound of a microphone.

    Args:
        arrived: the loop's time at which its last sample came in; None where that is not known.
        again: so many samples at its beginning stand for as many at the end of what was told before, a
            multiple of 512: they had been silenced for an echo that is none.

    """

    arrived: float | None = None
    again: int = 0


@dataclass
class EndTurnFrame(SystemFrame):
    """The person's turn is to end now: the button of push-to-talk is released, the microphone is off."""


@dataclass
class PauseFrame(SystemFrame):
    """The person pauses: everything said in the turn so far, to be recognised in case the turn is over.

    Args:
        audio: 16-bit mono sound of the turn from its beginning, 16 kHz.
        number: counts the pauses of a conversation; what is recognised for an older one is stale.
        segment: whether the turn goes on behind it in any case: it is too long to be recognised as a whole.

    """

    audio: bytes = b""
    number: int = 0
    segment: bool = False


@dataclass
class GlimpseFrame(SystemFrame):
    """The person still speaks: the turn so far, to show words while they are spoken.

    Args:
        audio: 16-bit mono sound of the turn from its beginning, 16 kHz.

    """

    audio: bytes = b""


@dataclass
class TurnEndFrame(SystemFrame):
    """The person's turn is over; the pause ``number`` holds its sound.

    Args:
        number: of the pause.
        ended_at: the loop's time at which the speech ended.
        decided_at: the loop's time at which it was known that the turn is over.
        aside: whether it was said while the answer went on, too short to interrupt it by itself.

    """

    number: int = 0
    ended_at: float = 0.0
    decided_at: float = 0.0
    aside: bool = False


@dataclass
class HeardFrame(TranscriptionFrame):
    """The words of a pause.

    Args:
        number: of the pause.
        question: the words with their language and the person's emotion; of an empty text where nothing
            was recognised.
        segment: as `PauseFrame.segment`.

    """

    number: int = 0
    question: Question = field(default_factory=lambda: Question(""))
    segment: bool = False


@dataclass
class QuestionFrame(DataFrame):
    """A question to be answered.

    Args:
        turn: its number.
        question: what was asked.
        history: what was said before.

    """

    turn: int
    question: Question
    history: Sequence[Turn] = ()


@dataclass
class SayFrame(DataFrame):
    """A text to be spoken without thinking, perhaps with marks.

    Args:
        turn: its number.
        text: what to say.
        language: BCP 47 tag.

    """

    turn: int
    text: str
    language: str


@dataclass
class PieceFrame(DataFrame):
    """What a thinker says beside the words: where they come from, what is to be shown."""

    turn: int
    piece: Piece


@dataclass
class AnswerStartFrame(LLMFullResponseStartFrame):
    """The answer to a question begins.

    Args:
        turn: its number.
        language: BCP 47 tag that it is thought to be in.

    """

    turn: int = 0
    language: str = "en"


@dataclass
class AnswerEndFrame(LLMFullResponseEndFrame):
    """All of the answer is there."""

    turn: int = 0


@dataclass
class MarkFrame(DataFrame):
    """A mark at its place between the words: an emotion, a gesture, a pause, a manner of speaking.

    Args:
        mark: as `rhapsode.dialogue.marks` reads it.

    """

    mark: object


@dataclass
class Cue:
    """Something that happens at a moment of the voice.

    Args:
        at: seconds from the first sample of its frame.
        mark: what.

    """

    at: float
    mark: object


@dataclass
class VoiceFrame(TTSAudioRawFrame):
    """A piece of speech with its words.

    Args:
        text: what is spoken, as written.
        words: times count from the first sample of the frame.
        cues: in order of time.

    """

    text: str = ""
    words: Words = field(default_factory=Words)
    cues: Sequence[Cue] = ()


@dataclass
class UnspokenFrame(DataFrame):
    """Words that no voice could speak; they are shown only.

    Args:
        text: the words.

    """

    text: str
