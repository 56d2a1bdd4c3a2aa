"""What a Realtime session tells of the person: speech, words while they are spoken, whole messages."""

from __future__ import annotations

from typing import Any

from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Called,
    Event,
    Fault,
    Heard,
    Partial,
    SpeechStarted,
    SpeechStopped,
)
from rhapsode.dialogue.turns import Question
from rhapsode.server.realtime.items import Item
from rhapsode.server.realtime.story import Spoken, Story
from rhapsode.server.realtime.update import RealtimeError

WAITING_KEPT = 100
"""Spoken messages that wait to be answered at most."""

_TRANSCRIPT = "conversation.item.input_audio_transcription"


class Hearing(Story):
    """Tells the client what the person says, and, as its base does, what is answered."""

    def _happened(self, event: Event) -> None:
        if isinstance(event, SpeechStarted | SpeechStopped):
            self._speech(event)
        elif isinstance(event, Partial):
            self._partly(event)
        elif isinstance(event, Heard):
            self._words(event)
        elif isinstance(event, Asked):
            self._asked(event)
        elif isinstance(event, Answering):
            self._answer(event.turn)
        elif isinstance(event, AnswerText):
            self._answer(event.turn).write(event.text)
        elif isinstance(event, Called):
            self._called(event)
        elif isinstance(event, Answered):
            self._answered(event)
        elif isinstance(event, Fault):
            self._failed(event)

    def _speech(self, event: SpeechStarted | SpeechStopped) -> None:
        if self._config.turn is None:
            return
        at, item = self.feed.ms_at(event.at), self._speaking()
        if isinstance(event, SpeechStarted):
            self._say("input_audio_buffer.speech_started", audio_start_ms=at, item_id=item.id)
            self._barged_in()
            return
        self._say("input_audio_buffer.speech_stopped", audio_end_ms=at, item_id=item.id)
        self._commit(item)
        if self._config.holds:
            self._unheard.append(Spoken(item))

    def _barged_in(self) -> None:
        """Take notice that the person speaks."""

    def _partly(self, event: Partial) -> None:
        """Tell words while they are spoken."""
        item = self._voiced if not self._unheard else self._unheard[0].item
        over = item is None or item.asked or item.question is not None
        if item is None or over or self._config.transcription is None:
            return
        if delta := item.settled.push(event.text):
            self._say(f"{_TRANSCRIPT}.delta", item_id=item.id, content_index=0, delta=delta)

    def _words(self, event: Heard) -> None:
        """Take the words of a message that waits to be answered then."""
        if not self._unheard and not event.text:
            return
        if not self._unheard:
            self._commit(item := self._speaking())
            self._unheard.append(Spoken(item))
        spoken = self._unheard.popleft()
        item = spoken.item
        item.text, item.language, item.done = event.text, event.language, True
        if self._config.transcription is not None and not spoken.failed:
            self._transcribed(item)
        if not self._beta:
            self._say("conversation.item.done", item=item.shown(beta=False))
        if event.text and not self._config.transcribes:
            about = (event.certainty, event.emotion, event.emotion_certainty)
            item.question = Question(event.text, event.language, *about)
            self._waiting.append(item)
            del self._waiting[:-WAITING_KEPT]
        self._proceed()

    def _asked(self, event: Asked) -> None:
        item, self._asking = self._asking, None
        if item is None and event.spoken:
            item, self._voiced, self._committed = self._voiced, None, False
        told = item is not None and (not item.spoken or item.question is not None)
        if item is None or item not in self._items:
            item = Item("user", event.text, spoken=event.spoken)
            self._add(item)
        if (item.spoken and not told) or not item.text:
            item.text = event.text
        if (before := self._items.asked_last) is not None and event.text.startswith(before.text):
            before.asked = not event.spoken  # who goes on after a pause asks once
        item.language, item.asked, item.done = event.language, True, True
        if item.spoken and not told and self._config.transcription is not None:
            self._transcribed(item)
        if not self._beta and not told:
            self._say("conversation.item.done", item=item.shown(beta=False))
        for other in self._waiting:
            other.asked = True
        self._waiting.clear()
        self._answer(event.turn)

    def _transcribed(self, item: Item) -> None:
        about: dict[str, Any] = {"item_id": item.id, "content_index": 0}
        if delta := item.settled.finish(item.text):
            self._say(f"{_TRANSCRIPT}.delta", **about, delta=delta)
        usage = {"type": "duration", "seconds": 0}
        self._say(f"{_TRANSCRIPT}.completed", **about, transcript=item.text, usage=usage)

    def _failed(self, event: Fault) -> None:
        if event.part == "hear" and (self._unheard or self._voiced is not None):
            item = self._voiced
            if self._unheard:
                self._unheard[0].failed, item = True, self._unheard[0].item
            else:
                self._voiced = None
            error = {"type": "server_error", "code": "hear", "message": event.message, "param": None}
            key = item.id if item else ""
            self._say(f"{_TRANSCRIPT}.failed", item_id=key, content_index=0, error=error)
            return
        self.complain(RealtimeError(event.message, code=event.part), kind="server_error")
        if self._place.talk.conversation is None:
            for answer in self._answers.values():
                answer.finish("failed")
            self._answers.clear()  # turns of the next conversation count from 1
            self._heard.clear()
            self._unheard.clear()
            self._proceed()

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
