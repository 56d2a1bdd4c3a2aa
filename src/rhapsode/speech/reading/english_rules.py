"""What is said in English where hibari's own rules say something else or nothing."""

from __future__ import annotations

import re

from rhapsode.speech.reading.rules import Rule, expand

_NUM = r"\d+(?:,\d{3})*(?:\.\d+)?"
_BIG = r"hundred|thousand|million|billion|trillion|[kKmMbB](?![A-Za-z])|bn(?![A-Za-z])"
_BIGS = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_MONEY = {
    "US$": ("US dollar", "cent"), "HK$": ("Hong Kong dollar", "cent"), "A$": ("Australian dollar", "cent"),
    "C$": ("Canadian dollar", "cent"), "$": ("dollar", "cent"), "£": ("pound", "penny"),
    "€": ("euro", "cent"), "USD": ("US dollar", "cent"), "EUR": ("euro", "cent"), "GBP": ("pound", "penny"),
    "RMB": ("yuan", ""), "CNY": ("yuan", ""), "JPY": ("yen", ""), "¥": ("yen", ""), "₹": ("rupee", "paisa"),
    "₩": ("won", ""),
}  # fmt: skip
_PLURALS = {"penny": "pence", "yen": "yen", "yuan": "yuan", "won": "won", "paisa": "paise"}
_AREAS = {
    "km²": "square kilometers",
    "m²": "square meters",
    "cm²": "square centimeters",
    "m³": "cubic meters",
}
_SPEEDS = {"m/s": "meters per second", "kB/s": "kilobytes per second", "MB/s": "megabytes per second"}
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_SIGNS = {
    ">=": "at least", "<=": "at most", "≥": "at least", "≤": "at most", "!=": "is not", "≠": "is not",
    "≈": "is about", "->": "to", "→": "to", "×": "times", "÷": "divided by", "±": "plus or minus",
}  # fmt: skip
_FORMULAS = {"CO2": "C O 2", "CO₂": "C O 2", "H₂O": "H 2 O", "NO2": "N O 2", "COVID-19": "COVID 19"}
_FRACTIONS = {"½": "a half", "⅓": "a third", "¼": "a quarter", "¾": "three quarters", "⅔": "two thirds"}


def _alt(words: dict[str, object] | dict[str, str] | dict[str, tuple[str, str]]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _many(word: str, count: str) -> str:
    return word if count in ("1", "1.0") else _PLURALS.get(word, f"{word}s")


def _money(amount: str, code: str, big: str | None) -> str:
    whole, small = _MONEY[code]
    if big:
        return f"{amount} {_BIGS.get(big.lower(), big)} {_many(whole, '2')}"
    units, _, cents = amount.replace(",", "").partition(".")
    if not cents or not small or len(cents) != 2:
        return f"{amount} {_many(whole, amount)}"
    cents = cents.lstrip("0")
    said = [f"{units} {_many(whole, units)}"] if int(units) else []
    said += [f"{cents} {_many(small, cents)}"] if cents else []
    return " and ".join(said) or f"0 {_many(whole, '0')}"


def _digits(text: str) -> str:
    """Return the digits of a telephone number in its groups."""
    plus = "plus " if text.lstrip().startswith("+") else ""
    return plus + ", ".join(" ".join(group) for group in re.findall(r"\d+", text))


def _address(text: str) -> str:
    said = re.sub(r"^https?://", "", text).rstrip("/.,;:!?)")
    said = re.sub(r"^www\.", "W W W dot ", said)
    for sign, word in (
        (".", "dot"),
        ("@", "at"),
        ("/", "slash"),
        ("-", "dash"),
        ("_", "underscore"),
        (":", "colon"),
    ):
        said = said.replace(sign, f" {word} ")
    said = re.sub(r"[?&=#%+~]+", " ", said)
    return re.sub(r"\s+", " ", re.sub(r"(\d)", r" \1 ", said)).strip()


def _ordinal(match: re.Match[str]) -> str | None:
    """Return an ordinal that ends in noughts, which the lexicon cannot read."""
    number = int(match[1].replace(",", ""))
    names = {100: "hundredth", 1000: "thousandth", 1_000_000: "millionth"}
    for size in sorted(names, reverse=True):
        if number and number % size == 0 and number // size < 1000:
            count = number // size
            return f"{'one' if count == 1 else count} {names[size]}"
    return None


def _fraction(match: re.Match[str]) -> str | None:
    names = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 8: "eighth", 10: "tenth"}
    top, bottom = int(match[2]), int(match[3])
    if bottom not in names or not 0 < top < bottom:
        return None
    part = f"a {names[bottom]}" if top == 1 else f"{top} {names[bottom]}s"
    return f"{match[1]} and {part}"


