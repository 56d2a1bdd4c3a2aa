"""Scripts as one table, in a spreadsheet (.xlsx) or as comma-separated values (.csv).

One row is one entry; a cell holds several texts on lines of their own. The column ``kind`` says what a row
is: "script" (a setting of the script: its name in ``id``, its value in ``value``), "greetings",
"fallbacks", "did_you_mean", "unlike", "intent", "entry" or "small_talk".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rhapsode.dialogue.script.model import Entry, Script
from rhapsode.dialogue.script.reading import Raw, ScriptError
from rhapsode.errors import MissingExtraError

_TEXTS = ("questions", "keywords", "unlike", "answers")
_PLAIN = ("emotion", "gesture", "intent", "note")
_LISTS = ("after", "suggestions", "links")
_SETTINGS = ("name", "about", "languages", "persona", "voices", "threshold")
_SAID = ("greetings", "fallbacks", "did_you_mean")
_KINDS = ("script", *_SAID, "unlike", "intent", "entry", "small_talk")
_WIDTHS = {"kind": 13, "id": 20, "value": 30, "questions": 44, "keywords": 18, "answers": 60, "links": 44}
_LONGEST_TABLE = 20_000  # rows

Row = Mapping[str, str]


def to_table(script: Script, suffix: str) -> bytes:
    """Return a script as the content of a file of ``suffix``, ".xlsx" or ".csv"."""
    texts = [
        f"{part}.{tag}" for tag in _tags(script) for part in ("questions", "answers", "keywords", "unlike")
    ]
    columns = ["kind", "id", "value", *texts, *_PLAIN[:2], *_LISTS, *_PLAIN[2:]]
    rows = [{"kind": kind, "id": name, **cells} for kind, name, cells in _rows(script)]
    table = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return _to_xlsx(table) if suffix == ".xlsx" else _to_csv(table)


def _tags(script: Script) -> list[str]:
    """Return every language that has texts, the script's own first."""
    tags = dict.fromkeys(script.languages)
    for entry in script.all_entries():
        for part in _TEXTS:
            tags.update(dict.fromkeys(getattr(entry, part)))
    for said in (script.greetings, script.fallbacks, script.did_you_mean, *script.intents.values()):
        tags.update(dict.fromkeys(said))
    return list(tags)


def _rows(script: Script) -> Iterator[tuple[str, str, dict[str, str]]]:
    for name in _SETTINGS:
        value = getattr(script, name)
        if isinstance(value, Mapping):
            value = "\n".join(f"{tag}: {text}" for tag, text in value.items())
        elif isinstance(value, tuple):
            value = "\n".join(value)
        if value not in ("", None):
            yield "script", name, {"value": str(value)}
    for name in _SAID:
        if getattr(script, name):
            yield name, "", _texts("answers", getattr(script, name))
    if script.unlike:
        yield "unlike", "", _texts("questions", script.unlike)
    for name, texts in script.intents.items():
        yield "intent", name, _texts("questions", texts)
    for kind, entries in (("entry", script.entries), ("small_talk", script.small_talk)):
        for entry in entries:
            yield kind, entry.id, _cells(entry)


