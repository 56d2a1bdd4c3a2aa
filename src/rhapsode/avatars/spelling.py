"""One spelling for names of blendshapes and bones: whatever program wrote them, they can be looked up.

A name loses its prefixes, its separators and its case, and its side moves to the end:
``Face.M_F00_Fcl_MTH_A`` can be found as "mtha", ``L_Eye_Blink`` and ``eyeBlink.L`` and ``eyeBlinkLeft`` as
"eyeblinkleft". Half-width katakana become full-width (Unicode NFKC).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_SIDES = {
    **dict.fromkeys(("l", "left", "lft", "左"), "left"),
    **dict.fromkeys(("r", "right", "rgt", "rt", "右"), "right"),
}
_NUMBERED = re.compile(r"[._]\d{3}$")
_GLUED = re.compile(r"^mixamorig\d*[:_]?")
_NAMESPACE = re.compile(r"[.:|/]")
_SEPARATOR = re.compile(r"[\s_\-.:|/()\[\]]+")
_AT_END = re.compile(r"(?<=[a-z\d])([LR])$|(?<=.)([Ll]eft|[Rr]ight|左|右)$")
_AT_START = re.compile(r"^([Ll]eft|[Rr]ight|左|右)(?=.)")
_SHORT = 2  # letters up to which a Latin name counts only as a whole


def key(name: str) -> str:
    """Return ``name`` as a whole in one spelling.

    Example:
        >>> key("Eye_Blink_L"), key("mouthLeft"), key("L_eyeBlink"), key("ｳｨﾝｸ２右")
        ('eyeblinkleft', 'mouthleft', 'eyeblinkleft', 'ウィンク2right')

    """
    words, _, side = _split(name)
    return "".join(words) + side


def keys(name: str) -> Iterator[tuple[int, str]]:
    """Yield the spellings under which ``name`` can be found, with how many words of a prefix each one drops.

    What stands before ".", ":" or "|" is dropped freely; what stands before another separator only from
    spellings of more than two Latin letters.
    """
    words, free, side = _split(name)
    for start in range(len(words)):
        made = "".join(words[start:])
        if start in (0, free) or len(made) > _SHORT or not made.isascii():
            yield max(start - free, 0), made + side


def _split(name: str) -> tuple[tuple[str, ...], int, str]:
    """Return the words of ``name`` without its side, how many of them are a namespace, and the side."""
    text = unicodedata.normalize("NFKC", name).strip()
    text = _GLUED.sub("", _NUMBERED.sub("", text))
    spaces = [part for part in _NAMESPACE.split(text) if part.strip()]
    last = 2 if len(spaces) > 1 and spaces[-1].lower() in _SIDES else 1
    before = [part for part in _SEPARATOR.split(".".join(spaces[:-last])) if part]
    words = [part for part in _SEPARATOR.split(".".join(spaces[-last:])) if part]
    words, side = _without_side(words)
    if not side:
        before, side = _without_side(before)
    plain = ("".join(filter(str.isalnum, word.lower())) for word in (*before, *words))
    return tuple(plain), len(before), side


def _without_side(words: list[str]) -> tuple[list[str], str]:
    """Take the word, the end or the beginning that names a side out of ``words``."""
    alone = [n for n, word in enumerate(words) if word.lower() in _SIDES]
    if alone and len(words) > 1:
        return words[: alone[-1]] + words[alone[-1] + 1 :], _SIDES[words[alone[-1]].lower()]
    for at, pattern in ((-1, _AT_END), (0, _AT_START)):
        found = pattern.search(words[at]) if words else None
        if found:
            rest = list(words)
            rest[at] = words[at][: found.start()] + words[at][found.end() :]
            return rest, _SIDES[found.group().lower()]
    return words, ""


class Index:
    """Finds names by their spellings.

    Args:
        names: as the file has them; of two that fit equally well the earlier one is taken.

    """

    def __init__(self, names: Iterable[str]) -> None:
        self._best: dict[str, tuple[int, str, list[str]]] = {}
        for name in names:
            words, free, side = _split(name)
            tail = "".join(words[free:]) + side
            for dropped, spelling in keys(name):
                held = self._best.get(spelling)
                if held is None or dropped < held[0]:
                    self._best[spelling] = (dropped, tail, [name])
                elif dropped == held[0] and tail == held[1]:
                    held[2].append(name)

    def find(self, spelling: str) -> tuple[str, ...]:
        """Return the names of one spelling: several where only their namespaces differ, or none."""
        held = self._best.get(spelling)
        return tuple(dict.fromkeys(held[2])) if held else ()
