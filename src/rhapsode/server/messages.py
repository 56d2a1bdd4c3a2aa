"""What a client may say over the WebSocket, checked where it comes in.

In, as JSON text:

    {"type": "hello", "style": "natural", "strength": 1.0, "seed": 0, "emotion": "joy:0.6",
     "controls": {"lower_strength": 1.2, "gains": {"jawOpen": 1.1}}}
                                                              settings; all optional, emotion also "auto"
    {"type": "say", "text": "Hello there."}
    {"type": "sample", "name": "boats"}
    {"type": "stop"}

Out, as JSON text (binary messages: `rhapsode.protocols.stage_packets`):

    {"type": "ready", "protocol": 1, "generation": 0, "clock_hz": 16000, "curve_hz": 50,
     "sample_rate": 24000, "names": [61 channel names]}
    {"type": "begin", "generation": 1, "start": 48000, "sample_rate": 24000, "text": "Hello there."}
    {"type": "words", "generation": 1, "words": [["Hello", 48960, 53200], ...]}     clock samples
    {"type": "end", "generation": 1, "sample": 68800}         the sound ends here; life goes on after it
    {"type": "idle", "generation": 2, "start": 70400}         nothing is spoken; curves of life follow
    {"type": "error", "message": "...", "fatal": false}       after a fatal one the connection closes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rhapsode.errors import InputError, SettingError
from rhapsode.face.controls import Controls, read_controls

PROTOCOL = 1
MAX_MESSAGE_BYTES = 32 * 1024
"""A longer text message is refused, and the connection closed."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Message):
    """How this session is to be played."""

    type: Literal["hello"]
    style: Annotated[str, Field(max_length=40)] = "natural"
    strength: Annotated[float, Field(ge=0, le=2)] = 1.0
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    emotion: Annotated[str, Field(max_length=200)] = ""
    controls: Annotated[Mapping[str, float | dict[str, float] | None], Field(max_length=20)] = {}


class Say(_Message):
    """Speak a text."""

    type: Literal["say"]
    text: str


class Sample(_Message):
    """Play one of the sample recordings."""

    type: Literal["sample"]
    name: Annotated[str, Field(max_length=80)]


class Stop(_Message):
    """Fall silent at once."""

    type: Literal["stop"]


ClientMessage = Hello | Say | Sample | Stop

_READER: TypeAdapter[ClientMessage] = TypeAdapter(
    Annotated[Hello | Say | Sample | Stop, Field(discriminator="type")]
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
            f"a message must be a JSON object of type hello, say, sample or stop; {where}: {first['msg']}"
        ) from None
