from __future__ import annotations

from pathlib import Path

import pytest

from rhapsode.speech.cache import cache_folder, cached_bytes


def test_made_once_and_then_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a b"))
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"graph"

    first, second = cached_bytes("x.onnx", make), cached_bytes("x.onnx", make)
    assert first == second == tmp_path / "a b" / "rhapsode" / "x.onnx"
    assert isinstance(first, Path)
    assert first.read_bytes() == b"graph"
    assert len(made) == 1
    assert [path.name for path in first.parent.iterdir()] == ["x.onnx"]


def test_an_unwritable_cache_gives_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert cached_bytes("x.onnx", lambda: b"graph") == b"graph"


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "rhapsode" / "x.onnx" / "in the way").mkdir(parents=True)
    assert cached_bytes("x.onnx", lambda: b"graph") == b"graph"
    assert [path.name for path in (tmp_path / "rhapsode").iterdir()] == ["x.onnx"]


def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_folder().is_absolute()
