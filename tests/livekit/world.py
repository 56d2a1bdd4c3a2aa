"""Rooms of LiveKit without a server: participants, byte streams and remote calls between processes in one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from livekit import rtc

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


@dataclass
class Info:
    """Of a byte stream."""

    stream_id: str
    attributes: dict[str, str]


class Stream:
    """A byte stream: what is written at one end is read at the other."""

    def __init__(self, number: int, attributes: dict[str, str]) -> None:
        self.info = Info(f"stream-{number}", attributes)
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        self._queue.put_nowait(data)

    async def aclose(self) -> None:
        self._queue.put_nowait(None)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        data = await self._queue.get()
        if data is None:
            raise StopAsyncIteration
        return data


@dataclass
class Local:
    """The participant that a room was joined as."""

    identity: str
    room: Room
    published: list[Any] = field(default_factory=list)
    _rpc_handlers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and payload of each that was made

    def register_rpc_method(self, method: str, handler: Any) -> None:
        self._rpc_handlers[method] = handler

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        await asyncio.sleep(0.005)  # the way there
        self.calls.append((method, payload))
        target = self.room.world.rooms.get(destination_identity)
        if target is None:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND, "nobody there")
        handler = target.local_participant._rpc_handlers.get(method)
        if handler is None:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD, method)
        data = rtc.RpcInvocationData("1", self.identity, payload, 10.0)
        return str(handler(data))

    async def stream_bytes(
        self, *, name: str, topic: str, destination_identities: list[str], attributes: dict[str, str]
    ) -> Stream:
        self.room.world.streams += 1
        stream = Stream(self.room.world.streams, attributes)
        for identity in destination_identities:
            handler = self.room.world.rooms[identity].byte_handlers.get(topic)
            if handler is not None:
                handler(stream, self.identity)
        return stream

    async def publish_track(self, track: Any, options: Any) -> Any:
        self.published.append(track)
        return self

    async def wait_for_subscription(self) -> None:
        pass


@dataclass
class Remote:
    """Another participant as a room knows it."""

    identity: str
    kind: Any
    state: Any = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE


class Room(rtc.EventEmitter[str]):  # type: ignore[misc]
    """What one process has joined."""

    def __init__(self, world: World, identity: str, kind: Any) -> None:
        super().__init__()
        self.world, self.kind, self.name = world, kind, "nowhere"
        self.local_participant = Local(identity, self)
        self.remote_participants: dict[str, Remote] = {}
        self.byte_handlers: dict[str, Any] = {}
        self._connected = True

    def isconnected(self) -> bool:
        return self._connected

    def register_byte_stream_handler(self, topic: str, handler: Any) -> None:
        if topic in self.byte_handlers:
            raise ValueError(f"byte stream handler for topic '{topic}' already set")
        self.byte_handlers[topic] = handler

    def unregister_byte_stream_handler(self, topic: str) -> None:
        self.byte_handlers.pop(topic, None)

    def listeners(self) -> int:
        return sum(len(held) for held in self._events.values())

    def leave(self) -> None:
        """Leave the room, or be thrown out."""
        self._connected = False
        identity = self.local_participant.identity
        del self.world.rooms[identity]
        for other in self.world.rooms.values():
            other.emit("participant_disconnected", other.remote_participants.pop(identity))
        self.emit("connection_state_changed", rtc.ConnectionState.CONN_DISCONNECTED)
        self.emit("disconnected", "left")


class World:
    """Everybody in one room, each in a process that is thought of."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.streams = 0

    def join(self, identity: str, kind: Any = AGENT) -> Room:
        room = Room(self, identity, kind)
        for other in self.rooms.values():
            room.remote_participants[other.local_participant.identity] = Remote(
                other.local_participant.identity, other.kind
            )
            other.remote_participants[identity] = Remote(identity, kind)
        self.rooms[identity] = room
        for other in self.rooms.values():
            if other is not room:
                for event in ("participant_connected", "participant_active"):
                    other.emit(event, other.remote_participants[identity])
        return room
