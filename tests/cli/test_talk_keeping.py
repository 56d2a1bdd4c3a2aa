"""What a conversation in a terminal leaves behind: nothing, its words, or its sound too."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("pipecat")

from rhapsode.cli.talk_keeping import Keeping
from rhapsode.conversation.events import Answered
from rhapsode.dialogue.log import reading
from rhapsode.dialogue.log.database import open_database
from rhapsode.settings import Remember
from tests.conversation.fake import WORD_S, Scene, converse, tone
from tests.dialogue.logged import url_of


def kept(path: Path, **remember: Any) -> list[dict[str, Any]]:
    """Converse once by voice and once in writing; return what is in the database."""

    async def story(scene: Scene) -> None:
        notes: list[str] = []
        keeping = Keeping(
            scene.session, scene.talk, Remember(url=url_of(path), **remember), note=notes.append
        )
        keeping.heard.listen(16_000)
        said = np.concatenate([tone(0, 0.5), tone(1, 0.8), tone(0, 1.5)])
        for first in range(0, len(said), 320):
            await asyncio.sleep(0.02)
            keeping.heard.hear(said[first : first + 320])
        await scene.until(lambda: len(scene.told(Answered)) == 1)
        keeping.heard.ask("And now?")
        await scene.until(lambda: len(scene.told(Answered)) == 2)
        keeping.close()
        scene.talk.ask("Unheard?")
        assert notes == []

    converse(story)
    if not path.exists():
        return []
    database = open_database(url_of(path))
    rows = [
        reading.conversation(database, row["id"]) for row in reading.conversations(database)["conversations"]
    ]
    for row in rows:
        if row["turns"][0]["sounds"]:
            row["heard"] = reading.sound(database, row["id"], 1)
    database.close()
    return rows


def test_words_are_kept_and_sound_only_where_it_is_asked_for(tmp_path: Path):
    (row,) = kept(tmp_path / "log.sqlite3", conversations=True)
    assert [turn["question"] for turn in row["turns"]] == ["what time", "And now?"]
    assert [turn["sounds"] for turn in row["turns"]] == [{}, {}]


def test_sound_of_both_sides_is_kept(tmp_path: Path):
    (row,) = kept(tmp_path / "log.sqlite3", conversations=True, sound=True)
    spoken, written = row["turns"]
    assert spoken["sounds"]["user"] == pytest.approx(1.4, abs=0.3)  # with 0.3 s before it and behind it
    assert spoken["sounds"]["assistant"] == pytest.approx(11 * WORD_S, abs=0.2)
    assert set(written["sounds"]) == {"assistant"}
    y, rate = soundfile.read(io.BytesIO(row["heard"]))
    assert rate == 16_000
    assert np.abs(y).max() > 0.1


def test_nothing_is_kept_without_the_setting(tmp_path: Path):
    assert kept(tmp_path / "log.sqlite3") == []
