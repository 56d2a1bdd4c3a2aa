"""One connected client: its requests become calls of its session."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from rhapsode.errors import InputError, RhapsodeError, SettingError
from rhapsode.face.direction import Direction
from rhapsode.live.asked import Speech, Take
from rhapsode.server.access import Bucket
from rhapsode.server.messages import (
    Ask,
    ClientMessage,
    EndTurn,
    Forget,
    Hello,
    MessageError,
    Mic,
    Ping,
    PlayTake,
    Position,
    Record,
    Sample,
    Say,
    SinkAdd,
    SinkRemove,
    SinkSet,
    Stop,
    TalkIn,
    live_controls,
    parse_message,
)
from rhapsode.server.microphone import Microphone, cleaning, read_packet
from rhapsode.server.place import Backstage, Place
from rhapsode.server.samples import find_sample
from rhapsode.server.talk_client import Wishes
from rhapsode.server.viewer import Viewer

BURST_S = 4.0
"""Messages of so many seconds may come at once: what piles up where a network stands still for a moment."""

COMPLAIN_S = 1.0
"""What is wrong with the sound of a microphone is said at most so often."""


class TooManyError(RhapsodeError):
    """A client sends more than it may; the connection cannot go on."""


class Client:
    """Stands between a connection and a session.

    Args:
        viewer: sends.
        backstage: what all sessions share.
        trusted: whether the page is the server's own, or a program.

    Attributes:
        viewer: sends.
        place: its session with what belongs to it; None before and after.
        follows: the session that it only looks at, or "latest"; None for its own.
        over: done once the session cannot go on.

    """

    def __init__(self, viewer: Viewer, backstage: Backstage, *, trusted: bool = True) -> None:
        settings = backstage.settings
        self.viewer, self._backstage, self._trusted = viewer, backstage, trusted
        self.place: Place | None = None
        self.follows: str | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._mic: Microphone | None = None
        self._to = "face"
        self._talk = Wishes(self.complain)
        self._complained = float("-inf")
        self._messages = Bucket(settings.max_messages_s, BURST_S * settings.max_messages_s)
        self._wishes = Bucket(settings.max_says_minute / 60, settings.max_says_minute)

    def close(self) -> None:
        """Ask for nothing more."""
        self._talk.close()

    def fail(self, error: BaseException) -> None:
        """Hear that the session cannot go on."""
        if not self.over.done():
            self.over.set_exception(error)

    async def take(self, data: str | bytes) -> None:
        """Do what a message asks for, or tell why it cannot be done.

        Raises:
            MessageError: it is no message; the connection cannot go on.
            TooManyError: too many come; the connection cannot go on.

        """
        if self._messages.take(self._now()):
            most = self._backstage.settings.max_messages_s
            raise TooManyError(f"a client may send {most:g} messages a second, got more; send larger pieces")
        try:
            if isinstance(data, str):
                await self.handle(parse_message(data))
            else:
                self.hear(data)
        except MessageError:
            raise
        except (InputError, RhapsodeError) as error:
            if isinstance(data, str):
                self.complain(str(error))
            elif self._now() - self._complained >= COMPLAIN_S:
                self._complained = self._now()
                self.complain(str(error))

    def complain(self, message: str) -> None:
        """Tell the client that something cannot be done."""
        self.viewer.tell({"type": "error", "message": message, "fatal": False})

    async def handle(self, message: ClientMessage) -> None:
        """Do what a client asks for.

        Raises:
            RhapsodeError: it cannot be done; the session goes on.

        """
        if isinstance(message, Ping):
            self.viewer.tell({"type": "pong", "t": message.t})
            return
        if isinstance(message, Hello) and not message.directs:
            return
        if self.place is None:
            return
        if self.follows is not None:
            if isinstance(message, Hello | Position):
                return
            raise InputError(f"this connection only looks on and cannot ask for '{message.type}'")
        session = self.place.session
        if isinstance(message, Hello):
            session.direct(direction_of(message, session.direction.weights))
        elif isinstance(message, Stop):
            self._talk.drop()
            self.place.talk.interrupt()
        elif isinstance(message, Position):
            if message.state in ("started", "playing"):
                session.heard_at(message.generation, message.sample)
        elif isinstance(message, Mic):
            await self._listen(message)
        elif isinstance(message, Say | Ask | Sample | PlayTake):
            await self._perform(message)
        elif isinstance(message, EndTurn):
            self._talk.do(self.place, lambda talk: talk.end_turn())
        elif isinstance(message, Forget):
            self.place.talk.forget()
        elif isinstance(message, TalkIn):
            self.place.talk.language = message.language
        else:
            await self._direct_out(message)

    def hear(self, data: bytes) -> None:
        """Take a binary message.

        Raises:
            MessageError: it is no packet; the connection cannot go on.
            InputError: its sound cannot be used; the session goes on.

        """
        packet = read_packet(data)
        if self.place is None or self._mic is None or self.place.owner is not self:
            raise InputError('sound came while the microphone is off; send {"type": "mic", "on": true} first')
        sound = self._mic.read(packet)
        if self._to == "face":
            self.place.session.hear(sound)
        else:
            self.place.talk.hear(sound)
        level = self._mic.level(self._now())
        if level is not None:
            self.place.tell(level)

    async def _listen(self, message: Mic) -> None:
        place = self.place
        assert place is not None
        if message.on and message.to == "talk":
            place.deafen()
            place.talk.listen(message.sample_rate)
            self._talk.do(place, lambda talk: None)
            self._mic, self._to, place.owner = Microphone(message.sample_rate), "talk", self
        elif message.on:
            making = partial(cleaning, denoise=message.denoise, vad=message.vad)
            process = await asyncio.get_running_loop().run_in_executor(self._backstage.disk, making)
            if self.place is not place:
                return
            place.deafen()
            place.session.listen(message.sample_rate, process=process)
            self._mic, self._to, place.owner = Microphone(message.sample_rate), "face", self
        elif place.owner is self:
            self._mic = None
            place.deafen()

    async def _perform(self, message: Say | Ask | Sample | PlayTake) -> None:
        place = self.place
        assert place is not None
        session = place.session
        wait = self._wishes.take(self._now())
        if wait:
            most = self._backstage.settings.max_says_minute
            raise InputError(f"{most:g} performances a minute may be asked for; try again in {wait:.0f} s")
        if isinstance(message, Ask):
            self._talk.do(place, lambda talk: talk.ask(message.text, language=message.language))
        elif isinstance(message, Say) and place.talk.available:
            self._talk.do(
                place,
                lambda talk: talk.say(message.text, language=message.language),
                otherwise=lambda: session.say(message.text),
            )
        elif isinstance(message, Say):
            session.say(message.text)
        elif isinstance(message, Sample):
            engine, sample = self._backstage.engine, find_sample(message.name)
            place.talk.hush()
            session.perform(Speech(sample.text, "sample", lambda: engine.play(sample.path)))
        else:
            takes, loop = self._backstage.takes, asyncio.get_running_loop()
            facts = await loop.run_in_executor(self._backstage.disk, takes.facts, message.id)
            part = (message.id, message.start_s, message.end_s)
            performance = await loop.run_in_executor(self._backstage.disk, takes.read, *part)
            place.talk.hush()
            session.perform(Take(facts.text or facts.name, performance))

    async def _direct_out(self, message: Record | SinkAdd | SinkSet | SinkRemove) -> None:
        place = self.place
        assert place is not None
        if not self._trusted and not self._backstage.settings.allow_sinks:
            raise SettingError(
                "pages of other addresses may not record or add sinks; the server's --allow-sinks lets them"
            )
        if isinstance(message, Record):
            await (place.record(message.name) if message.on else place.end_record())
            return
        if isinstance(message, SinkAdd):
            await place.outputs.add(message.url)
        elif isinstance(message, SinkSet):
            place.outputs.move(message.id, message.offset_ms)
        else:
            await place.outputs.remove(message.id)
        place.tell_sinks()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def direction_of(hello: Hello, weights: str | Path) -> Direction:
    """Return how a client wants to be played.

    Raises:
        InputError: a style, an emotion or a control is unknown or out of range.

    """
    controls = live_controls(hello)
    return Direction(
        weights, hello.style, hello.strength, hello.seed, emotion=hello.emotion, controls=controls
    )
