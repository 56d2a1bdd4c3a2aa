"""What one connection is sent: the items of a session as messages, in order, as fast as it reads them."""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from rhapsode.errors import RhapsodeError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import BeginItem, CurvesItem, IdleItem, Item, ListenItem, SoundItem
from rhapsode.live.metrics import Window
from rhapsode.live.performer import SPEECH_AHEAD_S
from rhapsode.live.session import Session
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP
from rhapsode.protocols.stage_packets import BonesPacket, CurvesPacket, SoundPacket
from rhapsode.rigs import FACE
from rhapsode.server.backgrounds import background_message, key_of
from rhapsode.server.item_messages import told
from rhapsode.server.messages import PROTOCOL

LIFE_KEPT = 200
"""Curve frames that wait for a connection at most (4 s) once they are past; older ones are left out."""

SOUND_KEPT_S = 3 * SPEECH_AHEAD_S
"""Sound that waits for a connection at most; who reads slower than that is let go."""

STUCK_S = 20.0
"""A connection that takes nothing for so long is let go."""

TOLD_KEPT = 1000
"""Text messages that wait at most."""

_NEWEST_ONLY = ("metrics", "sinks", "recording", "level", "track")


class SlowClientError(RhapsodeError):
    """A client does not read what it is sent; the connection cannot go on."""


