"""One response of the Realtime API: from the text and sound of an answer to the events that tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from rhapsode.live.items import BeginItem, CurvesItem, EndItem, Item, SoundItem, WordsItem
from rhapsode.performance import CLOCK_HZ, CURVE_HZ
from rhapsode.server.realtime.items import Item as Message
from rhapsode.server.realtime.items import new_id
from rhapsode.server.realtime.sound import BETA_NAMES, Format, Writer

Reason = Literal["turn_detected", "client_cancelled", "failed"]

NO_USAGE = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}
"""Nobody counts tokens here; clients that add them up find zeros."""


class Say(Protocol):
    """Sends an event of the type ``kind``; ``live`` ones are dropped where their response is cancelled."""

    def __call__(self, kind: str, *, live: str = "", **fields: Any) -> None:
        """Send it."""


class Answer:
    """Follows one answer.

    Args:
        turn: of the conversation.
        say: sends events.
        add: takes the message into the conversation, and tells clients of it.
        beta: whether the client speaks the beta of the API.
        sound: whether sound is sent, or text only.
        form: of the sound.
        conversation: id of the conversation; None for an answer beside it.
        metadata: of the client, given back to it.

    Attributes:
        id: of the response.
        message: what is said; None before the first word.
        calls: of functions of the client, with which the answer ends.
        generation: of the session's items that belong to it; None before the first sound.
        over: whether the response is done.

    """

    def __init__(
        self,
        turn: int,
        say: Say,
        add: Callable[[Message], None],
        *,
        beta: bool,
        sound: bool,
        form: Format,
        conversation: str | None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        self.turn, self.id = turn, new_id("resp")
        self.message: Message | None = None
        self.calls: list[Message] = []
        self.generation: int | None = None
        self.over = False
        self._say, self._add, self._beta, self._sound = say, add, beta, sound
        self._form, self._writer = form, Writer(form)
        self._conversation, self._metadata = conversation, metadata
        self._start = 0
        self._outputs: list[Message] = []
        say("response.created", response=self._shown("in_progress"))

    @property
    def _at(self) -> dict[str, Any]:
        assert self.message is not None
        index = self._outputs.index(self.message)
        return {"response_id": self.id, "item_id": self.message.id, "output_index": index, "content_index": 0}

    @property
    def _part(self) -> dict[str, Any]:
        text = self.message.text if self.message else ""
        return {"type": "audio", "transcript": text} if self._sound else {"type": "text", "text": text}

    def write(self, text: str) -> None:
        """Take a further piece of the text."""
        if self.over:
            return
        message = self._begin()
        message.text += text
        kind = "output_audio_transcript" if self._sound else "output_text"
        self._say(f"response.{kind}.delta", **self._at, delta=text)

    def call(self, item: Message) -> None:
        """Take a call of a function of the client; it is told as a whole."""
        if self.over or item.call is None:
            return
        item.done = False
        self.calls.append(item)
        self._outputs.append(item)
        at: dict[str, Any] = {"response_id": self.id, "output_index": len(self._outputs) - 1}
        self._say("response.output_item.added", **at, item=item.shown(beta=self._beta))
        self._add(item)
        item.done, arguments = True, item.call.arguments
        at_call = {**at, "item_id": item.id, "call_id": item.call.id}
        kind = "response.function_call_arguments"
        self._say(f"{kind}.delta", **at_call, delta=arguments)
        self._say(f"{kind}.done", **at_call, name=item.call.name, arguments=arguments)
        self._done(item)

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, BeginItem):
            if item.kind == "text" and self.generation is None and not self.over:
                self.generation, self._start = item.generation, item.start
                self._begin()
            return
        if item.generation != self.generation:
            return
        if isinstance(item, WordsItem) and self.message is not None:
            late_s = (item.start - self._start) / CLOCK_HZ
            self.message.words += [(word.text, word.end_s + late_s) for word in item.words.words]
        if self.over:
            return
        if isinstance(item, EndItem):
            self.finish()
        elif isinstance(item, SoundItem) and self._sound:
            self._send(self._writer.push(item.samples))
        elif isinstance(item, CurvesItem) and self._sound:
            self._show(item)

    def finish(self, reason: Reason | None = None) -> None:
        """End the response: completed, cancelled for ``reason``, or failed."""
        if self.over:
            return
        if self.message is None and reason is None and not self.calls:
            self._begin()
        self.over = True
        if self.message is not None:
            if reason is None and self._sound:
                self._send(self._writer.finish())
            self._close(self.message, cut=reason is not None)
        status = "completed" if reason is None else "failed" if reason == "failed" else "cancelled"
        self._say("response.done", response=self._shown(status, reason))

    def _begin(self) -> Message:
        """Return the message, which is told first."""
        if self.message is None:
            self.message = message = Message("assistant", spoken=self._sound, done=False)
            self._outputs.append(message)
            index, shown = len(self._outputs) - 1, message.shown(beta=self._beta)
            self._say("response.output_item.added", response_id=self.id, output_index=index, item=shown)
            self._add(message)
            self._say("response.content_part.added", **self._at, part=self._part)
        return self.message

    def _close(self, message: Message, *, cut: bool) -> None:
        message.done, message.interrupted = True, cut
        if self._sound:
            self._say("response.output_audio.done", **self._at)
            self._say("response.output_audio_transcript.done", **self._at, transcript=message.text)
        else:
            self._say("response.output_text.done", **self._at, text=message.text)
        self._say("response.content_part.done", **self._at, part=self._part)
        self._done(message)

    def _done(self, item: Message) -> None:
        index, shown = self._outputs.index(item), item.shown(beta=self._beta)
        self._say("response.output_item.done", response_id=self.id, output_index=index, item=shown)
        if not self._beta and self._conversation is not None:
            self._say("conversation.item.done", item=shown)

    def _send(self, delta: str) -> None:
        if delta:
            self._say("response.output_audio.delta", live=self.id, **self._at, delta=delta)

    def _show(self, item: CurvesItem) -> None:
        """Tell curve frames; those before the first sound have negative times."""
        where = {key: self._at[key] for key in ("response_id", "item_id")}
        self._say(
            "rhapsode.face",
            live=self.id,
            **where,
            audio_ms=round((item.start - self._start) * 1000 / CLOCK_HZ, 3),
            curve_hz=CURVE_HZ,
            values=[[round(float(value), 4) for value in row] for row in item.values],
        )

    def _shown(self, status: str, reason: Reason | None = None) -> dict[str, Any]:
        made = [item.shown(beta=self._beta) for item in self._outputs] if self.over else []
        details: dict[str, Any] | None = None if reason is None else {"type": status, "reason": reason}
        if reason == "failed":
            details = {"type": status, "error": {"type": "server_error", "code": "conversation_ended"}}
        row: dict[str, Any] = {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": made,
            "conversation_id": self._conversation,
            "metadata": self._metadata,
            "usage": NO_USAGE if self.over else None,
            "max_output_tokens": "inf",
        }
        if self._beta:
            modalities = ["text", "audio"] if self._sound else ["text"]
            return row | {"modalities": modalities, "output_audio_format": BETA_NAMES[self._form]}
        return row | {"output_modalities": ["audio"] if self._sound else ["text"]}
