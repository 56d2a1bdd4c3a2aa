"""A script asked questions whose entries are known: how often it finds them, and what it gets wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rhapsode.dialogue.script.index import THRESHOLD, Index
from rhapsode.dialogue.script.reading import ScriptError, read_bytes

NOTHING = "nothing"
"""Stands for the entry of a question that is not to be answered."""

Verdict = Literal["right", "wrong", "missed", "refused", "answered"]
VERDICTS: Mapping[Verdict, str] = {
    "right": "answered by its entry",
    "wrong": "answered by another entry",
    "missed": "not answered, though an entry is about it",
    "refused": "not answered, as it should be",
    "answered": "answered, though nothing should",
}


class Asked(NamedTuple):
    """A question and the entry that should answer it.

    Args:
        text: the question.
        entry: id of the entry; "" for none.
        language: BCP 47 tag; "" where it is not told.
        place: where it stands in its file.

    """

    text: str
    entry: str
    language: str = ""
    place: str = ""


class Result(NamedTuple):
    """What became of a question.

    Args:
        asked: the question.
        verdict: how it went.
        found: id of the nearest entry, or "".
        score: of that, in [0, 1].
        rank: place of the right entry among what was found, from 1; 0 where it is not among the first three.

    """

    asked: Asked
    verdict: Verdict
    found: str
    score: float
    rank: int


def read_questions(path: str | Path, *, entries: Sequence[str], languages: Sequence[str]) -> list[Asked]:
    """Read questions from YAML, CSV or XLSX.

    YAML holds entries with their questions, perhaps below languages, and `NOTHING` for what is not to be
    answered; a table the columns ``question``, ``entry`` and perhaps ``language``.

    Raises:
        ScriptError: the file cannot be read, holds no question, or names an entry that the script lacks.
        MissingExtraError: a spreadsheet without openpyxl.

    """
    path = Path(path)
    content = read_bytes(path)
    if path.suffix.lower() in {".yaml", ".yml"}:
        asked = list(_from_yaml(path.name, content, languages))
    else:
        asked = list(_from_table(path, content))
    known = {*entries, ""}
    for one in asked:
        if one.entry not in known:
            lacks = f"the script has no entry {one.entry!r}; name one of its ids, or {NOTHING!r}"
            raise ScriptError([f"{path.name}{one.place}: {lacks}"])
    if not asked:
        raise ScriptError([f"{path.name}: holds no question; write entries with lists of questions"])
    return asked


def _from_yaml(name: str, content: bytes, languages: Sequence[str]) -> Iterator[Asked]:
    from rhapsode.dialogue.script.yaml_file import parse_yaml

    raw = parse_yaml(name, content)
    for key, value in raw.data.items():
        if key in languages and isinstance(value, Mapping):
            for entry, texts in value.items():
                yield from _asked(name, raw.place((key, entry)), entry, texts, key)
        else:
            yield from _asked(name, raw.place((key,)), key, value, "")


def _asked(name: str, line: str, entry: str, texts: Any, language: str) -> Iterator[Asked]:
    lines = [texts] if isinstance(texts, str) else texts
    if not isinstance(lines, list) or not all(isinstance(text, str) for text in lines):
        raise ScriptError(
            [f"{name}:{line}: expected a list of questions below {entry!r}; languages go above the entries"]
        )
    for text in lines:
        yield Asked(text, "" if entry == NOTHING else entry, language, f":{line}")


def _from_table(path: Path, content: bytes) -> Iterator[Asked]:
    from rhapsode.dialogue.script.table_file import cells

    table = cells(path, content)
    columns = [column.strip() for column in table[0]] if table else []
    if "question" not in columns or "entry" not in columns:
        got = ", ".join(filter(None, columns)) or "nothing"
        raise ScriptError(
            [f"{path.name}:row 1: expected the columns question, entry (and language), got {got}"]
        )
    for number, line in enumerate(table[1:], 2):
        row = dict(zip(columns, (cell.strip() for cell in line), strict=False))
        if row.get("question"):
            entry = row.get("entry", "")
            yield Asked(
                row["question"],
                "" if entry == NOTHING else entry,
                row.get("language", ""),
                f":row {number}",
            )


def try_questions(
    index: Index, asked: Sequence[Asked], *, threshold: float | None = None
) -> Iterator[Result]:
    """Yield what becomes of each question, asked as the first of a talk.

    Args:
        index: of the script.
        asked: questions.
        threshold: score from which an entry is the answer; None for the script's own.

    """
    own = index.script.threshold
    least = threshold if threshold is not None else THRESHOLD if own is None else own
    follows = {entry.id: entry.after for entry in index.entries}
    for one in asked:
        context = follows.get(one.entry, ())
        hits = index.search(one.text, language=one.language, context=context, count=3)
        best, score = (hits[0].entry.id, hits[0].score) if hits else ("", 0.0)
        answered = bool(hits) and (hits[0].exact or score >= least)
        rank = next((i for i, hit in enumerate(hits, 1) if hit.entry.id == one.entry), 0)
        if not one.entry:
            verdict: Verdict = "answered" if answered else "refused"
        else:
            verdict = "missed" if not answered else "right" if best == one.entry else "wrong"
        yield Result(one, verdict, best, score, rank)


def share(results: Sequence[Result]) -> float:
    """Return the share of questions that went as they should, in [0, 1]."""
    return sum(one.verdict in {"right", "refused"} for one in results) / max(len(results), 1)
