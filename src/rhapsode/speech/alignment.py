"""Which written word each spoken token belongs to.

A voice reads "Dr. Smith paid $12.50" as "Doctor Smith paid twelve dollars and fifty cents". Its own
normaliser gives readings word by word; here each reading finds the word that was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

_WRITTEN = re.compile(r"\[(?P<said>[^\]]+)\]\(/[^)]*/\)(?P<rest>\S*)|\S+")
_MOST_PAIRS = 200
_EDGE = re.compile(r"^\W+|\W+$")


def written_words(text: str) -> list[str]:
    """Return the words of ``text`` as written, split at white space.

    A word with its phones given, ``[Rhapsode](/ɹˈæpsOd/)``, stands as the word inside the brackets.

    >>> written_words("Dr. Smith,  paid $12.50")
    ['Dr.', 'Smith,', 'paid', '$12.50']
    """
    return [match["said"] + match["rest"] if match["said"] else match[0] for match in _WRITTEN.finditer(text)]


def align_words(written: Sequence[str], spoken: Sequence[str], read: Callable[[str], str] = str) -> list[int]:
    """Return for each of ``spoken`` the index in ``written`` of the word it reads; never decreasing.

    Equal words are matched first; what lies between them is shared out at the least cost.

    Args:
        written: the words as written; at least one.
        spoken: the words as the voice's normaliser gives them for the whole sentence.
        read: the normaliser on a word alone, where it does not need the others.

    Example:
        >>> align_words(["Dr.", "Smith", "7:30", "pm"], ["Doctor", "Smith", "seven", "thirty", "P.M."])
        [0, 1, 2, 2, 3]

    """
    parts = [
        (owner, _bare(part)) for owner, word in enumerate(written) for part in read(word).split() or [word]
    ]
    left, right = [part for _, part in parts], [_bare(word) for word in spoken]
    home: list[int] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            home += range(i1, i2)
        elif i1 == i2:
            home += [max(i1 - 1, 0)] * (j2 - j1)
        else:
            home += [i1 + k for k in _share_out(tuple(left[i1:i2]), tuple(right[j1:j2]))]
    return [parts[k][0] for k in home]


def _share_out(written: tuple[str, ...], spoken: tuple[str, ...]) -> list[int]:
    """Give each written word a run of consecutive spoken ones so that the total cost is least."""
    m, n = len(written), len(spoken)
    if m * n > _MOST_PAIRS:
        return [k * m // n for k in range(n)]
    best = [[0.0] * (n + 1) for _ in range(m + 1)]
    run = [[0] * (n + 1) for _ in range(m + 1)]
    best[0][1:] = [float("inf")] * n
    for i in range(1, m + 1):
        for j in range(n + 1):
            costs = [best[i - 1][j - k] + _cost(written[i - 1], spoken[j - k : j]) for k in range(j + 1)]
            run[i][j] = min(range(j + 1), key=costs.__getitem__)
            best[i][j] = costs[run[i][j]]
    home: list[int] = []
    j = n
    for i in range(m, 0, -1):
        home[:0] = [i - 1] * run[i][j]
        j -= run[i][j]
    return home


@lru_cache(maxsize=4096)
def _cost(written: str, spoken: tuple[str, ...]) -> float:
    if not spoken:
        return 1.0 if any(c.isalnum() for c in written) else 0.0
    if not any(c.isalnum() for c in written):
        return 1.0 + len(spoken)
    unlike = 1.0 - SequenceMatcher(None, written, "".join(spoken), autojunk=False).ratio()
    digits = sum(c.isdigit() for c in written)
    expected = max(digits, 1)
    return unlike + 0.25 * abs(len(spoken) - expected) / expected


def _bare(word: str) -> str:
    """Return ``word`` in lower case without the punctuation around it; all punctuation stays itself."""
    return _EDGE.sub("", word).lower() or word
