"""The table of the voices that the product knows, and how to get one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from rhapsode.errors import SpeechError
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.voice import Speech, Voice

DEFAULT_VOICE = "hibari"
"""The voice that speaks when none is named."""


@dataclass(frozen=True)
class VoiceEntry:
    """A row of the table of voices.

    Args:
        loader: ``module:function`` that returns the `Voice`; called once, on first use.
        language: BCP 47 tag.
        about: one line for a list of voices.

    """

    loader: str
    language: str
    about: str


_VOICES = {
    "hibari": VoiceEntry(
        "rhapsode.speech.hibari:load", "en-US", "American English, a woman; inside the package, no download"
    ),
}


def voices() -> dict[str, VoiceEntry]:
    """Return the known voices by name."""
    return dict(_VOICES)


@cache
def load_voice(name: str = DEFAULT_VOICE) -> Voice:
    """Return the voice called ``name``, loaded once and then kept.

    Raises:
        SpeechError: no voice has that name; the message lists the known.

    """
    if name not in _VOICES:
        known = ", ".join(sorted(_VOICES))
        raise SpeechError(f"a voice must be one of: {known}; got '{name}'; choose one of them")
    module, function = _VOICES[name].loader.split(":")
    load: Callable[[], Voice] = getattr(import_module(module), function)
    return load()


def speak(
    text: str,
    voice: str = DEFAULT_VOICE,
    *,
    rate: float = 1.0,
    manner: Manner = PLAIN,
    seed: int = 0,
    language: str = "",
) -> Speech:
    """Return ``text`` spoken by ``voice`` with words and phones timed.

    Args:
        text: what to say.
        voice: its name, see `voices`.
        rate: short for ``manner=Manner(rate=rate)``; multiplies with that of ``manner``.
        manner: how to say it.
        seed: the same seed gives the same samples.
        language: BCP 47 tag of the text; empty lets the voice tell.

    Raises:
        SpeechError: the voice is unknown, or the text cannot be spoken; the message says why.

    Example:
        >>> line = speak("Hello there.")
        >>> [word.text for word in line.words.words]
        ['Hello', 'there.']

    """
    how = Manner(rate=rate).then(manner) if rate != 1.0 else manner
    return load_voice(voice).speak(text, manner=how, seed=seed, language=language)
