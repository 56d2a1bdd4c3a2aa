"""Events of one conversation as rows: no database, no waiting."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rhapsode.dialogue.log.rows import Entry, Role, Row, Sound, Table, clean
from rhapsode.performance import Float32

if TYPE_CHECKING:
    from rhapsode.conversation.events import (
        Answered,
        Answering,
        Asked,
        Event,
        Fault,
        Felt,
        Latency,
        Shown,
        SpeakingStarted,
    )


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


class ConversationLog:
    """Watches one conversation; called on its loop, returns at once, raises nothing.

    Nothing is written before something is said. Where turns begin anew at 1, because a conversation failed
    and the next went on, they are counted on.

    Args:
        put: takes what is to be written; None where nothing is to be.
        session: id of the live session.
        person: whoever asks, as the program that embeds the product knows them; empty for nobody.
        sound: whether sound is kept.
        clock: tells the time.

    Attributes:
        id: of the conversation in the database.

    """

    def __init__(
        self,
        put: Callable[[Entry], None] | None,
        session: str,
        person: str = "",
        *,
        sound: bool = False,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.id = uuid.uuid4().hex
        self._put, self._session, self._person = put, session, person
        self._sound, self._clock = sound, clock
        self._begun = False
        self._base = self._raw = self._moments = 0
        self._over = False
        self._heard: dict[str, Callable[[Any], None]] = {
            "Asked": self._asked,
            "Answering": self._answering,
            "SpeakingStarted": self._speaking,
            "Answered": self._answered,
            "Latency": self._latency,
            "Shown": self._shown,
            "Felt": self._felt,
            "Fault": self._fault,
        }

    @property
    def keeps_sound(self) -> bool:
        """Whether `add_sound` is of use."""
        return self._put is not None and self._sound

    def __call__(self, event: Event) -> None:
        """Take notice of an event."""
        take = self._heard.get(type(event).__name__)
        if take is not None and self._put is not None:
            take(event)

    def add_sound(self, turn: int, role: Role, samples: Float32, sample_rate: int) -> None:
        """Keep sound of a turn, where that is wanted.

        Args:
            turn: number of the turn, as events tell it.
            role: whose sound.
            samples: (n,) float32 in [-1, 1].
            sample_rate: Hz.

        """
        if self._put is not None and self._sound and self._begun and len(samples):
            self._put(Sound(self.id, self._base + turn, role, samples, sample_rate))

    def end(self) -> None:
        """Take notice of nothing more."""
        self._put = None

    def _asked(self, event: Asked) -> None:
        if event.turn <= self._raw:
            self._anew()
        self._turn(
            event.turn,
            question=clean(event.text),
            language=clean(event.language),
            certainty=float(event.certainty),
            spoken=event.spoken,
            emotion="" if event.emotion is None else str(event.emotion),
            emotion_certainty=float(event.emotion_certainty),
        )

    def _answering(self, event: Answering) -> None:
        values = {"unanswered": True} if event.kind == "fallback" else {}
        self._turn(
            event.turn,
            kind=event.kind,
            source=clean(event.id),
            score=None if event.score is None else float(event.score),
            reason=clean(event.reason),
            **values,
        )

    def _speaking(self, event: SpeakingStarted) -> None:
        self._turn(event.turn, spoke_at=self._clock())

    def _answered(self, event: Answered) -> None:
        self._turn(
            event.turn,
            answered_at=self._clock(),
            answer=clean(event.text),
            meant=clean(event.meant),
            answer_language=clean(event.language),
            interrupted=event.interrupted,
        )
        self._over = True

    def _latency(self, event: Latency) -> None:
        self._turn(event.turn, over=True)
        for stage, ms in {**event.stages_ms, "total": event.total_ms}.items():
            key = {"conversation": self.id, "number": self._base + event.turn, "stage": str(stage)[:40]}
            self._write("stages", **key, ms=float(ms))

    def _shown(self, event: Shown) -> None:
        if event.suggestions:
            self._turn(event.turn)
            self._moment("suggested", "\n".join(event.suggestions))
        if event.title or event.url:
            self._turn(event.turn)
            self._moment("shown", " ".join(part for part in (event.title, event.url) if part))

    def _felt(self, event: Felt) -> None:
        if self._begun and event.emotion is not None:
            self._moment("felt", str(event.emotion))
        if self._begun and event.gesture:
            self._moment("gesture", event.gesture)

    def _fault(self, event: Fault) -> None:
        # That nothing can be written need not be written.
        if self._begun and event.part != "remember":
            self._moment("fault", f"{event.part}: {event.message}")

    def _anew(self) -> None:
        """Count the turns of a further conversation on."""
        self._base += self._raw
        self._raw = 0

    def _turn(self, turn: int, *, over: bool = False, **values: Any) -> None:
        """Write what is new of a turn; ``over`` where that may come behind its answer."""
        if turn < self._raw or (turn == self._raw and self._over and not over):
            self._anew()
        at = self._clock()
        key = {"conversation": self.id, "number": self._base + turn}
        if not self._begun:
            self._begun = True
            whose = {"session": clean(self._session)[:200], "person": clean(self._person)[:200]}
            self._write("conversations", id=self.id, began=at, ended=at, **whose)
        if turn > self._raw:
            self._raw, self._over = turn, False
            self._write("turns", **key, asked_at=at, **values)
            if values.get("language"):
                self._write("conversations", id=self.id, language=values["language"], ended=at)
        elif values:
            self._write("turns", **key, **values)
        if "answered_at" in values:
            self._write("conversations", id=self.id, ended=at)

    def _moment(self, kind: str, words: str) -> None:
        self._moments += 1
        key = {"conversation": self.id, "position": self._moments, "number": self._base + self._raw}
        self._write("moments", **key, at=self._clock(), kind=kind, text=clean(words))

    def _write(self, table: Table, **values: Any) -> None:
        if self._put is not None:
            self._put(Row(table, values))
