"""A session of the Realtime API: what its client asks for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from rhapsode.errors import RhapsodeError
from rhapsode.performance import CURVE_HZ
from rhapsode.rigs import FACE
from rhapsode.server.place import Place
from rhapsode.server.realtime import asked
from rhapsode.server.realtime.answer import Reason
from rhapsode.server.realtime.items import Item
from rhapsode.server.realtime.outbox import Outbox
from rhapsode.server.realtime.sound import RATES, read
from rhapsode.server.realtime.story import Story
from rhapsode.server.realtime.update import RealtimeError, SessionUpdate
from rhapsode.settings import Settings

SHORTEST_S = 0.1
"""A message of sound is at least so long."""


class RealtimeSession(Story):
    """Does what a client asks for, and tells it what happens.

    Args:
        place: of the conversation, which has begun.
        outbox: sends events.
        model: what the client called the model.
        voices: names of all voices.
        beta: whether the client speaks the beta of the API.
        requests: performances that may be asked for a minute.

    """

    def __init__(
        self,
        place: Place,
        outbox: Outbox,
        *,
        model: str,
        voices: tuple[str, ...],
        beta: bool,
        requests: float,
    ) -> None:
        super().__init__(place, outbox, beta=beta, requests=requests)
        self._model, self._voices = model, voices
        self._rate = 0  # of the microphone; 0 while it is off
        place.talk.adjust = self._adjusted
        place.talk.apply()
        self.feed.hold = self._config.turn is None
        self._stop = place.talk.watch(self._happened)
        self._say("session.created", session=self._shown())
        self._say("rhapsode.face", names=list(FACE.channels), curve_hz=CURVE_HZ)
        if beta:
            conversation = {"id": self._id, "object": "realtime.conversation"}
            self._say("conversation.created", conversation=conversation)
        place.session.attach(self)

    def close(self) -> None:
        """Let go of the conversation."""
        self._stop()
        self._place.session.detach(self)
        if self._rate:
            self._place.talk.deafen()

    async def take(self, text: str) -> None:
        """Do what an event of the client asks for, or tell why it cannot be done."""
        key, event = asked.read_event(text)
        try:
            if isinstance(event, RealtimeError):
                raise event
            await self._place.talk.open()
            self._do(event)
        except RhapsodeError as error:
            self.complain(error, cause=key)

    def _do(self, event: asked.Asked) -> None:
        if isinstance(event, asked.Append):
            self._append(event.audio)
        elif isinstance(event, asked.Update):
            self._update(event.session)
        elif isinstance(event, asked.Commit):
            self._commit_sound()
        elif isinstance(event, asked.Clear):
            self._clear()
        elif isinstance(event, asked.Create):
            self._create(event.item, event.previous_item_id)
        elif isinstance(event, asked.Retrieve):
            item = self._items.find(event.item_id)
            self._say("conversation.item.retrieved", item=item.shown(beta=self._beta))
        elif isinstance(event, asked.Delete):
            self._delete(event.item_id)
        elif isinstance(event, asked.Truncate):
            self._truncate(event)
        elif isinstance(event, asked.Respond):
            self._respond(event.response or asked.Wanted())
        elif isinstance(event, asked.Cancel):
            self._cancel(event.response_id)
        else:
            last = next(reversed(self._answers.values()), None)
            self._interrupt("client_cancelled")
            self._say("output_audio_buffer.cleared", response_id=last.id if last else "")

    def _update(self, update: SessionUpdate) -> None:
        config = self._config.changed(update, self._voices)
        changed = config.form_in != self._config.form_in
        self._config = self._once = config
        self.feed.hold = config.turn is None
        if changed and self._rate:
            self.feed.clear()
            self._listen(RATES[config.form_in])
        self._place.talk.apply()
        self._say("session.updated", session=self._shown())

    def _append(self, audio: str) -> None:
        sound, rate = read(audio, self._config.form_in), RATES[self._config.form_in]
        if self._rate != rate:
            self._listen(rate)
        self.feed.push(sound, rate)

    def _listen(self, rate: int) -> None:
        self._rate = rate
        self._place.deafen()
        self._place.talk.listen(rate)

    def _commit_sound(self) -> None:
        if self.feed.fresh_s < SHORTEST_S:
            raise RealtimeError(
                f"the buffer holds {self.feed.fresh_s * 1000:.0f} ms of sound; append at least 100 ms first",
                code="input_audio_buffer_commit_empty",
            )
        if self._config.turn is not None:
            self.feed.then(self._end_turn)
            return
        self._committed = True
        self.feed.then(lambda: None)
        self._commit(self._speaking())

    def _end_turn(self) -> None:
        if (conversation := self._place.talk.conversation) is not None:
            conversation.end_turn()

    def _clear(self) -> None:
        self.feed.clear()
        if self._voiced is not None and self._voiced not in self._items:
            self._voiced = None
        self._say("input_audio_buffer.cleared")

    def _create(self, new: asked.NewItem, after: str | None) -> None:
        item, sound = self._made(new)
        self._add(item, after)
        if sound:
            self._append(sound)
            self._voiced, self._committed = item, True
            self.feed.then(lambda: None)
            return
        if not self._beta:
            self._say("conversation.item.done", item=item.shown(beta=False))
        if item.role == "user":
            self._waiting.append(item)
        elif item.role == "assistant":
            item.asked = True
            self._rewrite()
        else:
            self._config = self._once = replace(self._config, system=(*self._config.system, item.text))
            self._place.talk.apply()

    def _made(self, new: asked.NewItem) -> tuple[Item, str]:
        """Return an item of the client, and its sound, which may be empty."""
        if new.type != "message":
            raise RealtimeError(
                f"an item must be a 'message', got '{new.type}'; tools of a client cannot be called",
                code="unsupported_tools",
                param="item.type",
            )
        texts, sound = [], ""
        for part in new.content:
            if part.type == "input_image":
                raise RealtimeError("images cannot be seen here; describe them", param="item.content")
            texts.append(part.text or part.transcript or "")
            sound = sound or part.audio or ""
        text = "\n".join(filter(None, texts))
        if not text and not (sound and new.role == "user"):
            raise RealtimeError("a message must hold text, or sound of the user", param="item.content")
        spoken = bool(sound) and new.role == "user"
        item = Item(new.role, text, spoken=spoken)
        item.id = new.id or item.id
        return item, sound if spoken else ""

    def _delete(self, key: str) -> None:
        item = self._items.find(key)
        self._items.remove(item)
        self._waiting = [one for one in self._waiting if one is not item]
        if item.asked:
            self._rewrite()
        self._say("conversation.item.deleted", item_id=key)

    def _truncate(self, event: asked.Truncate) -> None:
        item = self._items.find(event.item_id)
        if item.role != "assistant" or not item.spoken:
            raise RealtimeError("only an answer that is spoken can be truncated", param="item_id")
        item.truncated_ms = event.audio_end_ms
        under_way = any(a.message is item and turn not in self._heard for turn, a in self._answers.items())
        if under_way:
            self._interrupt("client_cancelled")
        if item.asked:
            self._cut(item)
        self._say(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=event.content_index,
            audio_end_ms=event.audio_end_ms,
        )

    def _respond(self, wanted: asked.Wanted) -> None:
        if any(not answer.over for answer in self._answers.values()):
            raise RealtimeError(
                "an answer is under way; cancel it, or wait for response.done",
                code="conversation_already_has_active_response",
            )
        if wanted.conversation not in (None, "auto"):
            message = "answers beside the conversation cannot be had; leave 'conversation' out"
            raise RealtimeError(message, code="unsupported_value", param="response.conversation")
        once = self._config.changed(wanted, self._voices)
        given = [self._made(new)[0] for new in wanted.input or ()]
        waiting = [item.text for item in (*self._waiting, *given) if item.role == "user" and item.text]
        text = "\n".join(waiting)
        if not text and not self._committed:
            text = wanted.instructions or ""
        if not text and not self._committed:
            raise RealtimeError("there is nothing to answer; create an item first", code="nothing_to_answer")
        if wait := self._place.wishes.take(asyncio.get_running_loop().time()):
            message = f"{self._requests:g} answers a minute may be asked for; try again in {wait:.0f} s"
            raise RealtimeError(message, code="rate_limit_exceeded")
        self._once, self._wanted = once, wanted
        self._place.talk.apply()
        if self._committed:
            self._committed = False
            self.feed.then(self._end_turn)
            return
        self._asking = self._waiting[-1] if self._waiting else None
        try:
            self._conversation.ask(text)
        finally:
            self._asking = None

    def _cancel(self, key: str | None) -> None:
        active = [answer for answer in self._answers.values() if not answer.over]
        if not active or (key is not None and active[-1].id != key):
            raise RealtimeError("no answer is under way", code="response_cancel_not_active")
        self._interrupt("client_cancelled")

    def _interrupt(self, reason: Reason) -> None:
        """Fall silent; the answer under way is over, whenever the conversation says so."""
        self._cancelling = reason
        try:
            self._place.talk.interrupt()
        finally:
            self._cancelling = "turn_detected"
        for answer in self._answers.values():
            if not answer.over:
                self._outbox.drop(answer.id)
                answer.finish(reason)

    def _adjusted(self, settings: Settings) -> Settings:
        return self._once.settings(settings)

    def _shown(self) -> dict[str, Any]:
        return self._config.shown(self._place.session.id, self._model, beta=self._beta)
