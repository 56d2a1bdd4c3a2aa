"""Classes of phones that a listener can learn to tell apart, and the visemes they are shown as."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rhapsode.train.teacher.blend import TimedPhone, parts
from rhapsode.train.teacher.phones import SHAPES

_MEMBERS = {
    "sil": "sil",
    "p": "p b ɓ",
    "m": "m",
    "f": "f v ɱ",
    "β": "β ɸ ʋ",
    "w": "w ʍ ɥ",
    "θ": "θ ð",
    "t": "t d ʈ ɖ",
    "n": "n ɳ ɲ",
    "l": "l ɫ ʎ ɾ ɽ r",
    "ɹ": "ɹ ɻ",
    "s": "s z ts dz",
    "ʃ": "ʃ ʒ tʃ dʒ ʂ ʐ tʂ dʐ",
    "ɕ": "ɕ ʑ tɕ dʑ c ɟ",
    "k": "k ɡ q x ɣ χ ʁ ɰ",
    "ŋ": "ŋ ɴ",
    "h": "h ɦ ʔ ħ",
    "j": "j ç ʝ",
    "a": "a ɑ ɐ ɒ",
    "æ": "æ ɛ",
    "e": "e",
    "i": "i ɪ",
    "ə": "ə ɚ ɜ ɤ ʌ ɨ ɯ",
    "o": "o ɔ",
    "u": "u ʊ",
    "y": "y ʏ ø œ",
}

CLASSES: tuple[str, ...] = tuple(_MEMBERS)
"""The classes, named by a phone of each; 0 is silence."""

_CLASS_OF = {name: k for k, members in enumerate(_MEMBERS.values()) for name in members.split()}

OCULUS: dict[str, str] = {
    "sil": "sil",
    "p": "PP",
    "m": "PP",
    "f": "FF",
    "β": "PP",
    "w": "ou",
    "θ": "TH",
    "t": "DD",
    "n": "nn",
    "l": "nn",
    "ɹ": "RR",
    "s": "SS",
    "ʃ": "CH",
    "ɕ": "CH",
    "k": "kk",
    "ŋ": "kk",
    "h": "aa",
    "j": "ih",
    "a": "aa",
    "æ": "E",
    "e": "E",
    "i": "ih",
    "ə": "E",
    "o": "oh",
    "u": "ou",
    "y": "ou",
}
"""The Oculus viseme of each class."""

_TINY_S = 1e-6


def class_of(name: str) -> int:
    """Return the class of a shape's name, see `rhapsode.train.teacher.phones.SHAPES`.

    Raises:
        KeyError: the table has no such shape.

    """
    return _CLASS_OF[name]


def frame_classes(phones: Sequence[TimedPhone], duration_s: float, *, rate_hz: float) -> NDArray[np.int64]:
    """Return (T,) the class that is heard at each curve frame, k / rate_hz seconds; pauses are silence.

    Args:
        phones: in order of time.
        duration_s: length of the sound.
        rate_hz: curve frames a second.

    """
    at = np.arange(int(np.ceil(round(duration_s * rate_hz, 6)))) / rate_hz
    heard = np.zeros(len(at), np.int64)
    for part in parts(phones, duration_s):
        first, last = np.searchsorted(at, (part.start - _TINY_S, part.end - _TINY_S))
        heard[first:last] = class_of(part.name)
    return heard


assert set(_CLASS_OF) == set(SHAPES), set(_CLASS_OF) ^ set(SHAPES)
