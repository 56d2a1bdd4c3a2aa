"""Responses of a Realtime session: asked for, waited for, cancelled; in the conversation or beside it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass

from rhapsode.conversation.texts import MAX_TEXT
from rhapsode.errors import RhapsodeError
from rhapsode.server.place import Place
from rhapsode.server.realtime import asked
from rhapsode.server.realtime.answer import Answer, Reason
from rhapsode.server.realtime.config import Config
from rhapsode.server.realtime.hearing import Hearing
from rhapsode.server.realtime.items import Item
from rhapsode.server.realtime.outbox import Outbox
from rhapsode.server.realtime.update import RealtimeError

MOST_ASIDES = 4
"""Responses beside the conversation that are made at a time."""


@dataclass(frozen=True)
class Wish:
    """A response that is asked for.

    Args:
        wanted: what it is to be like.
        config: of the session, for this response.
        given: messages of the client for this response alone.
        cause: id of the event that asks for it.

    """

    wanted: asked.Wanted
    config: Config
    given: tuple[Item, ...]
    cause: str | None


class Responding(Hearing):
    """Makes responses.

    Args:
        place: of the conversation.
        outbox: sends events.
        voices: names of all voices.
        beta: whether the client speaks the beta of the API.
        requests: performances that may be asked for a minute.

    """

    def __init__(
        self, place: Place, outbox: Outbox, *, voices: tuple[str, ...], beta: bool, requests: float
    ) -> None:
        super().__init__(place, outbox, beta=beta, requests=requests)
        self._voices = voices
        self._wish: Wish | None = None  # waits for words, or for the end of an answer
        self._asides: dict[asyncio.Task[None], Answer] = {}

    def end_asides(self) -> None:
        """Make no further response beside the conversation."""
        for task in list(self._asides):
            task.cancel()

    @abstractmethod
    def _made(self, new: asked.NewItem) -> tuple[Item, str]:
        """Return an item of the client, and its sound, which may be empty."""

    def _respond(self, event: asked.Respond) -> None:
        wanted = event.response or asked.Wanted()
        if self._config.transcribes:
            message = 'this session transcribes; update it to {"type": "realtime"} to have answers'
            raise RealtimeError(message, code="unsupported_value", param="session.type")
        beside = wanted.conversation == "none"
        if not beside and (self._wish or any(not answer.over for answer in self._answers.values())):
            raise RealtimeError(
                "an answer is under way; cancel it, or wait for response.done",
                code="conversation_already_has_active_response",
            )
        if wanted.conversation not in (None, "auto", "none"):
            message = 'a response goes into the conversation ("auto") or beside it ("none")'
            raise RealtimeError(message, code="unsupported_value", param="response.conversation")
        once = self._config.changed(wanted, self._voices)
        given = tuple(self._made(new)[0] for new in wanted.input or ())
        wish = Wish(wanted, once, given, event.event_id)
        if beside:
            self._aside(wish)
            return
        self._check(wish)
        self._take_one()
        self._wish = wish
        self._proceed()

    def _check(self, wish: Wish) -> None:
        """Refuse a wish for which there is nothing to answer."""
        there = self._unheard or self._committed or self._texts(wish) or wish.wanted.instructions
        if not there and self._scripted and self._conversation.history:
            raise RealtimeError("there is nothing to answer; create an item first", code="nothing_to_answer")

    def _take_one(self) -> None:
        if wait := self._place.wishes.take(asyncio.get_running_loop().time()):
            message = f"{self._requests:g} answers a minute may be asked for; try again in {wait:.0f} s"
            raise RealtimeError(message, code="rate_limit_exceeded")

    @property
    def _scripted(self) -> bool:
        """Whether nobody but a script answers."""
        return self._place.talk.settings.think.kind == "script"

    def _texts(self, wish: Wish) -> list[Item]:
        """Return the messages that wait for an answer: the newest that fit into one question."""
        there = [item for item in (*self._waiting, *wish.given) if item.role == "user" and item.text]
        while len(there) > 1 and sum(len(item.text) + 1 for item in there) > MAX_TEXT:
            del there[0]
        return there

    def _proceed(self) -> None:
        """Begin the response that is asked for, if all that it waits for is there."""
        if (wish := self._wish) is None or self._unheard:
            return
        texts = self._texts(wish)
        if not texts and not self._committed and not self._all_heard:
            return
        self._wish = None
        try:
            self._begin(wish, texts)
        except RhapsodeError as error:
            self._once = self._config
            self.complain(error, cause=wish.cause)

    @property
    def _all_heard(self) -> bool:
        """Whether what was said in front of a call, or so far, was heard to its end."""
        return all(turn in self._heard for turn in self._answers)

    def _begin(self, wish: Wish, texts: list[Item]) -> None:
        if not self._all_heard:
            self._place.talk.interrupt()  # ends with the settings of its own response
        self._once, self._wanted = wish.config, wish.wanted
        self._place.talk.apply()
        if self._committed:
            self._committed = False
            self.feed.then(self._end_turn)
            return
        self._asking = self._waiting[-1] if self._waiting else None
        try:
            if len(texts) == 1 and texts[0].question is not None:
                self._conversation.answer(texts[0].question)
            elif texts:
                self._conversation.ask("\n".join(item.text for item in texts))
            elif self._scripted and wish.wanted.instructions:
                self._conversation.ask(wish.wanted.instructions)
            elif self._scripted and self._conversation.history:
                raise RealtimeError("no words were understood; say it again", code="nothing_to_answer")
            else:
                self._answer(self._conversation.go_on())
        finally:
            self._asking = None

    def _end_turn(self) -> None:
        if (conversation := self._place.talk.conversation) is not None:
            conversation.end_turn()

    def _barged_in(self) -> None:
        """The person speaks: what was to follow an answer is not wanted any more."""
        turn = self._config.turn
        if self._wish is not None and not self._unheard and turn and turn.interrupt_response is not False:
            self._drop(self._wish, "turn_detected")

    def _drop(self, wish: Wish, reason: Reason) -> None:
        """Tell that a response will not come that has not begun."""
        self._wish = None
        self._new_answer(0, wish.wanted, wish.config).finish(reason)

    def _cancel(self, key: str | None) -> None:
        for task, answer in list(self._asides.items()):
            if answer.id == key:
                task.cancel()
                answer.finish("client_cancelled")
                return
        if self._wish is not None and key is None:
            self._drop(self._wish, "client_cancelled")
            return
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

    # Beside the conversation

    def _aside(self, wish: Wish) -> None:
        if wish.config.sound:
            message = 'a response beside the conversation is text; ask with "output_modalities": ["text"]'
            raise RealtimeError(message, code="unsupported_value", param="response.output_modalities")
        if self._scripted:
            message = "a script answers in its conversation only; set think.kind to model or both"
            raise RealtimeError(message, code="unsupported_value", param="response.conversation")
        if len(self._asides) >= MOST_ASIDES:
            message = f"{MOST_ASIDES} responses beside the conversation are under way; wait for one"
            raise RealtimeError(message, code="rate_limit_exceeded")
        self._take_one()
        items = wish.given if wish.wanted.input is not None else tuple(self._items)
        text = "\n".join(f"{item.role}: {item.text}" for item in items if item.text)
        answer = self._new_answer(0, wish.wanted, wish.config, beside=True)
        instruction = wish.config.instructions or "Answer."
        task = asyncio.ensure_future(self._write_aside(answer, instruction, text, wish.cause))
        self._asides[task] = answer
        task.add_done_callback(lambda done: self._asides.pop(done, None))

    async def _write_aside(self, answer: Answer, instruction: str, text: str, cause: str | None) -> None:
        try:
            answer.write(await self._conversation.aside(instruction, text or "(nothing was said yet)"))
            answer.finish()
        except RhapsodeError as error:
            self.complain(error, cause=cause, kind="server_error")
            answer.finish("failed")
