"""Pinyin syllables taken apart: initial, final and tone.

Syllables are written as people type them, the tone behind as a digit, 5 for the light one: ``zhong1``,
``lü4``, ``ma5``. Finals are named by their full forms (``iou``, ``uei``, ``uen``, ``üe``), whatever the
spelling shortens; the vowel behind zh, ch, sh and r is ``ir``, the one behind z, c and s ``iz``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rhapsode.errors import InputError

_INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s"

INITIALS = tuple(_INITIALS.split())
"""The 21 initials; a syllable without one has the initial ``""``."""

PLOSIVES = ("b", "p", "d", "t", "g", "k")

_FINALS = """
a o e er ai ei ao ou an en ang eng ong i ir iz ia ie iao iou ian in iang ing iong
u ua uo uai uei uan uen uang ueng ü üe üan ün
"""

FINALS = tuple(_FINALS.split())
"""The 38 finals of everyday Mandarin."""

TONES = (1, 2, 3, 4, 5)

TONE_PAIRS = tuple((first, second) for first in TONES[:4] for second in TONES)
"""The 20 sequences of tones in words of two syllables; a light tone never comes first."""

_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([aeiouüyw][a-zü]*)([1-5])")
_WHOLE = {
    "yi": "i",
    "yin": "in",
    "ying": "ing",
    "you": "iou",
    "yong": "iong",
    "wu": "u",
    "wei": "uei",
    "wen": "uen",
    "weng": "ueng",
    "yu": "ü",
    "yue": "üe",
    "yuan": "üan",
    "yun": "ün",
}
_SHORTENED = {"iu": "iou", "ui": "uei", "un": "uen"}
_RETROFLEX, _DENTAL, _PALATAL = ("zh", "ch", "sh", "r"), ("z", "c", "s"), ("j", "q", "x")
_MARKED = {"a": "āáǎà", "e": "ēéěè", "i": "īíǐì", "o": "ōóǒò", "u": "ūúǔù", "ü": "ǖǘǚǜ"}


class Syllable(NamedTuple):
    """One syllable: its initial (``""`` for none), its final and its tone, 1 to 5."""

    initial: str
    final: str
    tone: int


def syllable(written: str) -> Syllable:
    """Return the parts of one syllable.

    Raises:
        InputError: it is no syllable of Mandarin, or lacks its tone.

    Example:
        >>> syllable("xue2"), syllable("shui3").final, syllable("yan1").final
        (Syllable(initial='x', final='üe', tone=2), 'uei', 'ian')

    """
    found = _SYLLABLE.fullmatch(written)
    if found:
        initial, rhyme, tone = found[1], _rhyme(found[1], found[2]), int(found[3])
        if rhyme in FINALS and _meet(initial, rhyme):
            return Syllable(initial, rhyme, tone)
    raise InputError(
        f"a syllable of pinyin must end in its tone, got '{written}'; write zhong1, lü4 or ma5 (5: light)"
    )


def syllables(says: str) -> tuple[Syllable, ...]:
    """Return the syllables of a Mandarin prompt, which are divided by spaces."""
    return tuple(syllable(written) for written in says.split())


def marked(says: str) -> str:
    """Return pinyin with its tone marks, as it is printed for readers.

    >>> marked("lü4 se4 de5 shui3")
    'lǜ sè de shuǐ'
    """
    return " ".join(_marked(written) for written in says.split())


def _rhyme(initial: str, spelt: str) -> str:
    if not initial:
        if spelt in _WHOLE:
            return _WHOLE[spelt]
        return {"y": "i", "w": "u"}.get(spelt[0], spelt[0]) + spelt[1:]
    if spelt == "i":
        return {"zh": "ir", "ch": "ir", "sh": "ir", "r": "ir", "z": "iz", "c": "iz", "s": "iz"}.get(
            initial, "i"
        )
    if initial in _PALATAL and spelt[0] == "u":
        return "ü" + spelt[1:]
    return _SHORTENED.get(spelt, spelt)


def _meet(initial: str, final: str) -> bool:
    """Tell whether Mandarin has syllables that join the two; single gaps of its table are not looked at."""
    high = final[0] in "iü" and final not in ("ir", "iz")
    if initial in _PALATAL:
        return high
    if initial in ("g", "k", "h", *_RETROFLEX, *_DENTAL) and high:
        return False
    return final != "o" or initial in ("", "b", "p", "m", "f")


def _marked(written: str) -> str:
    bare, tone = written[:-1], int(written[-1])
    if tone == 5:
        return bare
    seat = next((bare.index(v) for v in ("a", "e", "ou") if v in bare), None)
    if seat is None:
        seat = max(k for k, letter in enumerate(bare) if letter in _MARKED)
    return bare[:seat] + _MARKED[bare[seat]][tone - 1] + bare[seat + 1 :]
