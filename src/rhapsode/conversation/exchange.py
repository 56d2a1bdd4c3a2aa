"""Who said what: turns, history, state, latency. No sound, no I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Called,
    Event,
    Fault,
    Felt,
    Heard,
    Shown,
    SpeakingStarted,
    State,
    StateChanged,
)
from rhapsode.conversation.stopwatch import Stopwatch
from rhapsode.dialogue.turns import Call, Piece, Question, Show, Source, Suggest, Turn
from rhapsode.face.emotion import Emotion
from rhapsode.pipecat.answer import Answer, joined

CONTINUED_S = 3.0
"""Who speaks again so soon after a question, of whose answer nothing was heard, goes on with it."""

MOST_TURNS = 1000
"""The history keeps so many."""


@dataclass(frozen=True)
class Broken:
    """An answer that was cut off: what was heard of it, what was not, its language."""

    heard: str
    rest: str
    language: str

    @property
    def asks(self) -> bool:
        """Whether the last that was heard is a question, so that a "yes" is an answer."""
        return self.heard.rstrip().endswith(("?", "？"))


class Exchange:
    """Keeps turns, and tells events.

    Args:
        now: the loop's time.

    Attributes:
        turn: number of the newest turn.
        open: number of the turn whose answer is not over, None where there is none.
        listening: whether the person has the turn.
        state: what the digital human does now.
        broken: the answer that the person's voice has just cut off, until it is known what they say.

    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._watchers: list[Callable[[Event], None]] = []
        self._history: list[Turn] = []
        self._watch: dict[int, Stopwatch] = {}
        self._question: tuple[Question, float] | None = None  # the newest, and when it was complete
        self._unheard: Question | None = None
        self._held = False  # whether that was never asked
        self._text = ""  # all that is known of the answer
        self.broken: Broken | None = None
        self.turn = 0
        self.open: int | None = None
        self.listening = False
        self.state: State = "idle"
        self._audible = False

    @property
    def history(self) -> tuple[Turn, ...]:
        """What both sides said, as it was heard."""
        return tuple(self._history)

    @property
    def busy(self) -> Literal["idle", "thinking", "speaking"]:
        """What an interruption would end."""
        if self.open is None:
            return "idle"
        return "speaking" if self._audible else "thinking"

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``watcher`` with every event; return what stops that."""
        self._watchers.append(watcher)

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return stop

    def tell(self, event: Event) -> None:
        """Tell everybody who watches; one who fails harms nobody else."""
        for watcher in list(self._watchers):
            watcher(event)

    def fault(self, part: Any) -> Callable[[str], None]:
        """Return what tells that ``part`` could not do something."""
        return lambda message: self.tell(Fault(part, message))

    def forget(self) -> None:
        """Empty the history."""
        self._history.clear()
        self._unheard = None

    def rewrite(self, history: tuple[Turn, ...]) -> None:
        """Remember ``history`` instead: somebody else knows better what was said and heard."""
        self._history[:] = history[-MOST_TURNS:]

    # What the person does

    def taken(self) -> None:
        """Take notice that the person has the turn."""
        self.listening, now, self.broken = True, self._now(), None
        if self.busy == "thinking" and self._question is not None:
            question, at = self._question
            self._unheard = question if now - at < CONTINUED_S else None
        self._settle()

    def given(self) -> None:
        """Take notice that the person's turn is over; its words may follow."""
        self.listening = False

    def hold(self, question: Question) -> None:
        """Keep a question whose words came when the person spoke again already; the next goes on with it."""
        self._unheard = question if self._unheard is None else _continued(self._unheard, question)
        self._held = True

    def heard(self, question: Question) -> None:
        """Tell what was heard; somebody else decides whether it is asked."""
        self.broken = None
        self.nothing_heard()
        about = (question.certainty, question.emotion, question.emotion_certainty)
        self.tell(Heard(question.text, question.language, *about))

    def nothing_heard(self) -> Question | None:
        """Take notice that no words were recognised; return a question that was held, to be asked now."""
        held = self._unheard if self._held else None
        self._unheard, self._held = None, False
        self._settle()
        return held

    def ask(
        self, question: Question, *, spoken: bool, ended_at: float, decided_at: float, words_at: float
    ) -> tuple[int, Question]:
        """Begin a turn; what was open must be closed before. Return its number and the whole question."""
        if spoken and self._unheard is not None:
            question = _continued(self._unheard, question)
            if not self._held and self._history and self._history[-1].role == "user":
                self._history.pop()
        self._unheard, self._held = None, False
        turn = self.begin()
        watch = self._watch[turn] = Stopwatch(turn, ended_at)
        watch.mark("turn_end", decided_at)
        watch.mark("recognise", words_at)
        self._question = question, self._now()
        self.tell(
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
        return turn, question

    def keep(self, turn: Turn) -> None:
        """Add to the history."""
        self._history.append(turn)
        del self._history[:-MOST_TURNS]

    def begin(self) -> int:
        """Open a new turn; return its number."""
        assert self.open is None, "a turn begins where the one before is over"
        self.turn += 1
        self.open = self.turn
        self._audible, self._question, self._text = False, None, ""
        self._watch.clear()
        return self.turn

    def think(self) -> None:
        """Take notice that an answer is looked for."""
        self._enter("thinking")

    # What the answer does

    def text(self, turn: int, piece: str | Piece) -> None:
        """Tell text of the answer, or what comes beside it; that of an older turn is dropped."""
        if turn != self.open:
            return
        if isinstance(piece, str):
            self._text += piece
            self._mark(turn, "think")
            self.tell(AnswerText(turn, piece))
        elif isinstance(piece, Source):
            self.tell(Answering(turn, piece.kind, piece.id, piece.score, piece.reason))
        elif isinstance(piece, Show):
            self.tell(Shown(turn, piece.title, piece.url))
        elif isinstance(piece, Suggest):
            self.tell(Shown(turn, suggestions=piece.questions))
        elif isinstance(piece, Call):
            self.tell(Called(turn, piece.id, piece.name, piece.arguments))

    def due(self, turn: int, voiced_at: float, due_at: float) -> None:
        """Take notice of the first sound: it was there at one time, and is due at another."""
        self._mark(turn, "speak", voiced_at)
        if (watch := self._watch.pop(turn, None)) is not None:
            self.tell(watch.latency(due_at))

    def began(self, turn: int, generation: int) -> None:
        """Take notice that the first sound is heard."""
        self._audible = True
        self.tell(SpeakingStarted(turn, generation))
        self._enter("speaking")

    def felt(self, emotion: Emotion | None, gesture: str) -> None:
        """Tell a feeling or a gesture."""
        self.tell(Felt(emotion, gesture))

    def ended(self, answer: Answer, heard: str, interrupted: bool) -> None:
        """Take notice that an answer is over."""
        if answer.turn != self.open:
            return
        self.open, self._audible = None, False
        rest = rest_of(self._text, heard) if interrupted else ""
        meant = max(answer.meant, joined(heard, rest), key=len)
        if interrupted and heard and self.listening:
            self.broken = Broken(heard, rest, answer.language)
        if heard:
            self._unheard = None
            self.keep(Turn("assistant", heard, answer.language, interrupted))
        self.tell(Answered(answer.turn, heard, meant, answer.language, interrupted))
        self._settle()

    def close(self) -> None:
        """End the open turn, if there is one: nothing of its answer was heard."""
        if self.open is not None:
            language = self._question[0].language if self._question else "en"
            self.ended(Answer(self.open, language), "", True)

    def _mark(self, turn: int, stage: str, at: float | None = None) -> None:
        if (watch := self._watch.get(turn)) is not None:
            watch.mark(stage, self._now() if at is None else at)

    def _settle(self) -> None:
        waiting = "idle" if self.open is None or self.state == "listening" else self.state
        self._enter("listening" if self.listening else waiting)

    def _enter(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.tell(StateChanged(state))


def _continued(one: Question, two: Question) -> Question:
    return Question(
        joined(one.text, two.text),
        two.language,
        min(one.certainty, two.certainty),
        two.emotion or one.emotion,
        max(one.emotion_certainty, two.emotion_certainty),
    )


def rest_of(text: str, heard: str) -> str:
    """Return what of ``text`` comes behind ``heard``, whose spaces may differ."""
    count = sum(not letter.isspace() for letter in heard)
    for k, letter in enumerate(text):
        if count == 0:
            return text[k:].strip()
        count -= not letter.isspace()
    return ""
