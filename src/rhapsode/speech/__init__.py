"""Text to speech with phone timings."""

from rhapsode.speech.voice import DEFAULT_VOICE, Speech, Voice, VoiceEntry, load_voice, speak, voices

__all__ = ["DEFAULT_VOICE", "Speech", "Voice", "VoiceEntry", "load_voice", "speak", "voices"]
