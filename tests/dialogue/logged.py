"""Conversations as events, for tests of what is kept of them."""

from __future__ import annotations

from pathlib import Path

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Event,
    Fault,
    Felt,
    Latency,
    Shown,
    SpeakingStarted,
    StateChanged,
)
from rhapsode.dialogue.log.following import ConversationLog
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.face.emotion import Emotion
from rhapsode.settings import Remember

KEPT = Remember(conversations=True)


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def turn(number: int, question: str = "Where?", answer: str = "Over there.") -> list[Event]:
    """Return a whole turn that the script answered."""
    return [
        StateChanged("thinking"),
        Asked(number, question, "en", 0.9, True, Emotion(joy=0.4), 0.5),
        Answering(number, "script", "where", 0.83),
        AnswerText(number, answer),
        Felt(Emotion(joy=0.6)),
        Felt(gesture="nod"),
        Latency(number, 840.0, {"turn_end": 400.0, "recognise": 300.0, "think": 20.0, "speak": 120.0}),
        SpeakingStarted(number, 1),
        Answered(number, answer, answer, "en", False),
        StateChanged("idle"),
    ]


def lost(number: int, question: str = "Why?") -> list[Event]:
    """Return a turn that a fallback answered and that was interrupted."""
    return [
        Asked(number, question, "en", spoken=False),
        Answering(number, "fallback", reason="nothing fits: 0.31"),
        SpeakingStarted(number, 2),
        Fault("speak", "the voice failed"),
        Answered(number, "I do", "I do not know.", "en", True),
    ]


def suggested(number: int, question: str = "Cost?") -> list[Event]:
    """Return a turn that a fallback answered with questions that may have been meant."""
    return [
        Asked(number, question, "en"),
        Answering(number, "fallback", score=0.5, reason="nothing fits: 0.5"),
        Shown(number, suggestions=("What does it cost?", "How dear is a loan?")),
        Shown(number, "Prices", "https://example.org/prices"),
        Answered(number, "Did you mean", "Did you mean", "en", False),
    ]


def keep(url: str, *events: Event, person: str = "", remember: Remember = KEPT) -> ConversationLog:
    """Keep one conversation and wait until that is done."""
    writer = LogWriter(url, remember)
    log = writer.begin("session", person)
    for event in events:
        log(event)
    assert writer.flush(60)
    writer.close()
    return log
