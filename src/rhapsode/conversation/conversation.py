"""One conversation: a live session that listens, thinks, feels and answers; interrupted at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pipecat.frames.frames import Frame, InterruptionFrame

from rhapsode.conversation.assembly import assemble
from rhapsode.conversation.bearing import Bearing
from rhapsode.conversation.ears import Ears
from rhapsode.conversation.events import Event, State
from rhapsode.conversation.exchange import Exchange
from rhapsode.conversation.resources import Part, Resources
from rhapsode.conversation.running import run_pipeline
from rhapsode.conversation.texts import checked
from rhapsode.conversation.understanding import Replies, Understanding
from rhapsode.dialogue.aside import ask_aside
from rhapsode.dialogue.turns import Offer, Question, Turn
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, QuestionFrame, SayFrame
from rhapsode.pipecat.performing import Performing, Show
from rhapsode.settings import Settings


class Conversation:
    """Gives a session ears, thoughts and a voice.

    Everything but `run` is called on the loop and returns at once.

    Args:
        session: performs; run by its owner.
        settings: how it hears, thinks, speaks.
        resources: what all conversations share; its own where None.

    Attributes:
        ready: set once everything is loaded and the loop runs; what is asked before waits.
        tools: of whoever asks, which a language model may call from the next question on; what it calls
            is told as `rhapsode.conversation.events.Called`, and ends the answer.

    """

    def __init__(self, session: Session, settings: Settings, *, resources: Resources | None = None) -> None:
        self._session, self._settings = session, settings
        self._own = resources is None
        self._resources = resources or Resources()
        self.ready = asyncio.Event()
        self.tools: Offer | None = None
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._ears = Ears(
            session,
            self._resources.pool,
            lambda: self._resources.cleaners(self._settings.hear),
            lambda y, sample_rate: self._bearing.hear_person(y, sample_rate),
        )
        self._exchange = exchange = Exchange(lambda: asyncio.get_running_loop().time())
        self._understanding = Understanding(
            exchange,
            Replies(
                self._ask_aloud, self.say, self.interrupt, self._ask_again, lambda: self._stop(tell=False)
            ),
            language=self._language,
        )
        self._performing = Performing(
            session,
            Show(
                exchange.began,
                exchange.due,
                exchange.ended,
                exchange.felt,
                lambda name, sample: self._bearing.gesture(name, sample),
                exchange.fault("speak"),
            ),
        )
        self._bearing = Bearing(session, self._resources, exchange.fault("speak"), who=self)
        exchange.watch(self._bearing.see)

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

    @property
    def holds(self) -> bool:
        """Whether what is said is told as `Heard`, and answered only where somebody calls `answer`."""
        return self._understanding.holds

    @holds.setter
    def holds(self, holds: bool) -> None:
        self._understanding.holds = holds

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
        """End the person's turn behind what was heard: the button of push-to-talk is released."""
        if not self._ears.end_turn():
            self._put(EndTurnFrame())

    def ask(self, text: str, *, language: str = "") -> int:
        """Take a written question; it interrupts. Return the number of its turn.

        Args:
            text: the question.
            language: BCP 47 tag; empty to find out.

        Raises:
            InputError: it is empty or too long.

        """
        text, now = checked(text, "question"), asyncio.get_running_loop().time()
        spoken = language or self._language(text)
        return self._ask(Question(text, spoken), now, now, now, spoken=False)

    def answer(self, heard: Question) -> int:
        """Answer what was told as heard; it interrupts. Return the number of its turn."""
        checked(heard.text, "question")
        now = asyncio.get_running_loop().time()
        return self._ask(heard, now, now, now, spoken=True)

    def go_on(self, *, language: str = "") -> int:
        """Answer what the history ends with: results of calls, or nothing yet. Return the number of the turn.

        A script greets; a language model says what comes to it.

        Args:
            language: BCP 47 tag; empty for the one that is spoken.

        """
        spoken = language or self._language()
        self._stop()
        turn = self._begin(self._exchange.begin())
        self._put(self._question(turn, Question("", spoken)))
        self._exchange.think()
        return turn

    def say(self, text: str, *, language: str = "") -> int:
        """Speak ``text`` without thinking; it may hold marks. Return the number of its turn.

        Args:
            text: what to say.
            language: BCP 47 tag; empty to find out.

        Raises:
            InputError: it is empty or too long.

        """
        text = checked(text, "text to speak")
        spoken = language or self._language(text)
        self._stop()
        turn = self._begin(self._exchange.begin())
        self._put(SayFrame(turn, text, spoken))
        return turn

    async def aside(self, instruction: str, text: str) -> str:
        """Return what the language model writes to an instruction; nobody hears it, nothing remembers it.

        Raises:
            SettingError: there is no language model of ours.
            RhapsodeError: it gives no answer.

        """
        loop, resources = asyncio.get_running_loop(), self._resources
        thinker = await loop.run_in_executor(resources.pool, resources.thinker, self._settings)
        return await ask_aside(thinker, instruction, text)

    def interrupt(self) -> None:
        """Fall silent and close the mouth now; the history keeps what was heard."""
        self._session.interrupt()
        self._stop()

    def apply(self, settings: Settings) -> None:
        """Use ``settings`` from the next turn on."""
        self._settings = settings
        self._bearing.apply(settings)
        self._resources.pool.submit(self._resources.warm_up, settings)

    def forget(self) -> None:
        """Empty the history."""
        self._exchange.forget()

    def rewrite(self, history: tuple[Turn, ...]) -> None:
        """Remember ``history`` instead: somebody else knows better what was said and heard."""
        self._exchange.rewrite(history)

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()

        def trouble(part: Part, message: str) -> None:
            loop.call_soon_threadsafe(self._exchange.fault(part), message)

        load = self._resources.warm_up  # what cannot be loaded is told, and tried again when it is needed
        for fault in await loop.run_in_executor(self._resources.pool, load, self._settings):
            trouble(*fault)
        unwatch = self._resources.watch(trouble)
        self._ears.begin()
        self._bearing.begin(self._settings)
        parts = assemble(
            self._resources,
            self._exchange,
            self._performing,
            settings=lambda: self._settings,
            told=self._understanding.told,
            complete=self._understanding.complete,
        )
        try:
            await run_pipeline(parts, self.ready, self._frames.get, self._ears.next)
        finally:
            self.ready.clear()
            self._performing.cut()
            self._exchange.close()
            unwatch()
            self._ears.end()
            self._bearing.end()
            if self._own:
                self._resources.close()

    def _ask_aloud(self, question: Question, ended_at: float, decided_at: float, words_at: float) -> None:
        self._ask(question, ended_at, decided_at, words_at, spoken=True)

    def _ask_again(self) -> None:
        """Nothing was understood for some turns: ask the person to say it again."""
        language = self._language()
        self.say(self._resources.line("again", language), language=language)

    def _language(self, text: str = "") -> str:
        """Return the language of ``text``; where it is empty, the one that is most likely spoken."""
        return self._resources.language(text, self._settings, self.history)

    def _ask(
        self, question: Question, ended_at: float, decided_at: float, words_at: float, *, spoken: bool
    ) -> int:
        self._stop()
        turn, question = self._exchange.ask(
            question, spoken=spoken, ended_at=ended_at, decided_at=decided_at, words_at=words_at
        )
        self._begin(turn)
        self._put(self._question(turn, question))
        self._exchange.keep(Turn("user", question.text, question.language))
        self._exchange.think()
        return turn

    def _question(self, turn: int, question: Question) -> QuestionFrame:
        limit = self._settings.think.history
        asked = replace(question, offer=self.tools)
        return QuestionFrame(turn, asked, self.history[-limit:] if limit else ())

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
