"""The half of a Realtime session that tells: what happens in the conversation becomes events."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any

from rhapsode.conversation.events import (
    Answered,
    Called,
)
from rhapsode.dialogue.turns import Call
from rhapsode.errors import RhapsodeError
from rhapsode.live.items import Item as SessionItem
from rhapsode.performance import Float32
from rhapsode.server.place import Place
from rhapsode.server.realtime.answer import Answer, Reason
from rhapsode.server.realtime.asked import Wanted
from rhapsode.server.realtime.config import Config
from rhapsode.server.realtime.feed import Feed
from rhapsode.server.realtime.items import Item, Items, new_id
from rhapsode.server.realtime.outbox import Outbox
from rhapsode.server.realtime.update import RealtimeError
from rhapsode.server.talking import Converses

ANSWERS_KEPT = 50
"""Answers that are remembered for what comes late."""


@dataclass
class Spoken:
    """A message of sound whose words are not known yet.

    Args:
        item: the message.
        failed: whether it could not be recognised.

    """

    item: Item
    failed: bool = False


class Story:
    """Tells the client what happens; an `rhapsode.live.outlet.Outlet` of its session.

    Args:
        place: of the conversation.
        outbox: sends events.
        beta: whether the client speaks the beta of the API.
        requests: performances that may be asked for a minute.

    Attributes:
        feed: the client's sound on its way.

    """

    def __init__(self, place: Place, outbox: Outbox, *, beta: bool, requests: float) -> None:
        self._place, self._outbox, self._say = place, outbox, outbox.say
        self._beta, self._requests = beta, requests
        self._id = new_id("conv")
        self._items = Items()
        self._answers: dict[int, Answer] = {}
        self._heard: set[int] = set()  # turns whose answers are over
        self._waiting: list[Item] = []  # messages that nobody answered yet
        self._unheard: deque[Spoken] = deque()  # messages whose words will be told, and then wait
        self._committed = False  # whether sound waits to be answered as soon as it is heard
        self._voiced: Item | None = None  # what the person says now
        self._asking: Item | None = None
        self._wanted: Wanted | None = None
        self._cancelling: Reason = "turn_detected"
        self._config = self._once = Config.of(place.talk.settings)
        self.feed = Feed(self._hear)

    @property
    def _conversation(self) -> Converses:
        conversation = self._place.talk.conversation
        if conversation is None:
            raise RealtimeError(
                "the conversation failed and begins anew; ask again", code="conversation_ended"
            )
        return conversation

    def complain(self, error: RhapsodeError, *, cause: str | None = None, kind: str = "") -> None:
        """Tell the client what cannot be done; ``cause`` is the id of its event."""
        row: dict[str, Any] = {
            "type": kind or "invalid_request_error",
            "code": error.code if isinstance(error, RealtimeError) else "invalid_value",
            "message": str(error),
            "param": error.param if isinstance(error, RealtimeError) else None,
            "event_id": cause,
        }
        self._say("error", error=row)

    def offer(self, item: SessionItem) -> None:
        """Take an item of the session."""
        for answer in self._answers.values():
            answer.offer(item)

    def interrupted(self, generation: int) -> None:
        """Forget the sound of older generations that is not sent yet."""
        for answer in self._answers.values():
            if not answer.over and answer.generation is not None and answer.generation < generation:
                self._outbox.drop(answer.id)

    def _hear(self, sound: Float32) -> None:
        try:
            self._place.talk.hear(sound)
        except RhapsodeError as error:
            self.complain(error)

    def _proceed(self) -> None:
        """Take notice that what a response waits for may be there."""

    def _answer(self, turn: int) -> Answer:
        """Return the answer to ``turn``; older ones are over."""
        if turn in self._answers:
            return self._answers[turn]
        for older in self._answers.values():
            older.finish("turn_detected")
        wanted, self._wanted = self._wanted, None
        answer = self._answers[turn] = self._new_answer(turn, wanted, self._once)
        self._limits()
        if len(self._answers) > ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        return answer

    def _new_answer(
        self, turn: int, wanted: Wanted | None, config: Config, *, beside: bool = False
    ) -> Answer:
        """Return a response that is told from now on; ``beside`` is one that no conversation knows."""
        return Answer(
            turn,
            self._say,
            (lambda item: None) if beside else self._add,
            beta=self._beta,
            sound=config.sound,
            form=config.form_out,
            conversation=None if beside else self._id,
            metadata=wanted.metadata if wanted else None,
        )

    def _called(self, event: Called) -> None:
        answer, key = self._answer(event.turn), event.id
        if self._items.call(key) is not None:  # some servers count from 0 in each answer
            key = secrets.token_hex(5)[:9]
        answer.call(Item("assistant", call=Call(key, event.name, event.arguments), asked=True))

    def _answered(self, event: Answered) -> None:
        answer = self._answer(event.turn)
        if event.interrupted and not answer.over:
            self._outbox.drop(answer.id)
        if event.meant and answer.message is None:
            answer.write(event.meant)
        answer.finish(self._cancelling if event.interrupted else None)
        self._heard.add(event.turn)
        if (item := answer.message) is not None:
            item.asked, item.language = True, event.language
            item.meant = event.meant or item.text
            if event.interrupted:
                item.text, item.interrupted = event.text, True
            if item.truncated_ms is not None:
                self._cut(item)
        for call in answer.calls:
            call.language = event.language
        if answer.calls:
            self._rewrite()
        if self._once is not self._config:
            self._once = self._config
            self._place.talk.apply()
        self._proceed()

    def _cut(self, item: Item) -> None:
        """Leave of an answer what its client says was heard, also where the conversation remembers it."""
        item.text = item.heard((item.truncated_ms or 0) / 1000)
        item.interrupted = True
        self._rewrite()

    def _rewrite(self) -> None:
        """Let the conversation remember what the items say."""
        self._conversation.rewrite(self._items.history())

    def _add(self, item: Item, after: str | None = None) -> None:
        before = self._items.add(item, after)
        shown = item.shown(beta=self._beta)
        self._say("conversation.item.added", previous_item_id=before, item=shown)

    def _limits(self) -> None:
        left = self._place.wishes.left(asyncio.get_running_loop().time())
        row = {"name": "requests", "limit": int(self._requests), "remaining": int(left)}
        reset_s = round((self._requests - left) * 60 / self._requests, 3)
        self._say("rate_limits.updated", rate_limits=[{**row, "reset_seconds": reset_s}])
