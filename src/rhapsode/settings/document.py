"""The file of settings: what stands in it, where, and whether it may."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rhapsode.errors import SettingError
from rhapsode.settings.fields import FOLDERS, PATHS, SECTIONS, fields
from rhapsode.settings.words import has_login, nearest, secret

NAME = "rhapsode.toml"
"""What the file is called where nobody names another."""

_KEY = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_ENTRY = re.compile(rf"\s*({_DOTTED})\s*=")


class Document:
    """What a file of settings says, checked but for its values.

    Args:
        text: of the file.
        path: of the file, for messages and for what stands relative to it.

    Attributes:
        preset: that the file names; empty for none.
        values: "section.name" to its value; paths are absolute.

    Raises:
        SettingError: it is no TOML, holds what is no setting, or a secret.

    """

    def __init__(self, text: str, path: Path) -> None:
        self._text, self._path = text, path
        self.preset, self.values = "", dict[str, Any]()
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingError(f"{path} must be TOML: {_where(error, path)}; correct it there") from None
        for section, held in found.items():
            self._read(section, held)

    def place(self, *keys: str) -> str:
        """Return where something stands: the file, with the line where that is found."""
        line = line_of(self._text, keys)
        return f"{self._path}:{line}" if line else str(self._path)

    def _read(self, section: str, held: Any) -> None:
        where = self.place(section)
        if section == "preset":
            if not isinstance(held, str):
                raise SettingError(f"{where}: preset must be a name in quotes, got {held!r}; write one")
            self.preset = held
            return
        if section not in SECTIONS:
            if secret(section):
                raise SettingError(_no_secret(where, section, f"RHAPSODE_{section.upper()}"))
            raise SettingError(f"{where}: {unknown(section)}")
        if not isinstance(held, dict):
            raise SettingError(
                f"{where}: {section} must be a section, got {held!r}; write [{section}], settings below"
            )
        for name, value in held.items():
            self.values[f"{section}.{name}"] = self._checked(section, name, value)

    def _checked(self, section: str, name: str, value: Any) -> Any:
        key, where = f"{section}.{name}", self.place(section, name)
        field = fields().get(key)
        if key == "server.token" or (field is None and secret(name)):
            raise SettingError(_no_secret(where, key, variable_of(section, name)))
        if field is None:
            raise SettingError(f"{where}: {unknown(section, name)}")
        for inner, text in _leaves(value):
            if inner and secret(inner[-1]) and not str(text).startswith("$"):
                variable = inner[-1].upper()
                raise SettingError(
                    f"{self.place(section, name, *inner)}: {'.'.join((key, *inner))} must not hold a secret, "
                    f'got one; set an environment variable and write its name: {inner[-1]} = "${variable}"'
                )
            if has_login(text):
                raise SettingError(_no_secret(where, key, field.variable, "an address with a password"))
        if field.empty and value == "none":
            return None
        return self._absolute(key, value)

    def _absolute(self, key: str, value: Any) -> Any:
        """Return a path as it is seen from everywhere."""
        named = key in PATHS and isinstance(value, str) and ("/" in value or "\\" in value or _suffix(value))
        if not (named or (key in FOLDERS and value)) or not isinstance(value, str):
            return value
        return str(self._path.parent.absolute() / Path(value).expanduser())


def unknown(section: str, name: str = "") -> str:
    """Return what to say of a section, or of a setting of one, that does not exist."""
    if not name:
        known = [*SECTIONS, "preset"]
        return f"no section is called '{section}'{nearest(section, known)}; known are {', '.join(known)}"
    names = [field.name for field in fields().values() if field.section == section]
    near = nearest(name, names)
    if not near and (others := [field.key for field in fields().values() if field.name == name]):
        near = f"; did you mean {others[0]}?"
    return f"no setting is called '{section}.{name}'{near}; known are {', '.join(names)}"


def variable_of(section: str, name: str) -> str:
    """Return the environment variable that a secret is read from."""
    return f"RHAPSODE_{section}_{name}".upper()


def line_of(text: str, keys: tuple[str, ...]) -> int:
    """Return the line that ``keys`` stand in, counted from 1; 0 where they are not found.

    What stands in a table within one line is found by the line of that table.
    """
    table: tuple[str, ...] = ()
    best, matched, within = 0, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if within:
            within = "" if within in line else within
            continue
        if header := _HEADER.match(line):
            table = here = _parts(header[1])
        elif entry := _ENTRY.match(line):
            here = table + _parts(entry[1])
            for quotes in ('"""', "'''"):
                within = quotes if line.count(quotes) % 2 else within
        else:
            continue
        same = sum(1 for _ in _same(here, keys))
        if same > matched and same == min(len(here), len(keys)):
            best, matched = number, same
    return best


def _same(left: tuple[str, ...], right: tuple[str, ...]) -> Iterator[None]:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return
        yield


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(_KEY, dotted))


def _leaves(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield all single values within ``value`` with the keys that lead there."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, *path, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, *path)
    else:
        yield path, value


def _no_secret(where: str, key: str, variable: str, got: str = "one") -> str:
    return (
        f"{where}: {key} must not stand in a file, for it is a secret, got {got}; take it out and set the "
        f"environment variable {variable}"
    )


def _suffix(value: str) -> bool:
    return bool(re.search(r"\.[A-Za-z][A-Za-z0-9]{0,5}$", value))


def _where(error: tomllib.TOMLDecodeError, path: Path) -> str:
    """Return what is wrong, the line in front of it."""
    said = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|(.*))\)", str(error), re.DOTALL)
    if said is None:
        return str(error)
    return f"{path}:{said[2]}: {said[1]}" if said[2] else f"{said[1]} at the {said[3]}"
