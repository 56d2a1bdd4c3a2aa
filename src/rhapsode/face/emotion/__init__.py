"""Emotions: a vector that the user sets, mixes or lets the voice suggest, and the face that wears it."""

from rhapsode.face.emotion.stream import TRACK, EmotionStream, Felt
from rhapsode.face.emotion.timeline import AUTO, Feelings, Timeline, read_feelings
from rhapsode.face.emotion.vector import ALIASES, BIG_SIX, EMOTIONS, Emotion, canonical

__all__ = [
    "ALIASES",
    "AUTO",
    "BIG_SIX",
    "EMOTIONS",
    "TRACK",
    "Emotion",
    "EmotionStream",
    "Feelings",
    "Felt",
    "Timeline",
    "canonical",
    "read_feelings",
]
