"""``rhapsode script rehearse``: answers that are kept before anybody asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.errors import SettingError
from rhapsode.speech import load_voice
from rhapsode.speech.prerender import SpokenCache

pytest.importorskip("pipecat", reason="needs the extra 'converse'")

SCRIPT = """
name: kiosk
languages: [en]
entries:
  - id: hours
    questions: {en: [When do you open?]}
    answers: {en: ["We open at nine. Come in!", "At nine."]}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory; the cache is empty and no settings of the machine count."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kiosk.yaml").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def rehearse(*arguments: str):
    return CliRunner().invoke(app, ["script", "rehearse", *arguments])


def test_answers_are_there_afterwards(here: Path):
    voice = load_voice("hibari")
    assert not SpokenCache().holds(voice, "Come in!", language="en")
    done = rehearse("kiosk.yaml")
    assert done.exit_code == 0, done.exception
    assert "3 sentences of 'kiosk.yaml' kept" in done.stderr
    for text in ("We open at nine.", "Come in!", "At nine."):
        assert SpokenCache().holds(voice, text, language="en")
    assert not SpokenCache().holds(voice, "When do you open?", language="en")


def test_where_no_script_answers_there_is_nothing_to_rehearse(here: Path):
    (here / "rhapsode.toml").write_text('[think]\nkind = "model"\n')
    done = rehearse("kiosk.yaml")
    assert isinstance(done.exception, SettingError)
    assert "set it to script or both" in str(done.exception)
    assert not (here / "cache").exists()
