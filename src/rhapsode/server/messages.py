"""What a client may say, checked where it comes in; protocol 3.

In, as JSON text; unknown types and fields close the connection:

    {"type": "hello", "style": "natural", "strength": 1.0, "seed": 0, "emotion": "joy:0.6",
     "controls": {"lower_strength": 1.2, "gains": {"jawOpen": 1.1}},        settings, all optional
     "session": "<id>", "follow": "latest" or "<id>"}                       in the first message only
    {"type": "say", "text": "Hello there.", "language": ""}    may hold marks where a conversation can be had
    {"type": "sample", "name": "boats"}
    {"type": "take", "id": "20260301-120000-1f2e", "start_s": 0, "end_s": null}
    {"type": "ask", "text": "When do you open?", "language": ""}           a written question
    {"type": "end_turn"}                                       push to talk: the person has said it all
    {"type": "forget"}                                         empties the history
    {"type": "talk", "language": "zh"}                         the language that this session listens for:
                                                               "auto" finds it out, "" is the settings' own
    {"type": "stop"}                                           silences everything
    {"type": "mic", "on": true, "sample_rate": 48000}          then binary sound packets of that rate;
                                                               "denoise", "vad": true clean it here;
                                                               "to": "talk": the conversation hears it
    {"type": "mic", "on": false}
    {"type": "record", "on": true, "name": "Greeting"}
    {"type": "sink_add", "url": "vmc://127.0.0.1:39539?offset_ms=40"}
    {"type": "sink_set", "id": "s1", "offset_ms": 40}
    {"type": "sink_remove", "id": "s1"}
    {"type": "position", "generation": 3, "sample": 51200, "state": "playing"}      what is heard now
    {"type": "ping", "t": 123.4}

Out, as JSON text (binary messages both ways: `rhapsode.protocols.stage_packets`):

    {"type": "ready", "protocol": 3, "session": "<id>", "resumed": false, "generation": 0, "clock_hz": 16000,
     "curve_hz": 50, "sample_rate": 24000, "sound": "packets" or "track", "names": [61 channel names],
     "talk": {"available", "why", "languages", "language", "script", "kind"}}
    {"type": "begin", "generation": 1, "start": 48000, "sample_rate": 24000, "text": "Hello there.",
     "kind": "text", "sample" or "take"}
    {"type": "words", "generation": 1, "words": [["Hello", 48960, 53200], ...]}     clock samples
    {"type": "end", "generation": 1, "sample": 68800}         the sound ends here; life goes on after it
    {"type": "idle", "generation": 2, "start": 70400}         nothing is spoken; curves of life follow
    {"type": "listen", "generation": 2, "start": 70400}       the microphone moves the face, unheard
    {"type": "level", "rms_db": -23.1, "activity": 0.7}       ten times a second while the microphone is on
    {"type": "talk", "event": "state_changed", "state": "thinking"}      what happens in the conversation:
                                                              `rhapsode.conversation.events` in snake case
                                                              with their fields; ``at`` becomes "ago_ms"
    {"type": "talk", "event": "history", "turns": [{"role", "text", "language", "interrupted"}], "state"}
                                                              to newcomers, and once it was emptied
    {"type": "sinks", "sinks": [{"id", "url", "state", "error", "rate", "offset_ms", "sent", "dropped",
     "latency_ms"}]}                                          on each change, and once a second
    {"type": "metrics", "engine_ms", "chunk_to_packet_ms", "ahead_ms", "queued", "dropped", "sessions",
     "real_time_factor"}                                      once a second; spreads: [median, 95th] or null
    {"type": "recording", "on": true, "id": "...", "seconds": 3.2, "error": null}
    {"type": "track", "generation": 3, "sample": 51200, "rtp": 123456}        WebRTC only: this clock sample
                                                              goes out on the audio track at this RTP time
    {"type": "pong", "t": 123.4}
    {"type": "error", "message": "...", "fatal": false}       after a fatal one the connection closes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rhapsode.errors import InputError, SettingError
from rhapsode.face.controls import Controls, read_controls

PROTOCOL = 3
MAX_MESSAGE_BYTES = 32 * 1024
"""A longer text message is refused, and the connection closed."""

MAX_PACKET_BYTES = 64 * 1024
"""The same for binary messages: 0.17 s of sound at 192 kHz, 0.68 s at 48 kHz."""

MAX_EVENT_BYTES = 1 << 20
"""A longer message closes any WebSocket unread; it is 16 s of sound of the Realtime API."""

MIC_HZ = (8_000, 192_000)
"""Lowest and highest rate of a microphone."""

Language = Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", max_length=40)]
"""BCP 47 tag; empty to find out."""

Tongue = Annotated[str, Field(pattern=r"^(auto|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", max_length=40)]
"""BCP 47 tag; "auto" to find out; empty for what the settings say."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Hello(_Message):
    """How this session is to be played, and which session it is."""

    type: Literal["hello"]
    style: Annotated[str, Field(max_length=40)] = "natural"
    strength: Annotated[float, Field(ge=0, le=2)] = 1.0
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    emotion: Annotated[str, Field(max_length=200)] = ""
    controls: Annotated[Mapping[str, float | dict[str, float] | None], Field(max_length=20)] = {}
    session: Id | None = None
    follow: Id | None = None

    @property
    def directs(self) -> bool:
        """Whether it holds settings."""
        return bool(self.model_fields_set - {"type", "session", "follow"})


