"""What is kept of conversations: nothing unasked, all that was said, read and exported again."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.conversation.events import (
    Answered,
    Answering,
    Asked,
    Event,
    Felt,
    Latency,
    Shown,
    SpeakingStarted,
)
from rhapsode.dialogue.log import reading
from rhapsode.dialogue.log.database import open_database
from rhapsode.dialogue.log.export import export
from rhapsode.dialogue.log.measuring import latency
from rhapsode.dialogue.log.rows import clean
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.errors import FormatError, InputError
from rhapsode.face.emotion import Emotion
from rhapsode.settings import Remember
from tests.dialogue.logged import KEPT, keep, lost, suggested, turn, url_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path / "log.sqlite3")


def test_nothing_is_kept_without_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    log = keep("", *turn(1), remember=Remember(sound=True))
    log.add_sound(1, "user", np.ones(100, np.float32), 16_000)
    assert not log.keeps_sound
    keep("", Felt(Emotion(joy=1)))  # with it: nothing was said
    writer = LogWriter("", KEPT)
    writer.purge()
    writer.close()
    assert not list(tmp_path.iterdir())
    keep("", *turn(1))
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"conversations.sqlite3"}


def test_a_conversation_is_read_as_it_was(tmp_path: Path, url: str):
    began = datetime.now(UTC).replace(microsecond=0)
    log = keep(url, *turn(1), *lost(2), *suggested(3), person="visitor 7")
    database = open_database(url)
    told = reading.conversation(database, log.id)
    assert began <= datetime.fromisoformat(told["began"]) <= datetime.fromisoformat(told["ended"])
    assert told["began"].endswith("Z")
    counted = {name: told[name] for name in ("session", "person", "language", "turns", "first")}
    assert (told["unanswered"], told["interrupted"], told["sound"]) == (2, 1, False)
    assert counted["person"] == "visitor 7"
    first, second, third = told["turns"]
    said = {
        "number": 1,
        "question": "Where?",
        "language": "en",
        "certainty": 0.9,
        "spoken": True,
        "emotion": str(Emotion(joy=0.4)),
        "emotion_certainty": 0.5,
        "answer": "Over there.",
        "meant": "Over there.",
        "interrupted": False,
        "kind": "script",
        "source": "where",
        "score": 0.83,
        "unanswered": False,
        "stages_ms": {"turn_end": 400.0, "recognise": 300.0, "think": 20.0, "speak": 120.0, "total": 840.0},
    }
    assert {name: first[name] for name in said} == said
    assert [(one["kind"], one["text"]) for one in first["moments"]] == [
        ("felt", str(Emotion(joy=0.6))),
        ("gesture", "nod"),
    ]
    assert (second["answer"], second["meant"], second["interrupted"]) == ("I do", "I do not know.", True)
    assert (second["kind"], second["reason"], second["score"]) == ("fallback", "nothing fits: 0.31", None)
    assert [one["text"] for one in second["moments"]] == ["speak: the voice failed"]
    assert second["spoke_at"] <= second["answered_at"]
    assert third["unanswered"]
    assert [one["kind"] for one in third["moments"]] == ["suggested", "shown"]
    assert stat.S_IMODE((tmp_path / "log.sqlite3").stat().st_mode) == 0o600


def test_turns_of_a_further_conversation_are_counted_on(url: str):
    say: list[Event] = [SpeakingStarted(1, 1), Answered(1, "Hello.", "Hello.", "en", False)]
    log = keep(url, *turn(1), *turn(2, "And then?"), *turn(1, "Again?"), *say, *say)
    told = reading.conversation(open_database(url), log.id)["turns"]
    assert [one["number"] for one in told] == [1, 2, 3, 4, 5]
    assert [one["question"] for one in told] == ["Where?", "And then?", "Again?", "", ""]


def test_conversations_are_found_page_by_page_and_by_words(url: str):
    keys = [keep(url, *turn(1, f"Frage {k} 100%"), person="p" if k else "").id for k in range(5)]
    keep(url, *turn(1, "你们几点开门？", "九点。"))
    database = open_database(url)
    page = reading.conversations(database, limit=4)
    rest = reading.conversations(database, limit=4, before=page["next"])
    assert (page["total"], rest["next"]) == (6, None)
    found = [row["id"] for row in (*page["conversations"], *rest["conversations"])]
    assert found[1:] == keys[::-1]
    assert [row["first"] for row in page["conversations"]][:2] == ["你们几点开门？", "Frage 4 100%"]
    assert reading.conversations(database, search="FRAGE 3")["conversations"][0]["id"] == keys[3]
    assert reading.conversations(database, search="九点")["total"] == 1
    assert reading.conversations(database, search="%")["total"] == 5
    assert reading.conversations(database, search="_")["total"] == 0
    assert reading.conversations(database, person="p", search="frage")["total"] == 4
    with pytest.raises(InputError, match="'before' must be 'next'"):
        reading.conversations(database, before="yesterday")


def test_unanswered_questions_are_counted(url: str):
    offered = Shown(4, suggestions=("And the cafe?",))  # behind a good answer
    keep(url, *lost(1, "Who won?"), *turn(2), *suggested(3), *turn(4)[:-2], offered)
    last = keep(url, *lost(1, "who  won"))
    found = reading.unanswered(open_database(url))
    assert [(one["question"], one["count"], one["kind"]) for one in found] == [
        ("who  won", 2, "fallback"),
        ("Cost?", 1, "suggested"),
    ]
    assert (found[0]["conversation"], found[0]["reason"]) == (last.id, "nothing fits: 0.31")


def test_latency_is_told_by_stage(url: str):
    events: list[Event] = []
    for k in range(1, 21):
        events += [
            Asked(k, "q", "en", spoken=k > 15),
            Latency(k, 100.0 * k, {"speak": 10.0, "think": 5.0}),
        ]
    keep(url, *events)
    told = latency(open_database(url))
    assert [one["stage"] for one in told["stages"]] == ["total", "think", "speak"]
    total = told["stages"][0]
    assert (total["count"], total["p50"], total["p95"]) == (20, 1050.0, 1905.0)
    assert [one["total_ms"] for one in told["turns"]][::19] == [100.0, 2000.0]
    assert told["turns"][0]["stages_ms"] == {"speak": 10.0, "think": 5.0}
    spoken = latency(open_database(url), asked="spoken")
    assert len(spoken["turns"]) == 5
    assert len(latency(open_database(url), asked="written")["turns"]) == 15
    assert spoken["stages"][0]["p50"] == 1800.0


def test_sound_is_kept_where_it_is_wanted(url: str):
    y = (0.5 * np.sin(np.arange(16_000) / 20)).astype(np.float32)
    for sound in (False, True):
        writer = LogWriter(url, Remember(conversations=True, sound=sound))
        log = writer.begin("s")
        log.add_sound(1, "user", y, 16_000)  # nothing was said yet
        for event in turn(1):
            log(event)
        log.add_sound(1, "user", y, 16_000)
        log.add_sound(1, "assistant", 3 * y[:8000], 24_000)
        writer.close()
        database = open_database(url)
        sounds = reading.conversation(database, log.id)["turns"][0]["sounds"]
        assert sounds == ({"user": 1.0, "assistant": 0.33} if sound else {})
    read, rate = soundfile.read(io.BytesIO(reading.sound(database, log.id, 1)), dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(read, y, atol=1e-4)
    with pytest.raises(reading.UnknownConversationError, match="no sound of user in turn 2"):
        reading.sound(database, log.id, 2)


def test_a_conversation_is_exported(url: str):
    log = keep(url, *turn(1, '=HYPERLINK("x"), "so"\nthere'), *lost(2), person="+49")
    told = reading.conversation(open_database(url), log.id)
    assert json.loads(export(told, "json")) == told
    lines = [json.loads(line) for line in export(told, "jsonl").splitlines()]
    assert [line["number"] for line in lines] == [1, 2]
    assert (lines[0]["conversation"], lines[0]["person"]) == (log.id, "+49")
    rows = list(csv.DictReader(io.StringIO(export(told, "csv"), newline="")))
    assert rows[0]["question"] == '\'=HYPERLINK("x"), "so"\nthere'
    assert (rows[0]["person"], rows[0]["total_ms"], rows[1]["interrupted"]) == ("'+49", "840.0", "yes")
    text = export(told, "txt")
    assert "Person: Why?" in text
    assert "Answer: I do [interrupted]" in text
    with pytest.raises(FormatError, match="no export format 'xml'; there are json, jsonl, csv, txt"):
        export(told, "xml")


def test_words_that_no_database_takes_are_cleaned(url: str):
    assert clean("a\0b\ud800") == "ab?"
    log = keep(url, Asked(1, "a\0b\ud800", "en"), Answering(1, "model", "m\0"))
    assert reading.conversation(open_database(url), log.id)["turns"][0]["question"] == "ab?"
