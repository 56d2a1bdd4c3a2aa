"""Which format a file is of: by its extension, by a name, or by a look at what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from rhapsode.errors import FormatError
from rhapsode.formats.format import Format

_HEAD_BYTES = 65_536
_NICKNAMES = {"a2f": ".json", "livelink": ".csv"}
"""Formats that have a plain extension, by what people call them."""


def find(path: Path, able: Mapping[str, Format], *, job: str, name: str = "") -> Format:
    """Return the row of ``able`` (rows by extension) that ``name`` or else the extension of ``path`` means.

    Raises:
        FormatError: there is none, or the name fits several; the message lists them.

    """
    if name:
        return _named(name.lower().lstrip("."), path, able, job)
    for extension in _extensions(path):
        if extension in able:
            return able[extension]
    if job == "read":
        shared = [row for row in able.values() if row.sign and path.suffix.lower() in endings(row)]
        if shared:
            return shared[0]
    got = f"the extension '{path.suffix}'" if path.suffix else "no extension"
    raise FormatError(
        f"cannot {job} '{path}': got {got}, known are {' '.join(able)}; give the file one of these"
    )


def _extensions(path: Path) -> list[str]:
    """Return the extensions of ``path``, longest first: .azure.json, .json."""
    parts = path.suffixes
    return ["".join(parts[k:]).lower() for k in range(len(parts))]


def _named(name: str, path: Path, able: Mapping[str, Format], job: str) -> Format:
    exact = _NICKNAMES.get(name, f".{name}")
    if exact in able:
        return able[exact]
    begun = [extension for extension in able if extension.startswith(f".{name}.")]
    meant = [extension for extension in begun if extension.endswith(path.suffix.lower() or "\0")]
    for choice in (meant, begun):
        if len(choice) == 1:
            return able[choice[0]]
    known = " ".join(extension[1:] for extension in (begun or able))
    several = "stands for several" if begun else "is unknown"
    raise FormatError(f"cannot {job} '{path}': format '{name}' {several}; give one of: {known}")


def recognise(path: Path, row: Format, rows: Iterable[Format]) -> tuple[Format, str]:
    """Return the format to read ``path`` with, and what to add to a message that it is not that.

    An extension of two parts is believed, and so is one that no other format shares.

    Args:
        path: a file.
        row: the format that its extension stands for.
        rows: all formats.

    Raises:
        OSError: the file cannot be read.

    """
    ending = "." + row.extension.rpartition(".")[2]
    rivals = [one for one in rows if one.sign and one.reader and one is not row and ending in endings(one)]
    if not rivals or (row.extension.count(".") > 1 and path.name.lower().endswith(row.extension)):
        return row, ""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8-sig", "replace")
    found = next((one for one in (row, *rivals) if re.search(one.sign, head)), None)
    if found is not None:
        return found, ""
    looked = ", ".join(f"{one.name} ({one.sign_words})" for one in (row, *rivals))
    return row, f" (looked for signs of {looked}; name the format if it is one of them)"


def endings(row: Format) -> tuple[str, ...]:
    """Return the plain extensions that files of ``row`` are met with."""
    own = "." + row.extension.rpartition(".")[2]
    return (own, *row.met_as)
