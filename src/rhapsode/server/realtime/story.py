"""The half of a Realtime session that tells: what happens in the conversation becomes events."""

from __future__ import annotations

import asyncio
from typing import Any

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Event,
    Fault,
    SpeechStarted,
    SpeechStopped,
)
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
        self._waiting: list[Item] = []  # messages of the client that nobody answered yet
        self._committed = False  # whether sound waits to be answered
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

    def _happened(self, event: Event) -> None:
        if isinstance(event, SpeechStarted) and self._config.turn is not None:
            start, item = self.feed.ms_at(event.at), self._speaking()
            self._say("input_audio_buffer.speech_started", audio_start_ms=start, item_id=item.id)
        elif isinstance(event, SpeechStopped) and self._config.turn is not None:
            end, item = self.feed.ms_at(event.at), self._speaking()
            self._say("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=item.id)
            self._commit(item)
        elif isinstance(event, Asked):
            self._asked(event)
        elif isinstance(event, Answering):
            self._answer(event.turn)
        elif isinstance(event, AnswerText):
            self._answer(event.turn).write(event.text)
        elif isinstance(event, Answered):
            self._answered(event)
        elif isinstance(event, Fault):
            self._failed(event)

    def _asked(self, event: Asked) -> None:
        item, self._asking = self._asking, None
        if item is None and event.spoken:
            item, self._voiced, self._committed = self._voiced, None, False
        told = item is not None and not item.spoken
        if item is None or item not in self._items:
            item = Item("user", event.text, spoken=event.spoken)
            self._add(item)
        if item.spoken or not item.text:
            item.text = event.text
        if (before := self._items.asked_last) is not None and event.text.startswith(before.text):
            before.asked = not event.spoken  # who goes on after a pause asks once
        item.language, item.asked, item.done = event.language, True, True
        if item.spoken and self._config.transcription is not None:
            self._transcribed(item)
        if not self._beta and not told:
            self._say("conversation.item.done", item=item.shown(beta=False))
        for other in self._waiting:
            other.asked = True
        self._waiting.clear()
        self._answer(event.turn)

    def _transcribed(self, item: Item) -> None:
        kind, usage = "conversation.item.input_audio_transcription", {"type": "duration", "seconds": 0}
        self._say(f"{kind}.delta", item_id=item.id, content_index=0, delta=item.text)
        self._say(f"{kind}.completed", item_id=item.id, content_index=0, transcript=item.text, usage=usage)

    def _answer(self, turn: int) -> Answer:
        """Return the answer to ``turn``; older ones are over."""
        if turn in self._answers:
            return self._answers[turn]
        for older in self._answers.values():
            older.finish("turn_detected")
        wanted, self._wanted = self._wanted, None
        answer = self._answers[turn] = Answer(
            turn,
            self._say,
            self._add,
            beta=self._beta,
            sound=self._once.sound,
            form=self._once.form_out,
            conversation=self._id,
            metadata=wanted.metadata if wanted else None,
        )
        self._limits()
        if len(self._answers) > ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        return answer

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
        if self._once is not self._config:
            self._once = self._config
            self._place.talk.apply()

    def _cut(self, item: Item) -> None:
        """Leave of an answer what its client says was heard, also where the conversation remembers it."""
        item.text = item.heard((item.truncated_ms or 0) / 1000)
        item.interrupted = True
        self._rewrite()

    def _rewrite(self) -> None:
        """Let the conversation remember what the items say."""
        self._conversation.rewrite(self._items.history())

    def _failed(self, event: Fault) -> None:
        if event.part == "hear" and self._voiced is not None:
            item, self._voiced = self._voiced, None
            error = {"type": "server_error", "code": "hear", "message": event.message, "param": None}
            kind = "conversation.item.input_audio_transcription.failed"
            self._say(kind, item_id=item.id, content_index=0, error=error)
            return
        self.complain(RealtimeError(event.message, code=event.part), kind="server_error")
        if self._place.talk.conversation is None:
            for answer in self._answers.values():
                answer.finish("failed")
            self._answers.clear()  # turns of the next conversation count from 1
            self._heard.clear()

    def _speaking(self) -> Item:
        """Return the message that the person speaks now."""
        if self._voiced is None or self._voiced in self._items:
            self._voiced = Item("user", spoken=True)
        return self._voiced

    def _commit(self, item: Item) -> None:
        """Take what was spoken as a message."""
        before = self._items.last
        self._say("input_audio_buffer.committed", item_id=item.id, previous_item_id=before)
        self._add(item)

    def _add(self, item: Item, after: str | None = None) -> None:
        before = self._items.add(item, after)
        shown = item.shown(beta=self._beta)
        self._say("conversation.item.added", previous_item_id=before, item=shown)

    def _limits(self) -> None:
        left = self._place.wishes.left(asyncio.get_running_loop().time())
        row = {"name": "requests", "limit": int(self._requests), "remaining": int(left)}
        reset_s = round((self._requests - left) * 60 / self._requests, 3)
        self._say("rate_limits.updated", rate_limits=[{**row, "reset_seconds": reset_s}])
