"""A stand-in for the conversation: answers every question with its own words, one word each 0.2 s.

"call NAME VALUE" calls a tool that is offered with {"value": VALUE}; "please call" says a word before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Called,
    Event,
    Heard,
    Latency,
    Partial,
    SpeakingStarted,
    SpeechStarted,
    SpeechStopped,
    State,
    StateChanged,
)
from rhapsode.dialogue.turns import Offer, Question, Turn
from rhapsode.errors import InputError
from rhapsode.face.emotion import Emotion
from rhapsode.live.asked import Speech
from rhapsode.live.engine import Block
from rhapsode.live.items import BeginItem, EndItem, Item
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Float32
from rhapsode.server.talking import Talking
from rhapsode.settings import Settings
from tests.live.fake import FakeEngine

LOUD = 0.05
WORD_S = 0.2


@dataclass
class _Answer:
    turn: int
    words: list[str]
    language: str
    generation: int
    start: int | None = None
    end: int | None = None
    begun: bool = False


class FakeConversation:
    """Speaks "You said: ..." after a question; a loud microphone is speech, 0.5 s of quiet ends it."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session, self.settings = session, settings
        self.ready = asyncio.Event()
        self.tools: Offer | None = None
        self.holds = False
        self.offered: list[Offer | None] = []
        self.felt: list[Emotion | None] = []
        self.engine = FakeEngine()
        self.history: tuple[Turn, ...] = ()
        self.state: State = "idle"
        self.fail: BaseException | None = None
        self.heard_s = self.rate = 0.0
        self._watchers: list[Callable[[Event], None]] = []
        self._answer: _Answer | None = None
        self._turn, self._speech_s, self._quiet_s = 0, 0.0, 0.0

    async def run(self) -> None:
        self.ready.set()
        self.session.attach(self)
        try:
            while self.fail is None:
                await asyncio.sleep(0.02)
                self._follow()
            raise self.fail
        finally:
            self.session.detach(self)

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def listen(self, sample_rate: int) -> None:
        self.rate = sample_rate
        self._speech_s = self._quiet_s = 0.0
        self._enter("listening")

    def deafen(self) -> None:
        self.rate = 0
        self._enter("idle")

    def hear(self, chunk: Float32) -> None:
        assert self.rate, "nobody listens"
        seconds = len(chunk) / self.rate
        self.heard_s += seconds
        if np.abs(chunk).max(initial=0) > LOUD:
            if not self._speech_s:
                self._tell(SpeechStarted(self._now()))
                if self.settings.hear.interruptible:
                    self.interrupt()
            self._speech_s, self._quiet_s = self._speech_s + seconds, 0.0
            if self.settings.hear.partials and 0.35 < self._speech_s < 0.65:
                self._tell(Partial(f"speech of {'some' if self._speech_s < 0.55 else 'more'}", "en"))
        elif self._speech_s:
            self._quiet_s += seconds
            if self._quiet_s >= 0.5 and self.settings.hear.turn != "push":
                self.end_turn()

    def end_turn(self) -> None:
        if not self._speech_s and self.holds:
            self._tell(Heard("", "en"))
        if self._speech_s:
            self._tell(SpeechStopped(self._now() - self._quiet_s))
            text, joy = f"speech of {self._speech_s:.1f} seconds", Emotion(joy=0.4)
            if self.holds:
                self._tell(Heard(text, "en", 0.97, joy, 0.5))
                self._enter("idle")
            else:
                self._begin(text, "en", spoken=True)
        self._speech_s = self._quiet_s = 0.0

    def ask(self, text: str, *, language: str = "") -> int:
        if not text.strip():
            raise InputError("a question must hold words, got an empty one; write something to ask")
        return self._begin(text, language or "en", spoken=False)

    def answer(self, heard: Question) -> int:
        self.felt.append(heard.emotion)
        return self._begin(heard.text, heard.language, spoken=True)

    def go_on(self, *, language: str = "") -> int:
        self.interrupt()
        self._turn += 1
        self.offered.append(self.tools)
        calls = self.history[-1].calls if self.history else ()
        told = " and ".join(f"{call.name} says {call.result}" for call in calls)
        self._tell(Answering(self._turn, "model", "echo"))
        self._speak(f"{told}." if told else "Welcome.", language or "en")
        return self._turn

    async def aside(self, instruction: str, text: str) -> str:
        await asyncio.sleep(0.05)
        if "fail" in text:
            raise InputError("the model is gone; start it")
        return f"{instruction} -> {text}"

    def say(self, text: str, *, language: str = "") -> int:
        if not text.strip():
            raise InputError("a text to speak must hold words, got an empty one; write something to say")
        self.interrupt()
        self._turn += 1
        self._speak(text, language or "en")
        return self._turn

    def interrupt(self) -> None:
        if self._answer is not None:
            self.session.interrupt()
            self._over(interrupted=True)

    def apply(self, settings: Settings) -> None:
        self.settings = settings

    def forget(self) -> None:
        self.history = ()

    def rewrite(self, history: tuple[Turn, ...]) -> None:
        self.history = tuple(history)

    def offer(self, item: Item) -> None:
        if self._answer is None or item.generation != self._answer.generation:
            return
        if isinstance(item, BeginItem):
            self._answer.start = item.start
        elif isinstance(item, EndItem):
            self._answer.end = item.sample

    def interrupted(self, generation: int) -> None:
        pass

    def _begin(self, text: str, language: str, *, spoken: bool) -> int:
        self.interrupt()
        self._turn += 1
        self.history = (*self.history, Turn("user", text, language))
        joy = Emotion(joy=0.4)
        self._tell(Asked(self._turn, text, language, 0.97, spoken, joy, 0.5))
        self._enter("thinking")
        self._tell(Answering(self._turn, "script", "echo", 0.9))
        self.offered.append(self.tools)
        called = text.removeprefix("please ").split(" ", 2)
        if called[0] == "call" and self.tools is not None:
            if text.startswith("please "):
                self._speak("One moment.", language)
            arguments = json.dumps({"value": called[-1]})
            self._tell(Called(self._turn, "call_0", called[1], arguments))
            if self._answer is None:
                self._tell(Answered(self._turn, "", "", language, False))
            return self._turn
        self._speak(f"You said: {text}", language)
        return self._turn

    def _speak(self, text: str, language: str) -> None:
        words = text.split()
        self._answer = _Answer(self._turn, words, language, self.session.generation + 1)
        for k, word in enumerate(words):
            self._tell(AnswerText(self._turn, f" {word}" if k else word))
        self.session.perform(Speech(text, "text", lambda: self._blocks(text)))

    def _blocks(self, text: str) -> Iterator[Block]:
        yield from self.engine.speak(text)

    def _follow(self) -> None:
        answer = self._answer
        if answer is None or answer.start is None:
            return
        at = self.session.timeline.sample_at(self._now())
        if not answer.begun and at >= answer.start:
            answer.begun = True
            self._enter("speaking")
            self._tell(SpeakingStarted(answer.turn, answer.generation))
            self._tell(Latency(answer.turn, 60.0, {"think": 10.0, "speak": 50.0}))
        if answer.end is not None and at >= answer.end:
            self._over(interrupted=False)

    def _over(self, *, interrupted: bool) -> None:
        answer, self._answer = self._answer, None
        assert answer is not None
        heard = answer.words
        if interrupted:
            at = self.session.timeline.sample_at(self._now())
            seconds = 0.0 if answer.start is None else (at - answer.start) / CLOCK_HZ
            heard = answer.words[: max(int(seconds / WORD_S), 0)]
        text, meant = " ".join(heard), " ".join(answer.words)
        self.history = (*self.history, Turn("assistant", text, answer.language, interrupted))
        self._tell(Answered(answer.turn, text, meant, answer.language, interrupted))
        self._enter("listening" if self.rate else "idle")

    def _enter(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._tell(StateChanged(state))

    def _tell(self, event: Event) -> None:
        for watcher in list(self._watchers):
            watcher(event)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class FakeTalking(Talking):
    """Makes fake conversations and keeps them."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings, make=self._fake)
        self.made: list[FakeConversation] = []
        self.refuse: Exception | None = None
        self.takes_s = 0.0

    async def _fake(self, session: Session, settings: Settings, pool: Executor) -> FakeConversation:
        await asyncio.sleep(self.takes_s)
        if self.refuse is not None:
            raise self.refuse
        self.made.append(FakeConversation(session, settings))
        return self.made[-1]