class Say(_Message):
    """Speak a text."""

    type: Literal["say"]
    text: str
    language: Language = ""


class Ask(_Message):
    """Answer a question."""

    type: Literal["ask"]
    text: str
    language: Language = ""


class EndTurn(_Message):
    """Take what was said as a whole question."""

    type: Literal["end_turn"]


class Forget(_Message):
    """Empty the history."""

    type: Literal["forget"]


class TalkIn(_Message):
    """Say what language this session's conversation listens for; `language` comes back in ``ready``."""

    type: Literal["talk"]
    language: Tongue


class Sample(_Message):
    """Play one of the sample recordings."""

    type: Literal["sample"]
    name: Annotated[str, Field(max_length=80)]


class PlayTake(_Message):
    """Play a recorded take, or a part of it."""

    type: Literal["take"]
    id: Id
    start_s: Annotated[float, Field(ge=0)] = 0.0
    end_s: Annotated[float, Field(ge=0)] | None = None


class Stop(_Message):
    """Fall silent at once."""

    type: Literal["stop"]


class Mic(_Message):
    """Turn the microphone on or off, for the face or for the conversation.

    For the face, ``denoise`` takes noise out and ``vad`` lets voices alone through; a conversation goes by
    its settings.
    """

    type: Literal["mic"]
    on: bool
    sample_rate: Annotated[int, Field(ge=MIC_HZ[0], le=MIC_HZ[1])] = 48_000
    denoise: bool = False
    vad: bool = False
    to: Literal["face", "talk"] = "face"


class Record(_Message):
    """Begin or end a take."""

    type: Literal["record"]
    on: bool
    name: Annotated[str, Field(max_length=200)] = ""


class SinkAdd(_Message):
    """Send the performance to one more sink."""

    type: Literal["sink_add"]
    url: Annotated[str, Field(max_length=1000)]


class SinkSet(_Message):
    """Serve a sink earlier or later."""

    type: Literal["sink_set"]
    id: Id
    offset_ms: Annotated[float, Field(ge=-10_000, le=10_000)]


class SinkRemove(_Message):
    """Take a sink away."""

    type: Literal["sink_remove"]
    id: Id


class Position(_Message):
    """What is heard at the client now."""

    type: Literal["position"]
    generation: Annotated[int, Field(ge=0, lt=2**32)]
    sample: Annotated[int, Field(ge=0, lt=2**53)]
    state: Literal["started", "playing", "finished", "interrupted"]


class Ping(_Message):
    """Asks for a pong."""

    type: Literal["ping"]
    t: float


ClientMessage = (
    Hello
    | Say
    | Ask
    | EndTurn
    | Forget
    | TalkIn
    | Sample
    | PlayTake
    | Stop
    | Mic
    | Record
    | SinkAdd
    | SinkSet
    | SinkRemove
    | Position
    | Ping
)

_READER: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_TYPES = (
    "hello, say, ask, end_turn, forget, talk, sample, take, stop, mic, record, sink_add, sink_set, "
    "sink_remove, position or ping"
)


class MessageError(InputError):
    """A client said what the protocol does not know; the connection cannot go on."""


def live_controls(hello: Hello) -> Controls | None:
    """Return the controls of ``hello``.

    Raises:
        InputError: one is unknown, out of range, or cannot be had live.

    """
    controls = read_controls(hello.controls) if hello.controls else None
    if controls and controls.prediction_offset < 0:
        raise SettingError(
            f"live, prediction_offset must lie in [0, 0.5], got {controls.prediction_offset:g}; "
            "a face can be early only where the sound is known ahead"
        )
    return controls


def parse_message(text: str) -> ClientMessage:
    """Read one text message of a client.

    Raises:
        MessageError: it is too long, no JSON, of an unknown type, or has wrong fields.

    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_MESSAGE_BYTES:
        raise MessageError(f"a message may hold {MAX_MESSAGE_BYTES} bytes, got {size}; send less at once")
    try:
        return _READER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise MessageError(
            f"a text message must be a JSON object of type {_TYPES}, and sound a binary packet; "
            f"{where}: {first['msg']}"
        ) from None
