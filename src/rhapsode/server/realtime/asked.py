"""What a client of the Realtime API may send."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rhapsode.server.realtime.update import RealtimeError, SessionUpdate

Key = Annotated[str, Field(min_length=1, max_length=200)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    event_id: str | None = None


class Update(_Event):
    """Change the session."""

    type: Literal["session.update", "transcription_session.update"]
    session: SessionUpdate


class Append(_Event):
    """Take sound of the microphone."""

    type: Literal["input_audio_buffer.append"]
    audio: str


class Commit(_Event):
    """Take the sound so far as one message."""

    type: Literal["input_audio_buffer.commit"]


class Clear(_Event):
    """Forget the sound that is not committed."""

    type: Literal["input_audio_buffer.clear"]


class Content(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["input_text", "input_audio", "text", "audio", "output_text", "output_audio", "input_image"]
    text: Annotated[str, Field(max_length=32_000)] | None = None
    audio: str | None = None
    transcript: Annotated[str, Field(max_length=32_000)] | None = None


class NewItem(BaseModel):
    """An item of a client: a message, a call that was made before, the result of one, or a known item."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["message", "function_call", "function_call_output", "item_reference"]
    id: Key | None = None
    role: Literal["user", "assistant", "system"] = "user"
    content: Annotated[list[Content], Field(max_length=20)] = []
    call_id: Key | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    arguments: Annotated[str, Field(max_length=32_000)] = "{}"
    output: Annotated[str, Field(max_length=32_000)] | None = None


class Create(_Event):
    """Put an item into the conversation."""

    type: Literal["conversation.item.create"]
    item: NewItem
    previous_item_id: Key | None = None


class Retrieve(_Event):
    """Tell an item."""

    type: Literal["conversation.item.retrieve"]
    item_id: Key


class Delete(_Event):
    """Take an item out of the conversation."""

    type: Literal["conversation.item.delete"]
    item_id: Key


class Truncate(_Event):
    """Cut an answer to what was heard of it."""

    type: Literal["conversation.item.truncate"]
    item_id: Key
    content_index: Annotated[int, Field(ge=0)] = 0
    audio_end_ms: Annotated[int, Field(ge=0)]


class Wanted(SessionUpdate):
    """What one response is to be like."""

    conversation: str | None = None
    input: Annotated[list[NewItem], Field(max_length=100)] | None = None
    metadata: dict[str, str] | None = None


class Respond(_Event):
    """Answer what was said."""

    type: Literal["response.create"]
    response: Wanted | None = None


class Cancel(_Event):
    """End the answer under way."""

    type: Literal["response.cancel"]
    response_id: str | None = None


class ClearOutput(_Event):
    """Fall silent."""

    type: Literal["output_audio_buffer.clear"]


Asked = (
    Update | Append | Commit | Clear | Create | Retrieve | Delete | Truncate | Respond | Cancel | ClearOutput
)

_READER: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="type")])


def read_event(text: str) -> tuple[str | None, Asked | RealtimeError]:
    """Read one event; return its id, if it has one, and the event or what is wrong with it."""
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, RealtimeError(f"an event must be JSON, which this is not: {error}", code="invalid_json")
    if not isinstance(raw, dict):
        kind = type(raw).__name__
        return None, RealtimeError(f"an event must be a JSON object, got a {kind}", code="invalid_json")
    key = raw.get("event_id")
    key = key if isinstance(key, str) else None
    try:
        return key, _READER.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "type"
        known = first["type"] not in ("union_tag_invalid", "union_tag_not_found")
        code = "invalid_value" if known else "invalid_event_type"
        return key, RealtimeError(f"{where}: {first['msg']}"[:500], code=code, param=where)
