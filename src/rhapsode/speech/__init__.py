"""Text to speech with phone timings."""

from rhapsode.speech.catalogue import (
    DEFAULT_VOICE,
    VoiceEntry,
    load_voice,
    speak,
    voice_for,
    voice_problem,
    voices,
)
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech, Voice

__all__ = [
    "DEFAULT_VOICE",
    "Manner",
    "Speech",
    "Voice",
    "VoiceEntry",
    "load_voice",
    "speak",
    "voice_for",
    "voice_problem",
    "voices",
]