def _texts(part: str, texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {f"{part}.{tag}": "\n".join(lines) for tag, lines in texts.items()}


def _cells(entry: Entry) -> dict[str, str]:
    cells: dict[str, str] = {}
    for part in _TEXTS:
        cells.update(_texts(part, getattr(entry, part)))
    cells.update({part: getattr(entry, part) for part in _PLAIN})
    cells["after"], cells["suggestions"] = "\n".join(entry.after), "\n".join(entry.suggestions)
    cells["links"] = "\n".join(
        " | ".join((link.url, *(f"{tag}: {title}" for tag, title in link.title.items())))
        for link in entry.links
    )
    return cells


def _to_csv(table: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(table)
    return out.getvalue().encode("utf-8-sig")  # the mark lets spreadsheets know that it is UTF-8


def _to_xlsx(table: Sequence[Sequence[str]]) -> bytes:
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font
        from openpyxl.utils import get_column_letter
    except ImportError:
        raise MissingExtraError("openpyxl", "converse") from None
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "script"
    wrapped, bold = Alignment(wrap_text=True, vertical="top"), Font(bold=True)
    for number, row in enumerate(table, 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.alignment = wrapped
            if text:
                cell.value, cell.data_type = text, "s"  # a text that begins with "=" is no formula
            if number == 1:
                cell.font = bold
    for column, name in enumerate(table[0], 1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(name.partition(".")[0], 16)
    sheet.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parse_table(path: Path, content: bytes) -> Raw:
    """Return what a table holds, in the shape of the YAML.

    Raises:
        ScriptError: it is no table, or a column or a kind is unknown.
        MissingExtraError: a spreadsheet without openpyxl.

    """
    table = cells(path, content)
    if not table:
        raise ScriptError([f"{path.name}: is empty; expected a first row with the names of columns"])
    _check_columns(path.name, table[0])
    data: dict[str, Any] = {"entries": []}
    places: dict[tuple[str | int, ...], str] = {}
    for number, line in enumerate(table[1:], 2):
        row = {column: cell for column, cell in zip(table[0], line, strict=False) if column and cell.strip()}
        if row:
            _Put(f"{path.name}:row {number}", number, data, places)(row)
    return Raw(data, places)


def cells(path: Path, content: bytes) -> list[list[str]]:
    """Return the rows of a table; raises as `parse_table` does."""
    read = _from_xlsx if path.suffix.lower() == ".xlsx" else _from_csv
    return read(path.name, content)


def _check_columns(name: str, columns: Sequence[str]) -> None:
    known = ["kind", "id", "value", *_PLAIN, *_LISTS]
    for column in filter(None, columns):
        part, _, tag = column.partition(".")
        if column not in known and not (part in _TEXTS and tag):
            near = get_close_matches(column, [*known, *(f"{part}.en" for part in _TEXTS)], n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ScriptError(
                [
                    f"{name}:row 1: no column is called {column!r}; {hint}known are {', '.join(known)}, and "
                    f"questions, answers, keywords and unlike with a language, such as questions.en"
                ]
            )
    if "kind" not in columns:
        raise ScriptError([f"{name}:row 1: the column 'kind' is missing; its rows say {', '.join(_KINDS)}"])
    twice = next((column for i, column in enumerate(columns) if column and column in columns[:i]), None)
    if twice:
        raise ScriptError([f"{name}:row 1: two columns are called {twice!r}; join them"])


class _Put:
    """Puts one row where it belongs."""

    def __init__(
        self, place: str, number: int, data: dict[str, Any], places: dict[tuple[str | int, ...], str]
    ) -> None:
        self._place, self._number, self._data, self._places = place, number, data, places

    def __call__(self, row: Row) -> None:
        kind, name = row.get("kind", "").strip(), row.get("id", "").strip()
        if kind not in _KINDS:
            raise ScriptError([f"{self._place}: no row is of kind {kind!r}; known are {', '.join(_KINDS)}"])
        if kind == "script":
            self._setting(name, row.get("value", ""))
        elif kind in _SAID:
            self._once(kind, kind, _by_language("answers", row))
        elif kind == "unlike":
            self._once(kind, kind, _by_language("questions", row))
        elif kind == "intent":
            intents = self._data.setdefault("intents", {})
            if name in intents:
                raise ScriptError([f"{self._place}: the intent {name!r} stands twice; join them"])
            intents[name] = _by_language("questions", row)
            self._places["intents", name] = f"row {self._number}"
        else:
            self._entry("entries" if kind == "entry" else kind, row)

    def _setting(self, name: str, value: str) -> None:
        read: Any = value.strip()
        if name == "languages":
            read = _lines(value)
        elif name == "voices":
            read = dict(_pair(line) for line in _lines(value))
        self._once(name, name, read)

    def _once(self, key: str, name: str, value: Any) -> None:
        if key in self._data:
            raise ScriptError([f"{self._place}: {name!r} stands twice; join them in one row"])
        self._data[key] = value
        self._places[(key,)] = f"row {self._number}"

    def _entry(self, key: str, row: Row) -> None:
        entry: dict[str, Any] = {
            "id": row.get("id", ""),
            **{part: row[part] for part in _PLAIN if part in row},
        }
        path = (key, len(self._data.setdefault(key, [])))
        self._places[path] = f"row {self._number}"
        for part in _TEXTS:
            texts = _by_language(part, row)
            if texts or part == "answers":
                entry[part] = texts
            for tag in texts:
                self._places[(*path, part, tag)] = f"row {self._number}, column {part}.{tag}"
        for part in _LISTS:
            if part in row:
                entry[part] = [_link(one) if part == "links" else one for one in _lines(row[part])]
                self._places[(*path, part)] = f"row {self._number}, column {part}"
        self._data[key].append(entry)


def _lines(cell: str) -> list[str]:
    return [line.strip() for line in cell.splitlines() if line.strip()]


def _by_language(part: str, row: Row) -> dict[str, list[str]]:
    return {
        column.partition(".")[2]: _lines(cell)
        for column, cell in row.items()
        if column.startswith(f"{part}.")
    }


def _pair(line: str) -> tuple[str, str]:
    tag, _, text = line.partition(":")
    return tag.strip(), text.strip()


def _link(line: str) -> dict[str, Any]:
    url, *titles = line.split("|")
    return {"url": url.strip(), "title": dict(map(_pair, titles))}


def _from_csv(name: str, content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScriptError([f"{name}: is not UTF-8; save it as 'CSV UTF-8' or as .xlsx"]) from None
    try:
        first = text.partition("\n")[0]
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ","))
    except csv.Error as error:
        raise ScriptError([f"{name}: no table: {error}; save it as 'CSV UTF-8' or as .xlsx"]) from None


def _from_xlsx(name: str, content: bytes) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingExtraError("openpyxl", "converse") from None
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book["script"] if "script" in book.sheetnames else book[book.sheetnames[0]]
        rows = [list(map(_text, row)) for row in sheet.iter_rows(max_row=_LONGEST_TABLE, values_only=True)]
    except Exception as error:  # openpyxl lets errors of zip, XML and its own out
        raise ScriptError(
            [f"{name}: no spreadsheet: {' '.join(str(error).split())[:200]}; save it as .xlsx"]
        ) from None
    return rows


def _text(cell: object) -> str:
    """Return a cell as the text that it shows: 0.6, not 0.6000000001; 3, not 3.0."""
    if cell is None:
        return ""
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)