RULES: tuple[Rule, ...] = (
    (
        re.compile(r"https?://[!-~]+[\w/]|www\.[!-~]+[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII),
        lambda m: _address(m[0]),
    ),
    (re.compile(rf"(?<!\w)(?:{_alt(_FORMULAS)})(?!\w)"), lambda m: _FORMULAS[m[0]]),
    (re.compile(r"(?<![\w.])\+\d[\d ()-]{6,18}\d(?!\w)"), lambda m: _digits(m[0])),
    (
        re.compile(r"(?<![\w.+-])(?:1-)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"),
        lambda m: _digits(m[0]),
    ),
    (re.compile(r"(?<![\w.-])\d-\d{3}-\d{3}-\d{4}(?![\w-])"), lambda m: _digits(m[0])),
    (
        re.compile(rf"(?<!\w)({_alt(_MONEY)})\s?({_NUM})(?:\s?({_BIG}))?(?![\d])"),
        lambda m: _money(m[2], m[1], m[3]),
    ),
    (
        re.compile(rf"(?<![\w.])({_NUM})(?:\s({_BIG}))?\s?(USD|EUR|GBP|RMB|CNY|JPY|€)(?!\w)"),
        lambda m: _money(m[1], m[3], m[2]),
    ),
    (re.compile(rf"(?<![\w.])({_NUM})\s?({_alt(_AREAS)}|{_alt(_SPEEDS)})(?!\w)"), lambda m: _unit(m)),
    (
        re.compile(r"(?<![\w./])(\d+) (\d)/(\d+)(?![\w/])"),
        _fraction,
    ),
    (re.compile(rf"[{''.join(_FRACTIONS)}]"), lambda m: _vulgar(m)),
    (re.compile(r"(?<![\w./])(24/7|50/50|9/11)(?![\w/])"), lambda m: m[0].replace("/", " ")),
    (re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)th(?!\w)"), _ordinal),
    (re.compile(rf"(?<![\w.])({_NUM})\s?[-–]\s?({_NUM})\s?%"), lambda m: f"{m[1]} to {m[2]} percent"),
    (re.compile(r"(?<![\w.])v(?=\d+\.\d)"), lambda _: "version "),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\w.]*\w)"), lambda m: m[0].replace(".", " point ")),
    (re.compile(r"(?<![\w.])\.(?=\d)"), lambda _: "point "),
    (re.compile(r"(?<![\w.,:/-])0\d+(?![\w.,:/-]*\d)"), lambda m: " ".join(m[0]).replace("0", "zero")),
    (re.compile(rf"(?<![\d)]\s)(?<![\w.)])[-−]({_NUM})"), lambda m: f"minus {m[1]}"),
    (re.compile(rf"(?<![\w.])({_NUM})[xX](?!\w)"), lambda m: f"{m[1]} times"),
    (re.compile(r"(?<=\d)\s?[x×*]\s?(?=\d)"), lambda _: " times "),
    (re.compile(rf"(?<![\w.$£€])({_NUM})[kK](?!\w)(?=\s[a-z])"), lambda m: f"{m[1]} thousand"),
    (re.compile(r"(?<![\w.'])(\d)'\s?(\d{1,2})\""), lambda m: f"{m[1]} foot {m[2]}"),
    (re.compile(rf"(?<!\w)({_alt(_DAYS)})\.?\s?[-–]\s?({_alt(_DAYS)})(?!\w)"), lambda m: _days(m)),
    (re.compile(r"(?<=[\d]) ?[–-] ?(?=\d{1,2}:\d\d)"), lambda _: " to "),
    (re.compile(r"(?<=\d[ap]m)\s?[–-]\s?(?=\d)"), lambda _: " to "),
    (re.compile(r"\s?(" + _alt(_SIGNS) + r")\s?"), lambda m: f" {_SIGNS[m[1]]} "),
)
"""Earlier rules go first."""


def spoken(text: str) -> str:
    """Return ``text`` with what these rules know replaced; hibari's own rules read the rest.

    >>> spoken("It fell to -12, i.e. $3.50 for 2 1/2 cups.")
    'It fell to minus 12, i.e. 3 dollars and 50 cents for 2 and a half cups.'
    """
    return "".join(text[p.begin : p.end] if p.said is None else p.said for p in expand(text, RULES))


def _unit(match: re.Match[str]) -> str:
    unit = _AREAS.get(match[2]) or _SPEEDS[match[2]]
    return f"{match[1]} {unit}"


def _vulgar(match: re.Match[str]) -> str:
    before = match.string[: match.start()]
    said = _FRACTIONS[match[0]]
    return f" and {said}" if before[-1:].isdigit() else said


def _days(match: re.Match[str]) -> str:
    return f"{_DAYS[match[1]]} to {_DAYS[match[2]]}"
