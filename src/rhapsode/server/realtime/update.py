"""What a client of the Realtime API may change of its session, in the shape of the API or of its beta."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rhapsode.errors import InputError
from rhapsode.server.realtime.sound import BETA_NAMES, Format


class RealtimeError(InputError):
    """What a client asks for cannot be done; told with an ``error`` event.

    Args:
        message: for a person.
        code: for a program.
        param: of the event; None for the whole.

    """

    def __init__(self, message: str, *, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.param = code, param


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TurnDetection(_Part):
    """What ends a person's turn."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    idle_timeout_ms: int | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


_Tag = Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Za-z]{2,8})*)?$")]


class Transcription(_Part):
    """The recogniser; its languages are used, the rest is ours."""

    model: str | None = None
    language: _Tag | None = None
    languages: Annotated[tuple[_Tag, ...], Field(max_length=100)] | None = None
    prompt: str | None = None


class _Form(_Part):
    type: Format = "audio/pcm"
    rate: Literal[24000] | None = None


class _Noise(_Part):
    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class VoiceId(_Part):
    """A voice by its id."""

    id: str


class _Input(_Part):
    format: _Form | None = None
    noise_reduction: _Noise | None = None
    transcription: Transcription | None = None
    turn_detection: TurnDetection | None = None


_Speed = Annotated[float, Field(ge=0.25, le=1.5), AfterValidator(lambda speed: max(speed, 0.5))]
"""The API begins at 0.25, a voice at 0.5."""


class _Output(_Part):
    format: _Form | None = None
    voice: str | VoiceId | None = None
    speed: _Speed | None = None


class _Audio(_Part):
    input: _Input | None = None
    output: _Output | None = None


_Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=2)]
_BetaFormat = Literal["pcm16", "g711_ulaw", "g711_alaw"]


class SessionUpdate(BaseModel):
    """Changes of a session, in the shape of the API or of its beta; what has no meaning here is not used."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    type: Literal["realtime", "transcription"] = "realtime"
    audio: _Audio | None = None
    instructions: Annotated[str, Field(max_length=32_000)] | None = None
    output_modalities: _Modalities | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=100_000)] | Literal["inf"] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    modalities: _Modalities | None = None
    input_audio_format: _BetaFormat | None = None
    output_audio_format: _BetaFormat | None = None
    input_audio_transcription: Transcription | None = None
    input_audio_noise_reduction: _Noise | None = None
    turn_detection: TurnDetection | None = None
    voice: str | VoiceId | None = None
    speed: _Speed | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_response_output_tokens: Annotated[int, Field(ge=1, le=100_000)] | Literal["inf"] | None = None


def given(update: SessionUpdate) -> dict[str, Any]:
    """Return what ``update`` sets, whichever shape it has."""
    formats: dict[str, Format] = {name: form for form, name in BETA_NAMES.items()}
    listening = update.audio.input if update.audio else None
    speaking = update.audio.output if update.audio else None
    found: dict[str, Any] = {}
    for part, names in ((update, _FLAT), (listening, _LISTENING), (speaking, _SPEAKING)):
        for theirs, ours in names.items():
            if part is not None and theirs in part.model_fields_set:
                found[ours] = getattr(part, theirs)
    for key in ("form_in", "form_out"):
        if key in found:
            value = found.pop(key)
            found |= (
                {} if value is None else {key: value.type if isinstance(value, _Form) else formats[value]}
            )
    if "denoise" in found:
        found["denoise"] = found["denoise"] is not None
    if "sound" in found:
        modalities = found.pop("sound")
        found |= {} if modalities is None else {"sound": "audio" in modalities}
    if "max_tokens" in found and found["max_tokens"] == "inf":
        found["max_tokens"] = None
    if "type" in update.model_fields_set:
        found["transcribes"] = update.type == "transcription"
    for key in ("instructions", "speed", "voice", "choice"):
        if key in found and found[key] is None:
            del found[key]
    return found


_FLAT = {
    "instructions": "instructions",
    "tools": "tools",
    "tool_choice": "choice",
    "output_modalities": "sound",
    "modalities": "sound",
    "max_output_tokens": "max_tokens",
    "max_response_output_tokens": "max_tokens",
    "temperature": "temperature",
    "input_audio_format": "form_in",
    "output_audio_format": "form_out",
    "input_audio_transcription": "transcription",
    "input_audio_noise_reduction": "denoise",
    "turn_detection": "turn",
    "voice": "voice",
    "speed": "speed",
}
_LISTENING = {
    "format": "form_in",
    "transcription": "transcription",
    "noise_reduction": "denoise",
    "turn_detection": "turn",
}
_SPEAKING = {"format": "form_out", "voice": "voice", "speed": "speed"}
