"""One conversation: a live session that listens, thinks, feels and answers; interrupted at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pipecat.frames.frames import Frame, InterruptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Event,
    Fault,
    Felt,
    Shown,
    SpeakingStarted,
    State,
    StateChanged,
)
from rhapsode.conversation.resources import Resources
from rhapsode.dialogue.turns import Piece, Question, Source, Suggest, Turn
from rhapsode.dialogue.turns import Show as ShownPiece
from rhapsode.errors import InputError
from rhapsode.face.emotion import Emotion
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.pipecat.answer import Answer
from rhapsode.pipecat.frames import QuestionFrame, SayFrame
from rhapsode.pipecat.marking import Marking
from rhapsode.pipecat.performing import Performing, Show
from rhapsode.pipecat.thinking import Thinking
from rhapsode.pipecat.voicing import Voicing
from rhapsode.settings import Settings

MAX_TEXT = 2000
"""Longest question or text, characters."""


class Conversation:
    """Gives a session ears, thoughts and a voice.

    Args:
        session: performs; run by its owner.
        settings: how it hears, thinks, speaks.
        resources: what all conversations share; its own where None.

    Attributes:
        ready: set once everything is loaded and the loop runs.

    """

    def __init__(self, session: Session, settings: Settings, *, resources: Resources | None = None) -> None:
        self._session, self._settings = session, settings
        self._own = resources is None
        self._resources = resources or Resources()
        self.ready = asyncio.Event()
        self._watchers: list[Callable[[Event], None]] = []
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._history: list[Turn] = []
        self._state: State = "idle"
        self._turn = 0
        self._performing = Performing(
            session,
            Show(self._began, self._first_due, self._ended, self._felt, self._failed("speak")),
        )

    @property
    def history(self) -> tuple[Turn, ...]:
        """What both sides said, as it was heard."""
        return tuple(self._history)

    @property
    def state(self) -> State:
        """What the digital human does now."""
        return self._state

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``watcher`` with every event, on the loop; return what stops that."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def listen(self, sample_rate: int) -> None:
        """Turn the microphone on; `hear` will bring sound at ``sample_rate`` Hz."""

    def hear(self, chunk: Float32) -> None:
        """Take sound of the microphone, (n,) or (n, channels); dropped where none is on."""

    def deafen(self) -> None:
        """Turn the microphone off."""

    def ask(self, text: str, *, language: str = "") -> int:
        """Take a written question; it interrupts. Return the number of its turn.

        Raises:
            InputError: it is empty or too long.

        """
        text = _checked(text, "question")
        return self._ask(Question(text, language or "en"), spoken=False)

    def say(self, text: str, *, language: str = "") -> int:
        """Speak ``text`` without thinking; it may hold marks. Return the number of its turn.

        Raises:
            InputError: it is empty or too long.

        """
        text = _checked(text, "text to speak")
        self._stop()
        turn = self._next_turn()
        self._put(SayFrame(turn, text, language or "en"))
        return turn

    def interrupt(self) -> None:
        """Fall silent and close the mouth now; the history keeps what was heard."""
        self._session.interrupt()
        self._stop()
        self._enter("idle")

    def end_turn(self) -> None:
        """End the person's turn: the button of push-to-talk is released."""

    def apply(self, settings: Settings) -> None:
        """Use ``settings`` from the next turn on."""
        self._settings = settings

    def forget(self) -> None:
        """Empty the history."""
        self._history.clear()

    async def run(self) -> None:
        """Serve until cancelled."""
        worker = PipelineWorker(
            Pipeline(self._parts()),
            params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
            cancel_on_idle_timeout=False,
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
            check_dangling_tasks=False,
        )
        started = asyncio.Event()

        async def on_started(*_: Any) -> None:
            started.set()

        worker.add_event_handler("on_pipeline_started", on_started)
        runner = WorkerRunner(handle_sigint=False, check_dangling_tasks=False)
        await runner.add_workers(worker)
        running = asyncio.ensure_future(runner.run())
        try:
            await started.wait()
            self.ready.set()
            await self._pump(worker, running)
        finally:
            self.ready.clear()
            self._performing.cut()
            await runner.cancel("the conversation ends")
            await asyncio.gather(running, return_exceptions=True)
            if self._own:
                self._resources.close()

    async def _pump(self, worker: PipelineWorker, running: asyncio.Future[None]) -> None:
        while not running.done():
            await worker.queue_frame(await self._frames.get())

    def _parts(self) -> list[FrameProcessor]:
        resources = self._resources
        return [
            Thinking(
                lambda: resources.thinker(self._settings),
                lambda language: "Sorry, I cannot answer that now.",
                self._failed("think"),
            ),
            Marking(self._text),
            Voicing(
                lambda: resources.speaks(self._settings.speak),
                resources.chunker,
                resources.pool,
                ahead=lambda: self._performing.ahead_s,
                failed=self._failed("speak"),
            ),
            self._performing,
        ]

    def _ask(self, question: Question, *, spoken: bool) -> int:
        self._stop()
        turn = self._next_turn()
        self._tell(
            Asked(
                turn,
                question.text,
                question.language,
                question.certainty,
                spoken,
                question.emotion,
                question.emotion_certainty,
            )
        )
        self._put(QuestionFrame(turn, question, self.history))
        self._history.append(Turn("user", question.text, question.language))
        self._enter("thinking")
        return turn

    def _next_turn(self) -> int:
        self._turn += 1
        self._performing.expect(self._turn)
        return self._turn

    def _stop(self) -> None:
        """End the answer under way, if any."""
        self._performing.cut()
        self._put(InterruptionFrame())

    def _put(self, frame: Frame) -> None:
        self._frames.put_nowait(frame)

    def _tell(self, event: Event) -> None:
        for watcher in list(self._watchers):
            watcher(event)

    def _enter(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._tell(StateChanged(state))

    def _failed(self, part: Any) -> Callable[[str], None]:
        return lambda message: self._tell(Fault(part, message))

    # What the performance tells

    def _began(self, turn: int, generation: int) -> None:
        self._tell(SpeakingStarted(turn, generation))
        self._enter("speaking")

    def _first_due(self, turn: int, at: float) -> None:
        """The first sound of ``turn`` is due at the loop's time ``at``."""

    def _ended(self, answer: Answer, heard: str, interrupted: bool) -> None:
        if heard:
            self._history.append(Turn("assistant", heard, answer.language, interrupted))
        self._tell(Answered(answer.turn, heard, answer.meant, answer.language, interrupted))
        self._enter("idle")

    def _felt(self, emotion: Emotion | None, gesture: str) -> None:
        self._tell(Felt(emotion, gesture))

    def _text(self, turn: int, piece: str | Piece) -> None:
        if turn != self._turn:
            return
        if isinstance(piece, str):
            self._tell(AnswerText(turn, piece))
        elif isinstance(piece, Source):
            self._tell(Answering(turn, piece.kind, piece.id, piece.score, piece.reason))
        elif isinstance(piece, ShownPiece):
            self._tell(Shown(turn, piece.title, piece.url))
        elif isinstance(piece, Suggest):
            self._tell(Shown(turn, suggestions=piece.questions))


def _checked(text: str, what: str) -> str:
    if not text.strip():
        raise InputError(f"a {what} must hold words, got an empty one; write something")
    if len(text) > MAX_TEXT:
        raise InputError(f"a {what} may hold {MAX_TEXT} characters, got {len(text)}; send it in parts")
    return text.strip()
