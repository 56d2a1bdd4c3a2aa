"""What is asked and what is answered, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rhapsode.face.emotion import Emotion

Role = Literal["user", "assistant"]


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


@dataclass(frozen=True)
class Offer:
    """Tools of whoever asks, beside those of the thinker: a call ends the answer, and they do it.

    Args:
        tools: that may be called.
        choice: "auto", "none" (no tool at all, also none of the thinker's), "required", or the name of the
            one that must be called.

    """

    tools: tuple[Tool, ...] = ()
    choice: str = "auto"


@dataclass(frozen=True)
class Call:
    """A tool that the model wants to be called.

    Args:
        id: that the result names.
        name: of the tool.
        arguments: JSON, as the model wrote it.
        result: what came of it; None while that is not known.

    """

    id: str
    name: str
    arguments: str
    result: str | None = None


@dataclass(frozen=True)
class Question:
    """What a person said or wrote.

    Args:
        text: as recognised or written; empty where the history itself is to be answered: results of calls,
            somebody who arrives.
        language: BCP 47 tag of its language, such as "en" or "zh".
        certainty: of the words, in [0, 1].
        emotion: that the person seems to feel; None where nobody looked.
        emotion_certainty: in [0, 1].
        offer: tools of whoever asks; None for none.

    """

    text: str
    language: str = "en"
    certainty: float = 1.0
    emotion: Emotion | None = None
    emotion_certainty: float = 0.0
    offer: Offer | None = None


@dataclass(frozen=True)
class Turn:
    """One side's words in the history.

    Args:
        role: who.
        text: what the listener really heard; without marks.
        language: BCP 47 tag.
        interrupted: whether it was cut off.
        calls: of tools of whoever asks, which the assistant made behind the text, which may be empty then.

    """

    role: Role
    text: str
    language: str = "en"
    interrupted: bool = False
    calls: tuple[Call, ...] = ()


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


Piece = Say | Show | Suggest | Source | Call
"""A `Call` is one of a tool of the question's offer; nothing but further ones follow."""


class Thinker(Protocol):
    """Answers questions."""

    def answer(self, question: Question, history: Sequence[Turn]) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece, a `Source` before its first `Say`.

        Closing the iterator ends all work on it. Never raises for what a person, a network or a model can
        cause: a spoken fallback with ``Source("fallback", reason=...)`` stands in.
        """