class Channel(Protocol):
    """A connection: text and binary messages both ways, in order."""

    async def receive(self) -> str | bytes | None:
        """Return the next message; None once the other side is gone."""

    async def send(self, data: str | bytes, *, live: bool = False) -> None:
        """Send a message; may wait as long as the connection needs.

        Args:
            data: text or bytes.
            live: better lost than late.

        """

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection."""


class Speaker(Protocol):
    """Plays sound in place of the connection's packets.

    Attributes:
        viewer: set by the viewer whose sound it plays, to be told of it.

    """

    viewer: Viewer | None

    def turn_to(self, timeline: Timeline) -> None:
        """Play what follows on ``timeline``."""

    def offer(self, item: Item) -> None:
        """Take an item of the session."""

    def interrupted(self, generation: int) -> None:
        """Forget what is not heard yet."""


class Viewer:
    """Sends a session through a connection; an `rhapsode.live.outlet.Outlet`.

    Args:
        channel: the connection.
        speaker: plays the sound; None where packets of sound are sent.

    Attributes:
        dropped: curve frames left out because the connection is slow.
        packet_ms: time from the sound of a microphone coming in to its curves being sent, milliseconds.

    """

    def __init__(self, channel: Channel, speaker: Speaker | None = None) -> None:
        self._channel, self._speaker = channel, speaker
        if speaker is not None:
            speaker.viewer = self
        self._session: Session | None = None
        self._moved = False
        self._resumed = False
        self._talk: dict[str, Any] = {}
        self._waiting: deque[Item | dict[str, Any]] = deque()
        self._sound_s = 0.0
        self._news = asyncio.Event()
        self._listening = False
        self._sent_upto = 0
        self._background: tuple[str, int] | None = None  # what was told: which, and its level, dB
        self.dropped = 0
        self.packet_ms = Window()

    @property
    def waiting(self) -> int:
        """How many messages wait to be sent."""
        return len(self._waiting)

    @property
    def ahead_ms(self) -> float | None:
        """How far ahead of the clock the curves sent last are, in milliseconds."""
        if self._session is None or not self._sent_upto:
            return None
        now = asyncio.get_running_loop().time()
        return round((self._session.timeline.time_of(self._sent_upto) - now) * 1000, 1)

    def watch(
        self, session: Session, *, resumed: bool = False, talk: Mapping[str, Any] | None = None
    ) -> None:
        """Send ``session`` from now on, in place of the one before; ``talk`` tells of its conversation."""
        if self._session is not None:
            self._session.detach(self)
        self._session, self._resumed, self._moved = session, resumed, True
        self._talk = {} if talk is None else dict(talk)
        self._news.set()

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, ListenItem):
            self._listening = True
        elif isinstance(item, BeginItem | IdleItem):
            self._listening = False
        if isinstance(item, SoundItem):
            if self._listening:
                return  # nobody wants to hear his own microphone
            if self._speaker is None:
                self._sound_s += len(item.samples) / item.sample_rate
        if self._speaker is not None:
            self._speaker.offer(item)
            if isinstance(item, SoundItem):
                return
        self._waiting.append(item)
        if isinstance(item, CurvesItem) and not self._sound_s:
            self._leave_out_old_life()
        self._news.set()

    def interrupted(self, generation: int) -> None:
        """Forget what is older than ``generation`` and not sent yet."""
        self._waiting = deque(i for i in self._waiting if isinstance(i, dict) or i.generation >= generation)
        self._sound_s = sum(len(i.samples) / i.sample_rate for i in self._waiting if isinstance(i, SoundItem))
        if self._speaker is not None:
            self._speaker.interrupted(generation)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a text message in its turn; of readings only the newest waits."""
        if message["type"] in _NEWEST_ONLY:
            for old in self._waiting:
                if isinstance(old, dict) and old["type"] == message["type"]:
                    self._waiting.remove(old)
                    break
        if sum(isinstance(one, dict) for one in self._waiting) < TOLD_KEPT:
            self._waiting.append(message)
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            SlowClientError: the client does not read.

        """
        try:
            while True:
                if self._moved:
                    await self._turn()
                await self._news.wait()
                self._news.clear()
                await self._tell_background()
                while self._waiting and not self._moved:
                    await self._send_one(self._waiting.popleft())
        finally:
            if self._session is not None:
                self._session.detach(self)

    async def _turn(self) -> None:
        """Greet for a session and begin to take its items."""
        session = self._session
        assert session is not None
        await session.ready.wait()
        if session is not self._session:
            return
        self._moved = False
        self._waiting = deque(one for one in self._waiting if isinstance(one, dict))
        self._sound_s, self._listening, self._sent_upto = 0.0, False, 0
        self._background = None
        await self._send(
            {
                "type": "ready",
                "protocol": PROTOCOL,
                "session": session.id,
                "resumed": self._resumed,
                "generation": session.generation,
                "clock_hz": CLOCK_HZ,
                "curve_hz": CURVE_HZ,
                "sample_rate": SAMPLE_RATE,
                "sound": "packets" if self._speaker is None else "track",
                "names": list(FACE.channels),
                "talk": self._talk,
            }
        )
        if not self._moved:
            if self._speaker is not None:
                self._speaker.turn_to(session.timeline)
            session.attach(self)

    async def _tell_background(self) -> None:
        """Tell who gets packets of sound of the background that runs, whenever it is another or louder."""
        if self._session is None or self._speaker is not None:
            return
        bed = self._session.timeline.bed
        now = None if bed is None else (key_of(bed), round(20 * math.log10(bed.level + 1e-9)))
        if now != self._background:
            self._background = now
            await self._send(background_message(bed, asyncio.get_running_loop().time()))

    async def _send_one(self, item: Item | dict[str, Any]) -> None:
        if isinstance(item, dict):
            await self._send(item)
        elif isinstance(item, SoundItem):
            if self._sound_s > SOUND_KEPT_S:
                raise SlowClientError(
                    f"{self._sound_s:.0f} s of sound wait to be read, at most {SOUND_KEPT_S:.0f} may; "
                    "read faster and connect again"
                )
            self._sound_s = max(self._sound_s - len(item.samples) / item.sample_rate, 0.0)
            await self._send(bytes(SoundPacket(item.generation, item.start, item.samples, item.sample_rate)))
        elif isinstance(item, CurvesItem):
            if item.bones:
                bones = BonesPacket.of(item.generation, item.start, item.bones)
                await self._send(bytes(bones), live=item.sound_at is not None)
            packet = bytes(CurvesPacket(item.generation, item.start, item.values))
            await self._send(packet, live=item.sound_at is not None)
            self._sent_upto = item.start + len(item.values) * HOP
            if item.sound_at is not None:
                self.packet_ms.add((asyncio.get_running_loop().time() - item.sound_at) * 1000)
        else:
            await self._send(told(item))

    async def _send(self, message: dict[str, Any] | bytes, *, live: bool = False) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False)
        try:
            async with asyncio.timeout(STUCK_S):
                await self._channel.send(data, live=live)
        except TimeoutError:
            raise SlowClientError(
                f"the client took nothing for {STUCK_S:.0f} s; read on and connect again"
            ) from None

    def _leave_out_old_life(self) -> None:
        kept = sum(len(item.values) for item in self._curves_waiting())
        now = asyncio.get_running_loop().time()
        while kept > LIFE_KEPT:
            old = next(self._curves_waiting())
            over = old.start + len(old.values) * HOP
            if self._session is not None and self._session.timeline.time_of(over) > now:
                return  # speech that was made ahead
            self._waiting.remove(old)
            kept -= len(old.values)
            self.dropped += len(old.values)

    def _curves_waiting(self) -> Iterator[CurvesItem]:
        return (item for item in self._waiting if isinstance(item, CurvesItem))
