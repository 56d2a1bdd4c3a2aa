"""The schema: as the tables say, upgraded with what it holds, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from rhapsode.dialogue.log import database as databases
from rhapsode.dialogue.log import reading
from rhapsode.dialogue.log.database import Database, DatabaseError, locate, open_database
from rhapsode.dialogue.log.measuring import latency
from rhapsode.dialogue.log.removing import forget
from rhapsode.dialogue.log.tables import Base
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.settings import Remember
from tests.dialogue.logged import keep, lost, suggested, turn, url_of


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", "rhapsode.dialogue.log:migrations")
    return made


def make_version(url: str, version: str) -> Database:
    """Make a database with an older schema."""
    database = Database(locate(url))
    with database.engine.connect() as connection, connection.begin():
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, version)
    return database


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_the_newest_version_is_the_one_that_is_expected():
    assert ScriptDirectory.from_config(config()).get_current_head() == databases.NEWEST


def test_the_migrations_make_what_the_tables_say(tmp_path: Path):
    assert differences(open_database(url_of(tmp_path / "a.sqlite3"))) == []


def fill_old(database: Database) -> None:
    at = datetime(2026, 1, 31, 8, 5, 9, 250_000, UTC)
    naive = at.replace(tzinfo=None) if database.is_sqlite else at
    with database.engine.connect() as connection, connection.begin():
        connection.execute(
            text("INSERT INTO conversations VALUES ('k', 's', 'ada', 'en', :at, :at)"),
            {"at": str(naive)},
        )
        connection.execute(
            text(
                "INSERT INTO turns VALUES ('k', 1, :at, 'Where?', 'en', 0.9, :spoken, 'joy', 0.5, :at, "
                "'There.', 'There.', 'en', :no, 'script', 'where', 0.8, '', :no)"
            ),
            {"at": str(naive), "spoken": True, "no": False},
        )


def check_upgraded(url: str) -> None:
    database = open_database(url)
    told = reading.conversation(database, "k")
    assert (told["person"], told["began"]) == ("ada", "2026-01-31T08:05:09.250Z")
    only = told["turns"][0]
    assert (only["question"], only["answer"], only["spoken"], only["spoke_at"]) == (
        "Where?",
        "There.",
        True,
        None,
    )
    assert differences(database) == []
    database.close()


def test_an_older_schema_is_upgraded_with_what_it_holds(tmp_path: Path):
    url = url_of(tmp_path / "old.sqlite3")
    old = make_version(url, "0001")
    fill_old(old)
    check_upgraded(url)


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = url_of(tmp_path / "old.sqlite3")
    old = make_version(url, "0001")
    fill_old(old)
    with old.engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE TABLE sounds (x INTEGER)"))  # in the way of the last step
    with pytest.raises(DatabaseError, match="table sounds already exists"):
        open_database(url)
    with old.engine.connect() as connection, connection.begin():
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        names = [row[1] for row in connection.execute(text("PRAGMA table_info(turns)"))]
        assert "spoke_at" not in names
        connection.execute(text("DROP TABLE sounds"))
    check_upgraded(url)


def test_a_newer_schema_is_left_alone(tmp_path: Path):
    url = url_of(tmp_path / "new.sqlite3")
    database = open_database(url)
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(DatabaseError, match=r"schema 0999, this program knows .*; update rhapsode"):
        open_database(url)


def test_the_tables_can_be_made_in_postgresql():
    made = [
        str(
            CreateTable(table).compile(
                dialect=postgresql.dialect()  # type: ignore[no-untyped-call]
            )
        )
        for table in Base.metadata.sorted_tables
    ]
    assert any("flac BYTEA NOT NULL" in one for one in made)
    assert any("TIMESTAMP WITH TIME ZONE" in one for one in made)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of its own, on a socket in a folder."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which(
        "initdb", path=os.pathsep.join([str(folders[-1])] if folders else [])
    ) or shutil.which("initdb")
    if found is None:
        pytest.skip("needs a PostgreSQL server: initdb is not installed")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("a PostgreSQL server does not run as root, and runuser is not installed")
    programs = Path(found).resolve().parent
    folder = tmp_path_factory.mktemp("postgres")
    who: list[str] = []
    if os.geteuid() == 0:
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(0o755)
        shutil.chown(folder, "nobody")
        who = ["runuser", "-u", "nobody", "--"]
    data = str(folder / "data")

    def call(program: str, *arguments: str) -> None:
        command = [*who, str(programs / program), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout

    call("initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-F -k {folder} -c listen_addresses= -c shared_buffers=8MB"
    call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://tester@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.mark.slow
def test_postgresql_keeps_conversations(server: str):
    old = make_version(server, "0001")
    fill_old(old)
    old.close()
    check_upgraded(server)
    writer = LogWriter(server, Remember(conversations=True, sound=True, days=None))
    log = writer.begin("s", "ada")
    for event in (*turn(1, "你好, wo?"), *lost(2), *suggested(3)):
        log(event)
    log.add_sound(1, "user", np.ones(16_000, np.float32), 16_000)
    assert writer.flush(20)
    writer.close()
    other = keep(
        server, *turn(1, "100% of bob"), person="bob", remember=Remember(conversations=True, days=None)
    )
    database = open_database(server)
    told = reading.conversation(database, log.id)
    assert [one["question"] for one in told["turns"]] == ["你好, wo?", "Why?", "Cost?"]
    assert told["turns"][0]["sounds"] == {"user": 1.0}
    assert told["began"].endswith("Z")
    assert reading.sound(database, log.id, 1).startswith(b"fLaC")
    page = reading.conversations(database, limit=1)
    assert page["conversations"][0]["id"] == other.id
    assert reading.conversations(database, limit=1, before=page["next"])["conversations"][0]["id"] == log.id
    assert reading.conversations(database, search="100% OF")["total"] == 1
    assert len(reading.unanswered(database)) == 2
    assert latency(database)["stages"][0]["count"] == 2
    assert forget(database, person="ada") == 2
    assert reading.conversations(database)["total"] == 1
    database.close()
