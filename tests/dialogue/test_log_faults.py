"""A database that is broken, locked, full or of another time; deleting that leaves nothing behind."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL

from rhapsode.conversation.events import Asked, Fault
from rhapsode.dialogue.log import database as databases
from rhapsode.dialogue.log import reading
from rhapsode.dialogue.log import writer as writers
from rhapsode.dialogue.log.database import DatabaseError, open_database
from rhapsode.dialogue.log.removing import forget, purge
from rhapsode.dialogue.log.rows import Row
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.errors import InputError, MissingExtraError, SettingError
from rhapsode.settings import Remember
from tests.dialogue.logged import KEPT, keep, lost, turn, url_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite3"


def texts(path: Path) -> bytes:
    """Return all bytes of the database and what lies beside it."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))


def test_a_database_that_is_none_is_told_once_and_tried_again(path: Path):
    path.write_bytes(b"this is no database" * 100)
    told: list[str] = []
    writer = LogWriter(url_of(path), KEPT, trouble=told.append, retry_s=0.02)
    log = writer.begin("s")
    for event in turn(1):
        log(event)
    assert not writer.flush(0.4)
    log(Fault("remember", "it cannot be kept"))
    path.unlink()
    assert writer.flush(60)
    for event in turn(2):
        log(event)
    writer.close()
    assert len(told) == 1
    assert "file is not a database" in told[0]
    assert "it is tried again" in told[0]
    turns = reading.conversation(open_database(url_of(path)), log.id)["turns"]
    assert [one["number"] for one in turns] == [1, 2]
    assert all(moment["kind"] != "fault" for one in turns for moment in one["moments"])


def test_a_locked_database_holds_up_nobody(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(databases, "_options", _impatient(databases._options))
    open_database(url_of(path)).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    told: list[str] = []
    writer = LogWriter(url_of(path), KEPT, trouble=told.append, retry_s=0.02)
    log = writer.begin("s")
    for event in turn(1):
        log(event)
    assert not writer.flush(0.4)
    assert len(told) == 1
    assert "database is locked" in told[0]
    other.execute("COMMIT")
    other.close()
    assert writer.flush(60)
    writer.close()
    assert reading.conversation(open_database(url_of(path)), log.id)["turns"][0]["answer"] == "Over there."


def _impatient(options: Callable[[URL, float], dict[str, Any]]) -> Callable[[URL, float], dict[str, Any]]:
    return lambda url, timeout_s: options(url, 0.01)


def test_a_full_disk_loses_nothing_once_there_is_room(path: Path):
    database = open_database(url_of(path))
    told: list[str] = []
    writer = LogWriter(url_of(path), KEPT, trouble=told.append, retry_s=0.02)
    limit = [1]  # pages
    made = databases._prepare

    def small(connection, record):
        made(connection, record)
        connection.execute(f"PRAGMA max_page_count={limit[0]}").close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_prepare", small)
        log = writer.begin("s")
        for event in turn(1, "long " * 10_000):
            log(event)
        assert not writer.flush(0.4)
        assert "full" in told[0]
        limit[0] = 100_000
        assert writer.flush(60)
    writer.close()
    assert len(told) == 1
    assert reading.conversation(database, log.id)["turns"][0]["question"].startswith("long long")


def test_a_file_that_is_taken_away_is_made_anew(path: Path):
    writer = LogWriter(url_of(path), KEPT)
    writer.begin("s")(Asked(1, "first", "en"))
    assert writer.flush(60)
    path.rename(path.with_name("elsewhere"))
    writer.begin("s")(Asked(1, "second", "en"))
    assert writer.flush(60)
    writer.close()
    rows = reading.conversations(open_database(url_of(path)))["conversations"]
    assert [row["first"] for row in rows] == ["second"]


def test_what_can_never_be_written_is_dropped_alone(path: Path):
    writer = LogWriter(url_of(path), KEPT)
    log = writer.begin("s")
    log(Asked(1, "first", "en"))
    writer._put(Row("stages", {"conversation": log.id, "number": 77, "stage": "total", "ms": 1.0}))
    writer._put(Row("turns", {"conversation": log.id, "number": 10**30, "asked_at": datetime.now(UTC)}))
    log(Asked(2, "second", "en"))
    assert writer.flush(60)
    assert writer.lost == 2
    writer.close()
    told = reading.conversation(open_database(url_of(path)), log.id)
    assert [one["question"] for one in told["turns"]] == ["first", "second"]


def test_what_waits_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch):
    path.write_bytes(b"this is no database" * 100)
    monkeypatch.setattr(writers, "MOST_ENTRIES", 10)
    monkeypatch.setattr(writers, "MOST_SOUND_BYTES", 500)
    told: list[str] = []
    writer = LogWriter(url_of(path), Remember(conversations=True, sound=True), trouble=told.append, retry_s=9)
    log = writer.begin("s")
    log(Asked(1, "first", "en"))
    log.add_sound(1, "user", np.zeros(1000, np.float32), 16_000)
    assert writer.lost == 1
    before = time.monotonic()
    for k in range(2, 5000):
        log(Asked(k, "more", "en"))
    writer.close(0.2)
    assert writer.lost > 4900
    assert len([one for one in told if "as fast as they come" in one]) == 1
    log(Asked(6000, "behind the end", "en"))
    assert time.monotonic() - before < 60


