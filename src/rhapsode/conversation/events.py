"""What happens in a conversation, in order, for whoever watches: interfaces, the log, the stage.

Times are seconds of the loop's clock where a field is called ``at``, milliseconds where it ends in ``_ms``.
A turn is a question with its answer; its number counts from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rhapsode.face.emotion import Emotion

State = Literal["idle", "listening", "thinking", "speaking"]


@dataclass(frozen=True)
class StateChanged:
    """What the digital human does now."""

    state: State


@dataclass(frozen=True)
class SpeechStarted:
    """The person began to speak at ``at``."""

    at: float


@dataclass(frozen=True)
class SpeechStopped:
    """The person's turn is over; the speech ended at ``at``, which is earlier than now."""

    at: float


@dataclass(frozen=True)
class Partial:
    """Words recognised so far; they may still change."""

    text: str
    language: str


@dataclass(frozen=True)
class Heard:
    """What the person said is complete, and waits to be answered; fields as those of `Asked`.

    Told in place of `Asked` where the conversation ``holds`` what it hears; the text may be empty.
    """

    text: str
    language: str
    certainty: float = 1.0
    emotion: Emotion | None = None
    emotion_certainty: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A question is complete, spoken or written.

    Args:
        turn: its number.
        text: its words.
        language: BCP 47 tag.
        certainty: of the words, [0, 1].
        spoken: whether it was heard, not written.
        emotion: of the person; None where nobody looked.
        emotion_certainty: [0, 1].

    """

    turn: int
    text: str
    language: str
    certainty: float = 1.0
    spoken: bool = True
    emotion: Emotion | None = None
    emotion_certainty: float = 0.0


@dataclass(frozen=True)
class Answering:
    """It is known where the answer to ``turn`` comes from; fields as `rhapsode.dialogue.turns.Source`."""

    turn: int
    kind: str
    id: str = ""
    score: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class AnswerText:
    """A further piece of the answer's text, without marks, ahead of its sound."""

    turn: int
    text: str


@dataclass(frozen=True)
class Called:
    """The answer to ``turn`` ends in a call of a tool that was offered to it.

    Args:
        turn: its number.
        id: of the call.
        name: of the tool.
        arguments: JSON, as the model wrote it.

    """

    turn: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Shown:
    """Something is to be shown beside the words: a link, or questions that may have been meant."""

    turn: int
    title: str = ""
    url: str = ""
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Felt:
    """The digital human feels or gestures this from about now on."""

    emotion: Emotion | None = None
    gesture: str = ""


@dataclass(frozen=True)
class SpeakingStarted:
    """The first sound of the answer to ``turn`` is heard; ``generation`` is that of the session's items."""

    turn: int
    generation: int


@dataclass(frozen=True)
class Answered:
    """The answer to ``turn`` is over.

    Args:
        turn: its number.
        text: what the listener heard; shorter than what was meant to be said where it was interrupted.
        meant: all that was to be said, as far as it was made.
        language: BCP 47 tag.
        interrupted: whether it was cut off.

    """

    turn: int
    text: str
    meant: str
    language: str
    interrupted: bool


@dataclass(frozen=True)
class Latency:
    """How long ``turn`` took from the end of the person's speech to the first sound.

    Args:
        turn: its number.
        total_ms: the whole.
        stages_ms: name of a stage to its share: "turn_end", "recognise", "think", "speak", "perform".

    """

    turn: int
    total_ms: float
    stages_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """Something could not be done; the conversation goes on.

    Args:
        part: "hear", "think", "speak" or "remember".
        message: for a person: what, got, expected, remedy.

    """

    part: Literal["hear", "think", "speak", "remember"]
    message: str


Event = (
    StateChanged
    | SpeechStarted
    | SpeechStopped
    | Partial
    | Heard
    | Asked
    | Answering
    | AnswerText
    | Called
    | Shown
    | Felt
    | SpeakingStarted
    | Answered
    | Latency
    | Fault
)
