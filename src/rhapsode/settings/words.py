"""Settings as words: values out of text, out of the environment or a command, and what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

from rhapsode.errors import SettingError

Kind = Literal["list", "pairs", "one"]
"""How many values a setting holds: several, named ones, or one."""

_SECRET = {"key", "apikey", "token", "password", "passwd", "secret", "credential", "credentials"}
_LOGIN = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]+(?=@)")

_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a number",
    "string": "a text",
    "tuple": "a list",
    "mapping": "a table of pairs",
    "dict": "a table of pairs",
    "model": "a section with settings",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
    "string_too_long": ("of at most so many characters:", "max_length"),
}


@cache
def _schema(section: type[BaseModel]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = section.model_json_schema()["properties"]
    return properties


def kind_of(section: type[BaseModel], name: str) -> tuple[Kind, bool]:
    """Return how many values the setting ``name`` holds, and whether it may hold none."""
    schema = _schema(section)[name]
    options = schema.get("anyOf", [schema])
    types = {option.get("type") for option in options}
    kind: Kind = "list" if "array" in types else "pairs" if "object" in types else "one"
    return kind, "null" in types


def value_of(text: str, kind: Kind, empty: bool, *, what: str) -> Any:
    """Return the value that ``text`` stands for, not checked yet.

    Args:
        text: lists are JSON or separated by commas, pairs JSON or ``a=b,c=d``, "none" is nothing.
        kind: of the setting.
        empty: whether it may hold nothing.
        what: names it where it is wrong.

    Raises:
        SettingError: it begins as JSON and is none, or a pair is none.

    """
    text = text.strip()
    if empty and text.lower() == "none":
        return None
    if kind == "one":
        return text
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise SettingError(f"{what} must be JSON where it begins with '{text[0]}', got {error}") from None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind == "list":
        return parts
    if wrong := [part for part in parts if "=" not in part]:
        raise SettingError(f"{what} must be pairs such as en=hibari,zh=kokoro:zf_001, got '{wrong[0]}'")
    return {name.strip(): value.strip() for name, value in (part.split("=", 1) for part in parts)}


def expected(error: Mapping[str, Any]) -> str:
    """Return what a value must be, of an error of pydantic."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        return str(limits["expected"])
    if kind in _LIMITS:
        words, name = _LIMITS[kind]
        return f"{words} {limits[name]:g}"
    if kind == "string_pattern_mismatch" and "a-z]{2,3}" in limits["pattern"]:
        return "a language tag such as 'en' or 'zh-CN', or 'auto'"
    if kind == "string_pattern_mismatch":
        return "of letters, digits and . _ ~ - only"
    first = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float")
    return _EXPECTED.get(first, str(error["msg"]).removeprefix("Input should be "))


def unlike(error: Mapping[str, Any], key: str, where: str = "") -> str:
    """Return what to say of a value that a setting cannot have.

    Args:
        error: of pydantic.
        key: of the setting, "section.name".
        where: the file with its line, or the variable; empty for neither.

    """
    got, must = error["input"], expected(error)
    named = re.findall(r"'([^']*)'", must) if error["type"] == "literal_error" else []
    near = nearest(str(got), named)
    shown = "a text that is not shown" if secret(key.split(".")[-1]) else repr(hide_logins(got))
    return (
        f"{where + ': ' if where else ''}{key} must be {must}, got {shown}{near}; "
        f"`rhapsode settings show {key}` explains it"
    )


def nearest(name: str, known: Collection[str]) -> str:
    """Return "; did you mean ...?" where one of ``known`` is like ``name``, else nothing."""
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def secret(name: str) -> bool:
    """Tell whether ``name`` is one that keys and passwords go by."""
    return bool(_SECRET & set(re.split(r"[_\-.]", name.lower()))) or name.lower().endswith("password")


def has_login(value: object) -> bool:
    """Tell whether ``value`` is an address that holds a password."""
    return isinstance(value, str) and bool(_LOGIN.search(value))


def hide_logins(value: Any) -> Any:
    """Return ``value`` with names and passwords in addresses taken out, at any depth."""
    if isinstance(value, str):
        return _LOGIN.sub("***", value)
    if isinstance(value, Mapping):
        return {key: hide_logins(inner) for key, inner in value.items()}
    return [hide_logins(inner) for inner in value] if isinstance(value, list | tuple) else value
