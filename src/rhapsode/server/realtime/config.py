"""How a client of the Realtime API wants its session, and what that is in our settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rhapsode.dialogue.turns import Offer, Tool
from rhapsode.server.realtime.sound import BETA_NAMES, RATES, Format
from rhapsode.server.realtime.tools import choice_of, offer_of, shown_tools, tools_of
from rhapsode.server.realtime.update import (
    RealtimeError,
    SessionUpdate,
    Transcription,
    TurnDetection,
    VoiceId,
    given,
)
from rhapsode.settings import Settings

VENDOR_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage"),
    *("shimmer", "verse"),
)
"""Names that clients of the vendor send unasked; the voice of the settings speaks."""

PATIENCE_S = {"low": 2.0, "high": 0.8}
"""How long a pause the eagerness of "semantic_vad" allows; others leave the settings as they are."""


@dataclass(frozen=True)
class Config:
    """A session as its client wants it.

    Args:
        turn: what ends a person's turn; None for the client's commit.
        transcription: the recogniser; None where transcripts are not to be told.
        denoise: whether noise is taken out; None for the settings' own.
        form_in: of the client's sound.
        form_out: of ours.
        voice: name of a voice of ours; empty for that of the settings.
        voice_shown: what the client called it.
        speed: factor of the speaking rate.
        sound: whether answers are sent as sound; else as text only.
        instructions: who it is, for a language model; empty for the settings' own.
        system: further instructions, from items of the role "system".
        max_tokens: longest answer of a language model.
        temperature: of a language model.
        tools: functions of the client.
        choice: which of them may be called: "auto", "none", "required" or the name of one.
        transcribes: whether what is heard is transcribed and never answered.

    """

    turn: TurnDetection | None = None
    transcription: Transcription | None = None
    denoise: bool | None = None
    form_in: Format = "audio/pcm"
    form_out: Format = "audio/pcm"
    voice: str = ""
    voice_shown: str = "auto"
    speed: float = 1.0
    sound: bool = True
    instructions: str = ""
    system: tuple[str, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    transcribes: bool = False

    @property
    def holds(self) -> bool:
        """Whether what is heard waits until the client asks for a response."""
        return self.transcribes or self.turn is None or self.turn.create_response is False

    @property
    def offer(self) -> Offer | None:
        """What a language model may call."""
        return offer_of(self.tools, self.choice)

    @classmethod
    def of(cls, settings: Settings) -> Config:
        """Return what a session has before its client asks for anything."""
        hear = settings.hear
        silence_ms = round(hear.silence_s * 1000)
        turns = {
            "smart": TurnDetection(
                type="semantic_vad",
                eagerness="auto",
                create_response=True,
                interrupt_response=hear.interruptible,
            ),
            "silence": TurnDetection(
                silence_duration_ms=silence_ms, create_response=True, interrupt_response=hear.interruptible
            ),
        }
        language = None if hear.language == "auto" else hear.language
        recogniser = Transcription(model=hear.recogniser, language=language)
        turn = turns.get(hear.turn)
        if turn is not None:
            turn = turn.model_copy(update={"interrupt_response": hear.interruptible})
        return cls(turn, recogniser, voice_shown=settings.speak.voice)

    def changed(self, update: SessionUpdate, voices: tuple[str, ...]) -> Config:
        """Return the session after ``update``.

        Args:
            update: what is to change.
            voices: names of all voices.

        Raises:
            RealtimeError: something cannot be had.

        """
        new: dict[str, Any] = {}
        for name, value in given(update).items():
            if name == "voice":
                new |= _voice(value, voices)
            elif name == "tools":
                new["tools"] = tools_of(value or ())
            elif name == "choice":
                new["choice"] = choice_of(value)
            else:
                new[name] = value
        made = replace(self, **new)
        offer_of(made.tools, made.choice)
        return made

    def settings(self, base: Settings) -> Settings:
        """Return ``base`` with what the client wants in it."""
        hear: dict[str, Any] = {"turn": "push"}
        if self.turn is not None:
            hear["turn"] = "silence" if self.turn.type == "server_vad" else "smart"
            hear["interruptible"] = self.turn.interrupt_response is not False
            if self.turn.silence_duration_ms is not None and self.turn.type == "server_vad":
                hear["silence_s"] = max(self.turn.silence_duration_ms / 1000, 0.2)
            elif self.turn.eagerness in PATIENCE_S:
                hear["silence_s"] = PATIENCE_S[self.turn.eagerness]
        if self.denoise is not None:
            hear["denoise"] = self.denoise
        if self.transcription is not None and self.transcription.language:
            hear["language"] = self.transcription.language
        if self.transcription is not None and self.transcription.languages:
            hear |= {"languages": self.transcription.languages}
        think: dict[str, Any] = {}
        if persona := "\n".join(filter(None, (self.instructions or base.think.persona, *self.system))):
            think["persona"] = persona
        if self.max_tokens is not None:
            think["max_tokens"] = self.max_tokens
        if self.temperature is not None:
            think["temperature"] = self.temperature
        speak: dict[str, Any] = {"rate": min(max(base.speak.rate * self.speed, 0.5), 2.0)}
        if self.voice:
            speak["voice"] = self.voice
        parts = {"hear": hear, "think": think, "speak": speak}
        made = {name: getattr(base, name).model_copy(update=part) for name, part in parts.items()}
        return base.model_copy(update=made)

    def shown(self, session: str, model: str, *, beta: bool) -> dict[str, Any]:
        """Return the session as its client is told of it."""
        turn = None if self.turn is None else self.turn.model_dump(exclude_none=True)
        heard = None if self.transcription is None else self.transcription.model_dump(exclude_none=True)
        noise = {"type": "near_field"} if self.denoise else None
        tokens = "inf" if self.max_tokens is None else self.max_tokens
        both = {
            "id": f"sess_{session}",
            "object": "realtime.session",
            "model": model,
            "instructions": self.instructions,
            **shown_tools(self.tools, self.choice),
            "rhapsode": {"session": session},
        }
        if beta:
            return both | {
                "modalities": ["text", "audio"] if self.sound else ["text"],
                "voice": self.voice_shown,
                "speed": self.speed,
                "input_audio_format": BETA_NAMES[self.form_in],
                "output_audio_format": BETA_NAMES[self.form_out],
                "input_audio_transcription": heard,
                "input_audio_noise_reduction": noise,
                "turn_detection": turn,
                "temperature": 0.8 if self.temperature is None else self.temperature,
                "max_response_output_tokens": tokens,
            }
        listening = {
            "format": _form(self.form_in),
            "transcription": heard,
            "noise_reduction": noise,
            "turn_detection": turn,
        }
        speaking = {"format": _form(self.form_out), "voice": self.voice_shown, "speed": self.speed}
        return both | {
            "type": "transcription" if self.transcribes else "realtime",
            "output_modalities": ["audio"] if self.sound else ["text"],
            "max_output_tokens": tokens,
            "audio": {"input": listening, "output": speaking},
        }


def _voice(wanted: str | VoiceId, voices: tuple[str, ...]) -> dict[str, str]:
    name = wanted if isinstance(wanted, str) else wanted.id
    if name in voices or name.startswith("pipecat:"):
        return {"voice": name, "voice_shown": name}
    if name in (*VENDOR_VOICES, "auto", ""):
        return {"voice": "", "voice_shown": name or "auto"}
    raise RealtimeError(f"no voice '{name[:40]}'; choose one of: auto, {', '.join(voices)}", param="voice")


def _form(form: Format) -> dict[str, Any]:
    return {"type": form, "rate": RATES[form]} if form == "audio/pcm" else {"type": form}
