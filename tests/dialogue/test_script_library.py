"""Scripts that change while they are asked."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rhapsode.dialogue.script import Script, ScriptError, ScriptLibrary, script_path
from rhapsode.dialogue.script import index as index_module
from rhapsode.dialogue.script import library as library_module
from rhapsode.dialogue.script.reading import parse_script
from rhapsode.errors import MissingExtraError, RhapsodeError
from tests.dialogue.script_fake import SMALL, Clock, letters, library_of, written

CHANGED = SMALL.replace("Fourth floor", "Fifth floor")
BROKEN = SMALL.replace("fallbacks:", "falbacks:")


def _write(path: Path, text: str) -> None:
    """Write in one move, with a time of change of its own."""
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    os.utime(partial, ns=(path.stat().st_mtime_ns + 10**9,) * 2)
    partial.replace(path)


def _answer(library: ScriptLibrary) -> str:
    return library.index.search("where is room 417")[0].entry.answers["en"][0]


def _settle(library: ScriptLibrary) -> None:
    if library._reader is not None:
        library._reader.join()


def test_a_changed_file_is_used(tmp_path: Path) -> None:
    clock = Clock()
    library = library_of(tmp_path, clock=clock)
    assert "Fourth" in _answer(library)
    _write(library.path, CHANGED)
    assert "Fourth" in _answer(library)  # nobody looked yet
    clock.now = 2
    _answer(library)
    _settle(library)
    assert "Fifth" in _answer(library)
    assert library.error is None


def test_a_broken_file_keeps_the_old_script(tmp_path: Path) -> None:
    news: list[Script | RhapsodeError] = []
    path = written(tmp_path)
    library = ScriptLibrary(
        path, embed=letters, model="letters", folder=tmp_path / "c", on_change=news.append, clock=Clock()
    )
    _write(path, BROKEN)
    assert not library.refresh()
    assert not library.refresh()
    assert "Fourth" in _answer(library)
    assert isinstance(library.error, ScriptError)
    assert "falbacks" in str(library.error)
    assert news == [library.error]  # told once
    _write(path, CHANGED)
    assert library.refresh()
    assert library.error is None
    assert "Fifth" in _answer(library)
    assert news[1] == library.script


def test_what_was_broken_and_is_as_before_is_no_error(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    _write(library.path, BROKEN)
    library.refresh()
    _write(library.path, SMALL)
    assert not library.refresh()
    assert library.error is None


def test_a_deleted_file_keeps_the_old_script(tmp_path: Path) -> None:
    clock = Clock()
    library = library_of(tmp_path, clock=clock)
    library.path.unlink()
    clock.now = 2
    _answer(library)
    _settle(library)
    assert "Fourth" in _answer(library)
    assert "cannot be read" in str(library.error)


def test_a_watcher_that_fails_breaks_nothing(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("of the watcher")

    path = written(tmp_path)
    library = ScriptLibrary(path, embed=letters, model="letters", folder=tmp_path / "c", on_change=fail)
    _write(path, CHANGED)
    assert library.refresh()
    assert "Fifth" in _answer(library)


def test_a_broken_file_is_refused_at_first(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="falbacks"):
        library_of(tmp_path, BROKEN)


def test_many_ask_while_it_changes(tmp_path: Path) -> None:
    clock = Clock()
    library = library_of(tmp_path, clock=clock)
    stop = threading.Event()

    def ask() -> set[str]:
        found = set()
        while not stop.is_set():
            clock.now += 0.01
            found.add(_answer(library))
        return found

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        for text in (CHANGED, BROKEN, SMALL, CHANGED):
            _write(library.path, text)
            library.refresh()
        stop.set()
        found = set().union(*(one.result() for one in asked))
    _settle(library)
    assert {text.split()[1] for text in found} <= {"Fourth", "Fifth"}
    assert "Fifth" in _answer(library)


def test_a_slow_reading_makes_nobody_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    library = library_of(tmp_path, clock=clock)
    go, real = threading.Event(), parse_script

    def slow(path: Path, content: bytes) -> Script:
        assert go.wait(10)
        return real(path, content)

    monkeypatch.setattr(library_module, "parse_script", slow)
    _write(library.path, CHANGED)
    for _ in range(5):
        clock.now += 2
        assert "Fourth" in _answer(library)
    go.set()
    _settle(library)
    assert "Fifth" in _answer(library)


def test_without_the_weights_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "available", lambda: False)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        ScriptLibrary("museum")


def test_names_and_paths(tmp_path: Path) -> None:
    assert script_path("museum").name == "museum.yaml"
    assert script_path(str(tmp_path / "x.csv")) == tmp_path / "x.csv"
    with pytest.raises(ScriptError, match=r"no script is called 'musem'; expected bank, museum, or a file"):
        script_path("musem")
