"""Every test has a working directory and a data folder of its own, and no variable of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory."""
    for name in [name for name in os.environ if name.startswith("RHAPSODE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(folder)
    return folder
