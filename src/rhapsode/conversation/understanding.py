"""What a turn of the person means: a question, a "stop", an "mm-hm", the rest of a sentence, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rhapsode.conversation.backchannels import is_backchannel, is_stop
from rhapsode.conversation.events import SpeechStarted, SpeechStopped
from rhapsode.conversation.exchange import Exchange
from rhapsode.dialogue.turns import Question
from rhapsode.pipecat.frames import TurnEndFrame
from rhapsode.pipecat.turns import Told

MISSED = 2
"""After so many turns without a word in a row the person is asked to say it again."""


class Says(Protocol):
    """Speaks a text in a language."""

    def __call__(self, text: str, *, language: str = "") -> object:
        """Speak ``text``."""
        ...


@dataclass(frozen=True)
class Replies:
    """What the digital human can do about a turn.

    Args:
        ask: answers a question; with the loop's times at which its sound ended, its end was known, its words
            were there.
        say: speaks a text.
        interrupt: falls silent.
        again: asks the person to say it again.
        hush: ends the answer under way, before the interruption has gone round.

    """

    ask: Callable[[Question, float, float, float], None]
    say: Says
    interrupt: Callable[[], None]
    again: Callable[[], None]
    hush: Callable[[], None]


class Understanding:
    """Takes what the ears tell, and decides what follows from the words of a turn.

    Args:
        exchange: knows who has the turn and what was broken off.
        replies: what can be done.
        language: returns the one that is most likely spoken.

    Attributes:
        told: what the ears tell.
        holds: whether somebody else decides: words are told as `rhapsode.conversation.events.Heard`.

    """

    def __init__(self, exchange: Exchange, replies: Replies, *, language: Callable[[], str]) -> None:
        self._exchange, self._replies, self._language = exchange, replies, language
        self.told = Told(self._started, self._taken, stopped=self._stopped, silent=self._silent)
        self.holds = False
        self._missed = 0

    def _started(self, at: float) -> None:
        self._exchange.tell(SpeechStarted(at))

    def _taken(self) -> None:
        self._exchange.taken()
        self._replies.hush()

    def _stopped(self, at: float, turn: bool) -> None:
        self._exchange.tell(SpeechStopped(at))
        if turn:
            self._exchange.given()

    def _silent(self) -> None:
        """Take a turn in which nobody spoke: somebody else may wait for its words."""
        if self.holds:
            self._exchange.heard(Question("", self._language()))

    def complete(self, question: Question, end: TurnEndFrame, words_at: float) -> None:
        """Take a turn that is over, whose words are there."""
        if not self.holds:
            self._answer(question, end, words_at)
        elif question.text or not end.aside:
            self._exchange.heard(question)

    def _answer(self, question: Question, end: TurnEndFrame, words_at: float) -> None:
        exchange, broken = self._exchange, self._exchange.broken
        if is_stop(question.text) and (broken or exchange.busy == "speaking"):
            exchange.broken = None
            self._replies.interrupt()
            return
        noise = not question.text or (is_backchannel(question.text) and not (broken and broken.asks))
        if noise and end.aside and exchange.busy == "speaking":
            return
        exchange.broken = None
        if noise and broken is not None and not exchange.listening:
            exchange.nothing_heard()  # nobody meant to interrupt: what is left is said
            if broken.rest:
                self._replies.say(broken.rest, language=broken.language)
            return
        if not question.text:
            self._miss(end, words_at)
            return
        self._missed = 0
        if exchange.listening:
            if not end.aside:
                exchange.hold(question)
            return
        self._replies.ask(question, end.ended_at, end.decided_at, words_at)

    def _miss(self, end: TurnEndFrame, words_at: float) -> None:
        """Take a turn without words; what was held before is asked now."""
        if end.aside or self._exchange.listening or self._exchange.busy != "idle":
            return
        if (held := self._exchange.nothing_heard()) is not None:
            self._replies.ask(held, end.ended_at, end.decided_at, words_at)
            return
        self._missed += 1
        if self._missed >= MISSED:
            self._missed = 0
            self._replies.again()
