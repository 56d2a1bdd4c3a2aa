"""The settings of a conversation, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Annotated[str, Field(pattern=r"^(auto|[a-z]{2,3}(-[A-Za-z]{2,8})*)$")]
"""BCP 47 tag, or "auto"."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Hear(_Section):
    """How it listens.

    Args:
        recogniser: "whisper-base" and "whisper-tiny.en" are packaged; any other name is a Whisper model
            of the hub ("large-v3") or a folder; "pipecat:module:Class" is a service of Pipecat.
        options: further arguments of a service of Pipecat.
        language: that is spoken; "auto" lets the recogniser tell.
        languages: that "auto" chooses from; empty for all that the recogniser knows.
        turn: what ends a person's turn: "smart" (a network that hears whether a sentence is over),
            "silence", or "push" (whoever holds the button).
        silence_s: pause that ends a turn where ``turn`` is "silence", or where the network would go on.
        interruptible: whether its answer stops when somebody speaks.
        echo: whether its own voice is taken out of what the microphone hears.
        denoise: whether noise is taken out.
        emotion: whether it looks for the person's emotion.
        partials: whether words are shown while they are spoken.

    """

    recogniser: str = "whisper-base"
    options: Mapping[str, Any] = {}
    language: Language = "auto"
    languages: tuple[str, ...] = ()
    turn: Literal["smart", "silence", "push"] = "smart"
    silence_s: Annotated[float, Field(ge=0.2, le=10)] = 1.2
    interruptible: bool = True
    echo: bool = True
    denoise: bool = False
    emotion: bool = True
    partials: bool = True


class Think(_Section):
    """How it finds answers.

    Args:
        kind: "script", "model", or "both": the script first, the model for the rest.
        script: path of a script, or name of one that comes with the product ("museum", "bank").
        threshold: how well a script's entry must fit to be the answer, in [0, 1]; None for the script's own.
        base_url: of an OpenAI-compatible server.
        model: its name there; "pipecat:module:Class" is a service of Pipecat.
        options: further arguments of a service of Pipecat, or of the request.
        persona: who it is, for the model.
        temperature: of the model.
        max_tokens: longest answer of the model.
        first_s: how long the first word of the model is waited for.
        stall_s: how long the next one is.
        history: turns that the model is told at most.
        translate: how a script of another language than the listener's is used: "off", "model" or "argos".
        tools: that the model may call: "clock" tells the time, "look_up" searches the script.

    The key of a server is read from the environment only: ``RHAPSODE_THINK_API_KEY`` or ``OPENAI_API_KEY``.

    """

    kind: Literal["script", "model", "both"] = "script"
    script: str = "museum"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    base_url: str = "http://127.0.0.1:11434/v1"
    model: str = ""
    options: Mapping[str, Any] = {}
    persona: str = ""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    max_tokens: Annotated[int, Field(ge=1)] = 300
    first_s: Annotated[float, Field(gt=0)] = 15.0
    stall_s: Annotated[float, Field(gt=0)] = 10.0
    history: Annotated[int, Field(ge=0)] = 20
    translate: Literal["off", "model", "argos"] = "off"
    tools: tuple[Literal["clock", "look_up"], ...] = ()


class Speak(_Section):
    """How it speaks.

    Args:
        voice: name of a voice; "auto" chooses by the language of the answer; "pipecat:module:Class" is a
            service of Pipecat.
        options: further arguments of a service of Pipecat.
        voices: language to the name of its voice, where ``voice`` is "auto".
        fallback: the voice that stands in where another fails.
        rate: speaking rate; 2.0 is twice as fast.
        pitch: semitones up or down.
        volume: gain in decibels.
        timbre: whose voice is taken on ("voice conversion"): a sound file, about a minute of it, a timbre of
            ``rhapsode voice make``, or "module:function"; empty for none.
        background: sound file that is heard softly in the background; empty for none.
        background_db: its level under the voice against the voice, decibels.
        background_in: "always" goes on in the silence between two answers, "speech" is heard under the voice
            only.

    """

    voice: str = "auto"
    options: Mapping[str, Any] = {}
    voices: Mapping[str, str] = {}
    fallback: str = "hibari"
    rate: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    pitch: Annotated[float, Field(ge=-12, le=12)] = 0.0
    volume: Annotated[float, Field(ge=-40, le=12)] = 0.0
    timbre: str = ""
    background: str = ""
    background_db: Annotated[float, Field(ge=-60, le=0)] = -24.0
    background_in: Literal["always", "speech"] = "always"


class Perform(_Section):
    """How it behaves.

    Args:
        weights: of the engine that moves the face to its own voice.
        listening: whether it nods, blinks and raises brows while somebody speaks.
        thinking: whether it looks thoughtful while it thinks.
        gaze: whether it looks at the listener.
        gestures: whether it makes the gestures that answers are marked with.

    """

    weights: str = "studio"
    listening: bool = True
    thinking: bool = True
    gaze: bool = True
    gestures: bool = True


class Remember(_Section):
    """What is kept of conversations; nothing without ``conversations``.

    Args:
        conversations: whether texts, times, emotions and latencies are kept.
        sound: whether what was said is kept as sound too.
        url: SQLAlchemy URL of the database; empty for a SQLite file in the user's data folder.
        days: after so many days a conversation is deleted; None keeps it.

    """

    conversations: bool = False
    sound: bool = False
    url: str = ""
    days: Annotated[int, Field(ge=1)] | None = 30


class Settings(_Section):
    """All of them."""

    hear: Hear = Hear()
    think: Think = Think()
    speak: Speak = Speak()
    perform: Perform = Perform()
    remember: Remember = Remember()
