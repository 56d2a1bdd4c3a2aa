"""What is asked and what is answered, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rhapsode.face.emotion import Emotion

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Question:
    """What a person said or wrote.

    Args:
        text: as recognised or written.
        language: BCP 47 tag of its language, such as "en" or "zh".
        certainty: of the words, in [0, 1].
        emotion: that the person seems to feel; None where nobody looked.
        emotion_certainty: in [0, 1].

    """

    text: str
    language: str = "en"
    certainty: float = 1.0
    emotion: Emotion | None = None
    emotion_certainty: float = 0.0


@dataclass(frozen=True)
class Turn:
    """One side's words in the history.

    Args:
        role: who.
        text: what the listener really heard; without marks.
        language: BCP 47 tag.
        interrupted: whether it was cut off.

    """

    role: Role
    text: str
    language: str = "en"
    interrupted: bool = False


@dataclass(frozen=True)
class Say:
    """Text to be spoken, perhaps with marks (`rhapsode.dialogue.marks`), which two pieces may cut."""

    text: str


@dataclass(frozen=True)
class Show:
    """Something to be shown beside the words."""

    title: str
    url: str


@dataclass(frozen=True)
class Suggest:
    """Questions that the person may have meant ("did you mean")."""

    questions: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where the answer comes from.

    Args:
        kind: "script", "model" or "fallback".
        id: of the script's entry, or name of the model.
        score: how well it fits, in [0, 1]; None where that is not known.
        reason: why it is a fallback, for the log; never spoken.
        language: BCP 47 tag of the answer; empty for that of the question.

    """

    kind: Literal["script", "model", "fallback"]
    id: str = ""
    score: float | None = None
    reason: str = ""
    language: str = ""


Piece = Say | Show | Suggest | Source


class Thinker(Protocol):
    """Answers questions."""

    def answer(self, question: Question, history: Sequence[Turn]) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece, a `Source` before its first `Say`.

        Closing the iterator ends all work on it. Never raises for what a person, a network or a model can
        cause: a spoken fallback with ``Source("fallback", reason=...)`` stands in.
        """


@dataclass(frozen=True)
class Tool:
    """Something that a language model may call.

    Args:
        name: of the function.
        description: for the model.
        parameters: JSON schema of the arguments.

    """

    name: str
    description: str
    parameters: Mapping[str, object] = field(default_factory=dict)
