"""Scripts from files and into files; every complaint names the file and the line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rhapsode.dialogue.script.model import Entry, Link, Script
from rhapsode.errors import FormatError

SUFFIXES = (".yaml", ".yml", ".xlsx", ".csv")
LARGEST = 8_000_000
"""Bytes of a file that is read."""

_Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Raw:
    """What a file holds before it is known to be a script.

    Args:
        data: the same nested shape for every format.
        places: path into ``data`` to where that stands, such as "12" (a line) or "row 3, column answers.en".

    """

    data: Mapping[str, Any]
    places: Mapping[_Where, str] = field(default_factory=dict)

    def place(self, where: Sequence[str | int]) -> str:
        """Return where the nearest known part of ``where`` stands; "" where nothing is known."""
        path = tuple(where)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, "")


class ScriptError(FormatError):
    """A file is no script.

    Args:
        problems: one sentence each, "file:line: what".

    """

    def __init__(self, problems: Sequence[str]) -> None:
        more = (
            f" (and {len(problems) - 1} more: rhapsode script check lists them)" if len(problems) > 1 else ""
        )
        super().__init__(problems[0] + more)
        self.problems = tuple(problems)


def read_script(path: str | Path) -> Script:
    """Read a script from YAML, XLSX or CSV.

    Raises:
        ScriptError: the file cannot be read or is no script; `ScriptError.problems` lists everything.
        MissingExtraError: a spreadsheet without openpyxl.

    """
    return parse_script(Path(path), read_bytes(path))


def read_bytes(path: str | Path) -> bytes:
    """Return what a script's file holds.

    Raises:
        ScriptError: it cannot be read, is too large or has another suffix.

    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ScriptError(
            [f"{path.name}: a script ends in {', '.join(SUFFIXES)}, got {path.suffix or 'no suffix'!r}"]
        )
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise ScriptError(
            [f"{path.name}: cannot be read: {error.strerror or error}; check the path"]
        ) from None
    if size > LARGEST:
        raise ScriptError([f"{path.name}: a script has at most {LARGEST:,} bytes, got {size:,}; divide it"])
    return content


def parse_script(path: Path, content: bytes) -> Script:
    """Return the script that ``content``, read from ``path``, holds; raises as `read_script` does."""
    raw = _raw(path, content)
    try:
        return Script.model_validate(raw.data)
    except ValidationError as error:
        details = [d for d in error.errors() if d["type"] != "too_short" or not d["input"]]
        raise ScriptError([_explain(path.name, raw, detail) for detail in details]) from None


def places(path: Path, content: bytes) -> dict[str, str]:
    """Return where each entry of a script begins: id to line or row; raises as `read_script` does."""
    raw = _raw(path, content)
    return {
        str(one["id"]): raw.place((part, number))
        for part in ("entries", "small_talk")
        for number, one in enumerate(raw.data.get(part, ()))
        if isinstance(one, Mapping) and "id" in one
    }


def _raw(path: Path, content: bytes) -> Raw:
    if path.suffix.lower() in {".yaml", ".yml"}:
        from rhapsode.dialogue.script.yaml_file import parse_yaml

        return parse_yaml(path.name, content)
    from rhapsode.dialogue.script.table_file import parse_table

    return parse_table(path, content)


def write_script(script: Script, path: str | Path) -> None:
    """Write a script as YAML, XLSX or CSV, whole or not at all.

    Everything that a script holds comes back from each of them; comments of a YAML file and the looks of a
    spreadsheet do not.

    Raises:
        ScriptError: the suffix is none of a script, or the file cannot be written.
        MissingExtraError: a spreadsheet without openpyxl.

    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in {".yaml", ".yml"}:
        from rhapsode.dialogue.script.yaml_file import to_yaml

        content = to_yaml(script)
    elif suffix in SUFFIXES:
        from rhapsode.dialogue.script.table_file import to_table

        content = to_table(script, suffix)
    else:
        raise ScriptError(
            [f"{path.name}: a script ends in {', '.join(SUFFIXES)}, got {suffix or 'no suffix'!r}"]
        )
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ScriptError(
            [f"{path.name}: cannot be written: {error.strerror or error}; check the path"]
        ) from None


_KEYS: Mapping[str, type[BaseModel]] = {"entries": Entry, "small_talk": Entry, "links": Link}


_EXPECTED: Mapping[str, str] = {
    "string_type": "a text",
    "model_type": "parts with names, such as {url: https://example.org/map, title: Map} for a link",
    "mapping_type": "texts, perhaps by language, such as {en: [Hello]}",
    "dict_type": "texts, perhaps by language, such as {en: [Hello]}",
    "tuple_type": "a list",
    "float_parsing": "a number",
}


def _explain(name: str, raw: Raw, detail: ErrorDetails) -> str:
    """Return one complaint of pydantic's as a sentence with its place."""
    where = detail["loc"]
    place = raw.place(where)
    head = f"{name}:{place}" if place else name
    subject = _subject(raw, where)
    kind, got = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return f"{head}: {_unknown(subject, where)}"
    if kind == "missing":
        hint = "; write for instance languages: [en]" if where == ("languages",) else ""
        return f"{head}: {subject} lacks {str(where[-1])!r}{hint}"
    inside = where[2:] if _entry_of(raw, where) is not None else where
    path = ".".join(str(part) for part in inside if not isinstance(part, int))
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        wanted = (
            "a language tag such as en or zh-CN"
            if "a-z" in message[:60] and "{2,3}" in message
            else ("letters, digits, '-' and '_'")
        )
        message = f"expected {wanted}, got {got!r}"
    elif kind == "too_short" or kind == "string_too_short":
        message = "is empty; expected at least one"
    elif kind in _EXPECTED:
        message = f"expected {_EXPECTED[kind]}, got {str(got)[:60]!r}"
    elif kind != "value_error":
        message = f"{message[:1].lower()}{message[1:]}, got {str(got)[:60]!r}"
    return f"{head}: {subject}{f', {path}' if path else ''}: {message}"


def _entry_of(raw: Raw, where: Sequence[str | int]) -> Any:
    """Return the entry that ``where`` lies in, as it was read; None outside of entries."""
    if len(where) >= 2 and where[0] in {"entries", "small_talk"} and isinstance(where[1], int):
        return raw.data[str(where[0])][where[1]]
    return None


def _subject(raw: Raw, where: Sequence[str | int]) -> str:
    """Return which entry is meant."""
    one = _entry_of(raw, where)
    if one is None:
        return "the script"
    called = one.get("id") if isinstance(one, Mapping) else None
    return f"entry {called!r}" if called else f"entry {int(where[1]) + 1} of {where[0]}"


def _unknown(subject: str, where: Sequence[str | int]) -> str:
    """Return that a key is unknown, which one may have been meant and which are known."""
    owners = [_KEYS[str(part)] for part in where[:-1] if part in _KEYS]
    known = list((owners[-1] if owners else Script).model_fields)
    near = get_close_matches(str(where[-1]), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{subject} has no key {str(where[-1])!r}; {hint}known are {', '.join(known)}"
