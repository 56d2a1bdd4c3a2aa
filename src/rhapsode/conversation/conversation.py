"""One conversation: a live session that listens, thinks, feels and answers; interrupted at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pipecat.frames.frames import Frame, InterruptionFrame

from rhapsode.conversation.assembly import assemble
from rhapsode.conversation.backchannels import is_backchannel, is_stop
from rhapsode.conversation.background import background
from rhapsode.conversation.ears import Ears
from rhapsode.conversation.events import (
    Answered,
    Asked,
    Event,
    SpeechStarted,
    SpeechStopped,
    State,
    StateChanged,
)
from rhapsode.conversation.exchange import Broken, Exchange
from rhapsode.conversation.resources import Resources
from rhapsode.conversation.running import run_pipeline
from rhapsode.dialogue.turns import Question, Turn
from rhapsode.errors import InputError, RhapsodeError
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, QuestionFrame, SayFrame, TurnEndFrame
from rhapsode.pipecat.performing import Performing, Show
from rhapsode.pipecat.turns import Told
from rhapsode.settings import Settings, Speak

MAX_TEXT = 2000
"""Longest written question and text to speak, characters."""

MISSED = 2
"""After so many turns without a word in a row the person is asked to say it again."""


class Conversation:
    """Gives a session ears, thoughts and a voice.

    Everything but `run` is called on the loop and returns at once.

    Args:
        session: performs; run by its owner.
        settings: how it hears, thinks, speaks.
        resources: what all conversations share; its own where None.

    Attributes:
        ready: set once everything is loaded and the loop runs; what is asked before waits.

    """

    def __init__(self, session: Session, settings: Settings, *, resources: Resources | None = None) -> None:
        self._session, self._settings = session, settings
        self._own = resources is None
        self._resources = resources or Resources()
        self.ready = asyncio.Event()
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._ears = Ears(
            session,
            self._resources.pool,
            lambda: self._resources.cleaners(self._settings.hear),
            self._listen_visibly,
        )
        self._missed = 0
        self._exchange = exchange = Exchange(lambda: asyncio.get_running_loop().time())
        self._performing = Performing(
            session,
            Show(
                exchange.began,
                exchange.due,
                exchange.ended,
                exchange.felt,
                self._gesture,
                exchange.fault("speak"),
            ),
        )
        self._told = Told(self._started, self._taken, lambda: None, self._stopped)
        self._behaviour: Behaviour | None = None
        exchange.watch(self._behave)

    @property
    def settings(self) -> Settings:
        """How it hears, thinks, speaks."""
        return self._settings

    @property
    def history(self) -> tuple[Turn, ...]:
        """What both sides said, as it was heard."""
        return self._exchange.history

    @property
    def state(self) -> State:
        """What the digital human does now."""
        return self._exchange.state

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``watcher`` with every event, on the loop; return what stops that."""
        return self._exchange.watch(watcher)

    def listen(self, sample_rate: int) -> None:
        """Turn the microphone on; `hear` will bring sound at ``sample_rate`` Hz.

        Raises:
            SettingError: the rate cannot be used.

        """
        self._ears.listen(sample_rate)

    def hear(self, chunk: Float32) -> None:
        """Take sound of the microphone, (n,) or (n, channels); dropped where none is on.

        Raises:
            AudioError: it holds samples that are no numbers.

        """
        self._ears.hear(chunk)

    def deafen(self) -> None:
        """Turn the microphone off; what was said so far is a turn."""
        self._ears.deafen()
        self.end_turn()

    def end_turn(self) -> None:
        """End the person's turn now: the button of push-to-talk is released."""
        self._put(EndTurnFrame())

    def ask(self, text: str, *, language: str = "") -> int:
        """Take a written question; it interrupts. Return the number of its turn.

        Args:
            text: the question.
            language: BCP 47 tag; empty to find out.

        Raises:
            InputError: it is empty or too long.

        """
        text, now = _checked(text, "question"), asyncio.get_running_loop().time()
        spoken = language or self._resources.language(text, self._settings, self.history)
        return self._ask(Question(text, spoken), now, now, now, spoken=False)

    def say(self, text: str, *, language: str = "") -> int:
        """Speak ``text`` without thinking; it may hold marks. Return the number of its turn.

        Args:
            text: what to say.
            language: BCP 47 tag; empty to find out.

        Raises:
            InputError: it is empty or too long.

        """
        text = _checked(text, "text to speak")
        spoken = language or self._resources.language(text, self._settings, self.history)
        self._stop()
        turn = self._begin(self._exchange.begin())
        self._put(SayFrame(turn, text, spoken))
        return turn

    def interrupt(self) -> None:
        """Fall silent and close the mouth now; the history keeps what was heard."""
        self._session.interrupt()
        self._stop()

    def apply(self, settings: Settings) -> None:
        """Use ``settings`` from the next turn on."""
        before, self._settings = self._settings.speak, settings
        if self._behaviour is not None:
            self._behaviour.settings = settings.perform
            if _bed(before) != _bed(settings.speak):
                self._resources.pool.submit(self._lay, settings, asyncio.get_running_loop())
        self._resources.pool.submit(self._resources.warm_up, settings)

    def forget(self) -> None:
        """Empty the history."""
        self._exchange.forget()

    def rewrite(self, history: tuple[Turn, ...]) -> None:
        """Remember ``history`` instead: somebody else knows better what was said and heard."""
        self._exchange.rewrite(history)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._load()
        loop = asyncio.get_running_loop()

        def trouble(part: Any, message: str) -> None:
            loop.call_soon_threadsafe(self._exchange.fault(part), message)

        unwatch = self._resources.watch(trouble)
        self._ears.begin()
        self._behaviour = Behaviour(self._session, settings=self._settings.perform)
        parts = assemble(
            self._resources,
            self._exchange,
            self._performing,
            settings=lambda: self._settings,
            told=self._told,
            complete=self._complete,
        )
        try:
            await run_pipeline(parts, self.ready, self._frames.get, self._ears.next)
        finally:
            self.ready.clear()
            self._performing.cut()
            self._exchange.close()
            unwatch()
            self._ears.end()
            self._resources.rest(self)
            self._behaviour.close()
            self._behaviour = None
            self._session.bed = None
            if self._own:
                self._resources.close()

    async def _load(self) -> None:
        """Load what the first turn needs; what cannot be loaded is told, and tried again when needed."""
        faults = await asyncio.get_running_loop().run_in_executor(
            self._resources.pool, self._resources.warm_up, self._settings
        )
        for part, message in faults:
            self._exchange.fault(part)(message)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._resources.pool, self._lay, self._settings, loop)

    def _lay(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """Lay the background under the voice, in a thread; without it where it cannot be read."""
        try:
            bed = background(settings.speak)
        except RhapsodeError as error:
            bed = None
            loop.call_soon_threadsafe(self._exchange.fault("speak"), str(error))
        self._session.bed = bed

    # What the face does

    def _behave(self, event: Event) -> None:
        """Let the face show what goes on."""
        if self._behaviour is None:
            return
        if isinstance(event, StateChanged):
            (self._resources.rest if event.state == "idle" else self._resources.work)(self)
            self._behaviour.state(event.state)
        elif isinstance(event, Asked):
            self._behaviour.mirror(event.emotion)
        elif isinstance(event, Answered):
            self._behaviour.mirror(None)

    def _listen_visibly(self, y: Float32, sample_rate: int) -> None:
        if self._behaviour is not None:
            self._behaviour.hear_person(y, sample_rate)

    def _gesture(self, name: str, sample: int) -> None:
        if self._behaviour is not None and name in self._behaviour.gestures:
            self._behaviour.gesture(name, at=sample)

    # What the ears tell

    def _started(self, at: float) -> None:
        self._exchange.tell(SpeechStarted(at))

    def _taken(self) -> None:
        """The person has the turn: be silent now, before the interruption has gone round."""
        self._exchange.taken()
        self._stop(tell=False)

    def _stopped(self, at: float, turn: bool) -> None:
        self._exchange.tell(SpeechStopped(at))
        if turn:
            self._exchange.given()

    def _complete(self, question: Question, end: TurnEndFrame, words_at: float) -> None:
        """A turn is over and its words are there."""
        exchange, broken = self._exchange, self._exchange.broken
        if is_stop(question.text) and (broken or exchange.busy == "speaking"):
            exchange.broken = None
            self.interrupt()
            return
        noise = not question.text or (is_backchannel(question.text) and not (broken and broken.asks))
        if noise and end.aside and exchange.busy == "speaking":
            return
        if noise and broken is not None and not exchange.listening:
            exchange.broken = None
            self._go_on(broken)
            return
        exchange.broken = None
        if not question.text:
            self._miss(end, words_at)
            return
        self._missed = 0
        if exchange.listening:
            if not end.aside:
                exchange.hold(question)
            return
        self._ask(question, end.ended_at, end.decided_at, words_at, spoken=True)

    def _go_on(self, broken: Broken) -> None:
        """Nobody meant to interrupt: say what is left."""
        self._exchange.nothing_heard()
        if broken.rest:
            self.say(broken.rest, language=broken.language)

    def _miss(self, end: TurnEndFrame, words_at: float) -> None:
        if end.aside or self._exchange.listening or self._exchange.busy != "idle":
            return
        if (held := self._exchange.nothing_heard()) is not None:
            self._ask(held, end.ended_at, end.decided_at, words_at, spoken=True)
            return
        self._missed += 1
        if self._missed >= MISSED:
            self._missed = 0
            language = self._resources.language("", self._settings, self.history)
            self.say(self._resources.line("again", language), language=language)

    def _ask(
        self, question: Question, ended_at: float, decided_at: float, words_at: float, *, spoken: bool
    ) -> int:
        self._stop()
        turn, question = self._exchange.ask(
            question, spoken=spoken, ended_at=ended_at, decided_at=decided_at, words_at=words_at
        )
        self._begin(turn)
        limit = self._settings.think.history
        self._put(QuestionFrame(turn, question, self.history[-limit:] if limit else ()))
        self._exchange.keep(Turn("user", question.text, question.language))
        self._exchange.think()
        return turn

    def _begin(self, turn: int) -> int:
        self._performing.expect(turn)
        return turn

    def _stop(self, *, tell: bool = True) -> None:
        """End the answer under way, if any."""
        if self._exchange.open is None:
            return
        self._performing.cut()
        self._exchange.close()
        if tell:
            self._put(InterruptionFrame())

    def _put(self, frame: Frame) -> None:
        self._frames.put_nowait(frame)


def _bed(speak: Speak) -> tuple[str, float]:
    return speak.background, speak.background_db


def _checked(text: str, what: str) -> str:
    if not text.strip():
        raise InputError(f"a {what} must hold words, got an empty one; write something")
    if len(text) > MAX_TEXT:
        raise InputError(f"a {what} may hold {MAX_TEXT} characters, got {len(text)}; send it in parts")
    return text.strip()
