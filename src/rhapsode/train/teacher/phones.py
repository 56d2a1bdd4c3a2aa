"""Articulation of every phone, whatever the language: an IPA table and its parser."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

Contact = Literal["", "lips", "teeth", "near"]


class Shape(NamedTuple):
    """What a phone asks of the mouth, and how firmly.

    Args:
        jaw: jawOpen weight.
        gap: inner lip distance in cm, see `rhapsode.rigs.lips`.
        rounding: 0 to 1, lips brought forward and together (pucker).
        funnel: 0 to 1, lips forward and open.
        spread: 0 to 1, corners apart.
        hold: class of its dominance, a key of the fitted table.
        contact: "lips" must touch, "teeth" the lower lip must touch the upper teeth, "near" almost touch.
        tongue: 0 to 1, the tip shows between the teeth.

    """

    jaw: float
    gap: float
    rounding: float
    funnel: float
    spread: float
    hold: str
    contact: Contact = ""
    tongue: float = 0.0


REST = "sil"

VOWEL_HOLDS = frozenset(("vowel", "rounded"))
"""Holds of phones in whose middle the lips are apart."""

_VOWELS = """
a .38 1.20 0 .02 .05 | ɑ .42 1.25 0 .06 0 | ɐ .30 .90 0 .02 .05 | æ .37 1.15 0 0 .25 | ʌ .27 .80 0 .04 0
ə .20 .60 0 .04 0 | ɚ .18 .50 .20 .15 0 | ɜ .20 .55 .22 .15 0 | ɛ .30 .95 0 0 .25 | e .24 .80 0 0 .40
ɪ .19 .65 0 0 .35 | i .14 .55 0 0 .60 | ɨ .14 .50 0 0 .25 | ɯ .15 .40 .15 .05 0 | ɤ .22 .65 0 .05 .05
"""
_ROUNDED = """
y .15 .35 .85 .20 0 | ʏ .17 .38 .80 .20 0 | ø .20 .45 .75 .25 0 | œ .28 .70 .55 .30 0
u .15 .32 1 .20 0 | ʊ .18 .42 .60 .20 0 | o .25 .60 .80 .32 0 | ɔ .32 .85 .70 .38 0 | ɒ .36 1.0 .40 .30 0
"""
_CONSONANTS = """
p .12 0 0 0 0 stop lips | b .12 0 0 0 0 stop lips | m .13 0 0 0 0 stop lips | ɓ .12 0 0 0 0 stop lips
ɸ .13 .18 .10 0 0 soft near | β .14 .18 .10 0 0 soft near | ʋ .12 .25 0 0 0 soft near
f .08 .22 0 0 .05 lip teeth | v .08 .22 0 0 .05 lip teeth | ɱ .08 .22 0 0 .05 lip teeth
w .13 .20 1 .15 0 round | ʍ .13 .20 1 .15 0 round | ɥ .12 .22 .90 .15 0 round
t .12 .50 0 0 .10 tip | d .12 .50 0 0 .10 tip | n .14 .50 0 0 .05 tip | l .18 .60 0 0 .05 tip
ʈ .13 .50 0 .05 0 tip | ɖ .13 .50 0 .05 0 tip | ɳ .14 .50 0 .05 0 tip | ɾ .16 .55 0 0 .05 tip
ɽ .17 .55 0 0 .05 tip | r .16 .50 0 .05 .05 tip | ʎ .15 .50 0 0 .20 tip | ɫ .18 .60 0 .05 0 tip
θ .10 .45 0 0 .05 tip tongue | ð .10 .45 0 0 .05 tip tongue
s .06 .42 0 0 .28 hiss | z .06 .42 0 0 .28 hiss | ts .07 .42 0 0 .25 hiss | dz .07 .42 0 0 .25 hiss
ɕ .07 .42 .10 .25 .12 hiss | ʑ .07 .42 .10 .25 .12 hiss | tɕ .08 .42 .10 .22 .12 hiss
dʑ .08 .42 .10 .22 .12 hiss | ʃ .08 .55 .45 .48 0 shush | ʒ .08 .55 .45 .48 0 shush
tʃ .08 .52 .42 .45 0 shush | dʒ .08 .52 .42 .45 0 shush | ʂ .08 .50 .30 .42 0 shush
ʐ .08 .50 .30 .42 0 shush | tʂ .08 .48 .30 .40 0 shush | dʐ .08 .48 .30 .40 0 shush
ɻ .12 .45 .40 .36 0 shush | ɹ .13 .42 .45 .25 0 shush
k .17 .60 0 0 .05 back | ɡ .17 .60 0 0 .05 back | ŋ .18 .60 0 0 .05 back | q .20 .60 0 0 0 back
x .17 .60 0 0 .05 back | ɣ .18 .60 0 0 .05 back | χ .20 .60 0 .03 0 back | ʁ .20 .60 0 .05 0 back
ɰ .17 .50 .05 0 0 back | c .13 .48 0 .05 .15 back | ɟ .13 .48 0 .05 .15 back | ç .12 .48 0 0 .30 back
ʝ .12 .48 0 0 .25 back | ɲ .14 .50 0 0 .15 tip | j .13 .50 0 0 .40 back | ɴ .16 .45 0 0 0 back
h .20 .60 0 0 0 free | ɦ .20 .60 0 0 0 free | ʔ .20 .60 0 0 0 free | ħ .22 .70 0 0 0 free
"""
_CONTACTS: dict[str, Contact] = {"lips": "lips", "teeth": "teeth", "near": "near"}
TONGUE_SHOWN = 0.3


def _read(rows: str, hold: str) -> dict[str, Shape]:
    table = {}
    for cell in rows.replace("\n", "|").split("|"):
        if fields := cell.split():
            jaw, gap, rounding, funnel, spread = (float(field) for field in fields[1:6])
            marks = fields[6:] or [hold]
            contact = _CONTACTS.get(marks[-1], "")
            tongue = TONGUE_SHOWN if marks[-1] == "tongue" else 0.0
            table[fields[0]] = Shape(jaw, gap, rounding, funnel, spread, marks[0], contact, tongue)
    return table


SHAPES: dict[str, Shape] = {
    REST: Shape(0.0, 0.0, 0.0, 0.0, 0.0, "rest", "lips"),
    **_read(_VOWELS, "vowel"),
    **_read(_ROUNDED, "rounded"),
    **_read(_CONSONANTS, ""),
}
"""The table, by IPA base letter or affricate."""

STRENGTHS: dict[str, dict[str, float]] = {
    "jaw": {"stop": 0.8, "lip": 1.2, "tip": 0.7, "hiss": 2.5, "shush": 2.5, "back": 0.6, "round": 1.0}
    | {"free": 0.15, "rest": 2.0, "rounded": 1.2, "soft": 0.8},
    "gap": {"stop": 2.0, "lip": 1.5, "tip": 0.25, "hiss": 0.4, "shush": 1.5, "back": 0.3, "round": 2.5}
    | {"free": 0.1, "rest": 1.0, "rounded": 1.8, "soft": 2.0},
    "lips": {"stop": 0.7, "lip": 0.8, "tip": 0.3, "hiss": 0.6, "shush": 2.5, "back": 0.4, "round": 4.0}
    | {"free": 0.2, "rest": 1.0, "rounded": 3.0, "soft": 0.8},
}
"""Hand-written dominance by hold class; an open vowel has 1. Hissing sounds hold the jaw, rounded ones the
lips; what the tongue makes alone leaves the lips to its neighbours (Edwards et al., 2016)."""

_OPENINGS = {"aɪ": 0.6, "aʊ": 0.6, "eɪ": 0.55, "oʊ": 0.5, "əʊ": 0.5, "ɔɪ": 0.6}
"""Diphthongs, and the part of each that belongs to its first vowel."""

_MARKS = frozenset("ːˑʰʱʲʷʼ˞ʴᵝᶣ")


class Piece(NamedTuple):
    """A part of a phone with one shape: ``name`` in `SHAPES`, and its share of the phone's time."""

    name: str
    share: float


def parse(phone: str) -> tuple[list[Piece], frozenset[str]]:
    """Return the pieces of an IPA phone and its marks (length, aspiration, rounding, nasality).

    Args:
        phone: one phone, such as "p", "tʃ", "aɪ", "ɔ̃", "kʰ"; "sil" is a pause.

    Raises:
        KeyError: the table does not hold it.

    >>> parse("aɪ")[0]
    [Piece(name='a', share=0.6), Piece(name='ɪ', share=0.4)]

    """
    plain = unicodedata.normalize("NFD", phone.replace("ç", "\0"))
    marks = frozenset(c for c in plain if c in _MARKS or unicodedata.combining(c))
    base = "".join(c for c in plain if c not in marks).replace("\0", "ç").replace("g", "ɡ")
    if base in SHAPES:
        return [Piece(base, 1.0)], marks
    if base in _OPENINGS:
        share = _OPENINGS[base]
        return [Piece(base[0], share), Piece(base[1], round(1 - share, 3))], marks
    if len(base) > 1 and all(letter in SHAPES for letter in base):
        return [Piece(letter, round(1 / len(base), 3)) for letter in base], marks
    raise KeyError(f"the articulation table has no phone '{phone}'; add a row to phones.py")
