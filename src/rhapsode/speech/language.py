"""Is a text one that an English voice can read? A cautious check on scripts and function words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_SCRIPTS = {
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "a Cyrillic script",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari script",
    "THAI": "Thai",
    "GREEK": "Greek",
}
_FUNCTION_WORDS = {
    "German": "der das und ist nicht ich ein eine wir sie mit auf für von zu wie wird auch dass",
    "French": "les et est je vous nous une des dans pour pas que qui avec sur mais c'est ce",
    "Spanish": "es y un una que por para con pero está como muy del yo usted",
    "Italian": "il gli è e un una che per con non sono di della mi ma come questo",
    "Portuguese": "o os é e um uma que por para com não mas como muito você do da em",
    "Dutch": "de het een en niet ik wij je van voor met op zijn maar dat wat ook",
}
_ENGLISH_WORDS = (
    "the a an and is are was were not i you he she it we they with on for from of to in that this but as at "
    "be have has had do does did will would can could my your his her its our their what who how when where"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split(" "))
_TABLES = {name: frozenset(words.split()) - _ENGLISH for name, words in _FUNCTION_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SAMPLE = 20_000


def other_script_words(text: str) -> list[str]:
    """Return the words of ``text`` that hold letters outside the Latin script, in order."""
    return [word for word in _WORD.findall(text) if any(_script(c) for c in word)]


def foreign_language(text: str) -> str | None:
    """Name the language or script of ``text`` if it is clearly not English, else None.

    A text is foreign if more than a third of its letters are not Latin, or if it holds three or more
    function words of one other language and twice as many of them as of English. Only the first 20,000
    characters are looked at.
    """
    words = _WORD.findall(unicodedata.normalize("NFC", text[:_SAMPLE]).lower().replace("’", "'"))
    letters = Counter(_script(c) for word in words for c in word)
    total, latin = letters.total(), letters.pop("", 0)
    if total and total - latin > total / 3:
        return "Japanese" if letters["Japanese"] else letters.most_common(1)[0][0]
    english = sum(word in _ENGLISH for word in words)
    found = {name: sum(word in table for word in words) for name, table in _TABLES.items()}
    name = max(found, key=found.__getitem__)
    return name if found[name] >= 3 and found[name] >= 2 * english else None


def _script(letter: str) -> str:
    """Return the name of a letter's script for a person, '' if Latin or no letter of its own."""
    if letter < "ɐ":
        return ""
    named = unicodedata.name(letter, "")
    if named.startswith(("LATIN", "MODIFIER", "COMBINING", "FULLWIDTH LATIN")):
        return ""
    return _SCRIPTS.get(named.split(" ")[0].split("-")[0], "another script")


_LATIN_LANGUAGES = frozenset(("en", "es", "fr", "it", "pt"))
_NAMED = {"Spanish": "es", "French": "fr", "Italian": "it", "Portuguese": "pt", "German": "de", "Dutch": "nl"}
_KANA = re.compile(r"[぀-ヿｦ-ﾟ]")
_HAN = re.compile(r"[㐀-鿿豈-﫿]")
_DEVANAGARI = re.compile(r"[ऀ-ॿ]")


def script_language(text: str, usual: str) -> str:
    """Return the primary subtag of the language of ``text`` by its script.

    Kana is Japanese; Han characters are Chinese unless ``usual`` is Japanese; Devanagari is Hindi. Latin text
    is in the usual language if that is written so, else in the language that its function words name, else
    English. Other scripts are named by `foreign_language`.

    >>> [script_language(*one) for one in (("Hello", "zh-CN"), ("我用 Python", "en"), ("Hola", "es-ES"))]
    ['en', 'zh', 'es']
    """
    own = usual.split("-")[0].lower()
    if _KANA.search(text):
        return "ja"
    if _HAN.search(text):
        return "ja" if own == "ja" else "zh"
    if _DEVANAGARI.search(text):
        return "hi"
    found = foreign_language(text)
    if found is not None and found not in _NAMED:
        return found
    if own in _LATIN_LANGUAGES and own != "en":
        return own
    if own not in ("en", "zh", "ja", "hi"):
        return own
    return _NAMED[found] if found else "en"