@pytest.mark.slow
def test_two_programs_write_one_file(path: Path):
    code = (
        "import sys; from tests.dialogue.logged import *\n"
        "for k in range(8): keep(sys.argv[1], *turn(1, f'{sys.argv[2]} {k}'))"
    )
    arguments = [sys.executable, "-c", code, url_of(path)]
    both = [subprocess.Popen([*arguments, name]) for name in ("one", "two")]
    assert [one.wait(120) for one in both] == [0, 0]
    rows = reading.conversations(open_database(url_of(path)))["conversations"]
    assert {row["first"] for row in rows} == {f"{name} {k}" for name in ("one", "two") for k in range(8)}


def test_threads_that_open_at_once_migrate_once(path: Path):
    found: list[object] = []

    def work() -> None:
        try:
            found.append(open_database(url_of(path), timeout_s=60))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(one, databases.Database) for one in found), found


def test_deleting_leaves_nothing_behind(path: Path):
    writer = LogWriter(url_of(path), Remember(conversations=True, sound=True))
    logs = {}
    for who in ("adelheid", "bob", "adelheid"):
        log = logs[who] = writer.begin("s", who)
        for event in (*turn(1, f"a secret of {who}"), *lost(2, f"{who} whispers")):
            log(event)
        log.add_sound(1, "user", np.sin(np.arange(9000, dtype=np.float32)), 16_000)
    assert writer.flush(60)
    database = open_database(url_of(path))
    assert b"fLaC" in texts(path)
    assert forget(database, person="adelheid") == 2
    assert forget(database, person="adelheid") == 0
    assert b"adelheid" not in texts(path)
    assert b"secret of bob" in texts(path)
    # What a running conversation goes on to say is not kept either.
    for event in turn(3, "adelheid goes on"):
        logs["adelheid"](event)
    logs["adelheid"].add_sound(3, "user", np.ones(99, np.float32), 16_000)
    assert writer.flush(60)
    assert b"adelheid" not in texts(path)
    assert forget(database, conversation=logs["bob"].id) == 1
    writer.close()
    assert b"secret" not in texts(path)
    assert b"fLaC" not in texts(path)
    for wrong in ({}, {"conversation": "a", "person": "b"}):
        with pytest.raises(InputError, match="name what is to be deleted"):
            forget(database, **wrong)


def test_what_is_too_old_is_deleted_when_the_writer_begins(path: Path):
    old, new = keep(url_of(path), *turn(1, "old")), keep(url_of(path), *turn(1, "new"))
    database = open_database(url_of(path))
    with database.writing() as session:
        from rhapsode.dialogue.log.tables import ConversationRow

        row = session.get(ConversationRow, old.id)
        assert row is not None
        row.ended = row.began = datetime.now(UTC) - timedelta(days=31)
    keep(url_of(path), *turn(1, "kept for ever"), remember=Remember(conversations=True, days=None))
    assert reading.conversations(database)["total"] == 3
    writer = LogWriter(url_of(path), Remember(conversations=False, days=30))
    writer.purge()
    deadline = time.monotonic() + 20
    while reading.conversations(database)["total"] == 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    writer.close()
    rows = reading.conversations(database)["conversations"]
    assert [row["first"] for row in rows] == ["kept for ever", "new"]
    assert rows[1]["id"] == new.id
    assert purge(database, 10**9) == 0
    assert purge(database, 0) == 2
    with pytest.raises(SettingError, match="days must be 0 or more, got -1"):
        purge(database, -1)


def test_urls(path: Path, monkeypatch: pytest.MonkeyPatch):
    cases = {
        "no url": "must be a URL such as",
        "mysql://a@b/c": "must name sqlite or postgresql, got 'mysql'",
        "sqlite://": "must name a file, got a database in memory",
    }
    for url, message in cases.items():
        with pytest.raises(SettingError, match=message):
            open_database(url)
    assert databases.locate("postgres://u:p@h/d").drivername == "postgresql+psycopg"
    with pytest.raises(DatabaseError, match=r"cannot be opened: .*see that the folder may be written"):
        open_database("sqlite:////proc/nowhere/log.sqlite3")
    with pytest.raises(DatabaseError) as refused:
        open_database("postgresql://u:geheim@127.0.0.1:1/d", timeout_s=2)
    assert "geheim" not in str(refused.value)
    monkeypatch.setattr(databases, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[postgres\]"):
        open_database("postgresql://u@127.0.0.1:1/d")
