"""The phones of American English in ARPAbet, and their IPA.

A vowel carries its stress behind it, as pronouncing dictionaries write it: 1 main, 2 side, 0 none.
"""

from __future__ import annotations

import re

from rhapsode.errors import InputError

CONSONANTS: dict[str, str] = {
    "P": "p",
    "B": "b",
    "T": "t",
    "D": "d",
    "K": "k",
    "G": "ɡ",
    "M": "m",
    "N": "n",
    "NG": "ŋ",
    "F": "f",
    "V": "v",
    "TH": "θ",
    "DH": "ð",
    "S": "s",
    "Z": "z",
    "SH": "ʃ",
    "ZH": "ʒ",
    "HH": "h",
    "CH": "tʃ",
    "JH": "dʒ",
    "L": "l",
    "R": "ɹ",
    "W": "w",
    "Y": "j",
}
"""The 24 consonants and their IPA."""

VOWELS: dict[str, str] = {
    "IY": "i",
    "IH": "ɪ",
    "EY": "eɪ",
    "EH": "ɛ",
    "AE": "æ",
    "AA": "ɑ",
    "AO": "ɔ",
    "OW": "oʊ",
    "UH": "ʊ",
    "UW": "u",
    "AH": "ʌ",
    "ER": "ɝ",
    "AY": "aɪ",
    "AW": "aʊ",
    "OY": "ɔɪ",
}
"""The 15 vowels and the IPA of their stressed form."""

PLOSIVES = ("P", "B", "T", "D", "K", "G")

UNSTRESSED = ("AH0", "IH0", "IY0", "ER0", "OW0", "UW0")
"""The vowels that English puts into unstressed syllables of ordinary words."""

_REDUCED = {"AH0": "ə", "ER0": "ɚ"}
_MISAKI = {
    "A": "EY",
    "I": "AY",
    "O": "OW",
    "W": "AW",
    "Y": "OY",
    "ɜɹ": "ER",
    "əɹ": "ER",
    "ə": "AH",
    "ᵊ": "AH",
    "ɐ": "AH",
    "ᵻ": "IH",
    "ʤ": "JH",
    "ʧ": "CH",
    "T": "T",
    "ɾ": "T",
    "g": "G",
}
_TO_ARPABET = {ipa: phone for phone, ipa in (CONSONANTS | VOWELS).items()} | _MISAKI
_SYMBOL = re.compile("|".join(sorted(map(re.escape, _TO_ARPABET), key=len, reverse=True)))


def phones_of(says: str) -> tuple[str, ...]:
    """Return the phones of an English prompt, words divided by ``/``: vowels with their stress.

    Raises:
        InputError: a symbol is none of the 39, or a vowel lacks its stress.

    Example:
        >>> phones_of("DH AH0 / P AE1 T")
        ('DH', 'AH0', 'P', 'AE1', 'T')

    """
    phones = tuple(says.replace("/", " ").split())
    for phone in phones:
        stressed = phone[-1:] in "012" and phone[:-1] in VOWELS
        if not stressed and phone not in CONSONANTS:
            raise InputError(
                f"a phone of English must be ARPAbet with stress, got '{phone}' in '{says}'; "
                "write consonants as P, NG and vowels as AE1, AH0"
            )
    return phones


def ipa_of(phone: str) -> str:
    """Return the IPA of one ARPAbet phone, with or without stress.

    >>> ipa_of("AH0"), ipa_of("AH1"), ipa_of("NG")
    ('ə', 'ʌ', 'ŋ')
    """
    bare = phone.rstrip("012")
    return _REDUCED.get(phone) or (CONSONANTS | VOWELS)[bare]


def from_ipa(word: str) -> str:
    """Return the ARPAbet of one word in the IPA that the English voice uses (see `rhapsode.speech.phones`).

    >>> from_ipa("bˈʌTəɹ")
    'B AH1 T ER0'

    Raises:
        InputError: a symbol has no ARPAbet.

    """
    phones, place, stress = [], 0, "0"
    while place < len(word):
        if word[place] in "ˈˌ":
            stress, place = ("1" if word[place] == "ˈ" else "2"), place + 1
            continue
        found = _SYMBOL.match(word, place)
        if found is None:
            raise InputError(f"'{word[place]}' of '{word}' has no ARPAbet; expected IPA of American English")
        phone, place = _TO_ARPABET[found[0]], found.end()
        if phone in VOWELS:
            phone, stress = phone + stress, "0"
        phones.append(phone)
    return " ".join(phones)
