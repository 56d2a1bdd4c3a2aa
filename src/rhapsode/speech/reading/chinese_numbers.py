"""Numbers in Mandarin."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
_GROUPS = ("", "万", "亿", "万亿", "亿亿")
_LONGEST = 4 * len(_GROUPS)


def digits(text: str, *, one: str = "一") -> str:
    """Return ``text`` digit by digit; others than digits are left out.

    Args:
        text: such as "2024" or "010-6552".
        one: how 1 is said: "幺" in telephone and room numbers.

    >>> digits("2024"), digits("110", one="幺")
    ('二零二四', '幺幺零')
    """
    return "".join(one if c == "1" else _DIGITS[int(c)] for c in text if c in "0123456789")


def cardinal(text: str) -> str:
    """Return a whole number such as "1050" or "-3"; commas are passed over, huge ones go digit by digit.

    >>> cardinal("10"), cardinal("2,200"), cardinal("100010"), cardinal("-3")
    ('十', '两千二百', '十万零一十', '负三')
    """
    if text.startswith(("-", "−")):
        return "负" + cardinal(text[1:])
    plain = text.replace(",", "").lstrip("0") or "0"
    if plain == "0" or len(plain) > _LONGEST:
        return digits(plain)
    groups = [plain[max(k - 4, 0) : k] for k in range(len(plain), 0, -4)]
    said = ""
    for k in range(len(groups) - 1, -1, -1):
        part = _thousands(groups[k], lead=bool(said))
        if part:
            said = (
                said.rstrip("零") + part + _GROUPS[k] if part.startswith("零") else said + part + _GROUPS[k]
            )
        elif said and not said.endswith("零"):
            said += "零"
    said = said.rstrip("零")
    for unit in ("千", "万", "亿"):
        said = said.replace("二" + unit, "两" + unit).replace("十两" + unit, "十二" + unit)
    return said[1:] if said.startswith("一十") else said


def number(text: str) -> str:
    """Return a number such as "1,234.5" or "-0.05".

    >>> number("3.14"), number("-0.5")
    ('三点一四', '负零点五')
    """
    whole, point, behind = text.partition(".")
    sign = "负" if whole.startswith(("-", "−")) else ""
    whole = whole.lstrip("-−+")
    return sign + cardinal(whole or "0") + ("点" + digits(behind) if point and behind else "")


def _thousands(group: str, *, lead: bool) -> str:
    """Return a number below 10,000 without its group; ``lead`` says a zero where thousands are missing."""
    said, gap = "", False
    for digit, unit in zip(group.rjust(4, "0"), ("千", "百", "十", ""), strict=True):
        if digit == "0":
            gap = bool(said) or lead
            continue
        said += ("零" if gap else "") + _DIGITS[int(digit)] + unit
        gap = False
    return said
