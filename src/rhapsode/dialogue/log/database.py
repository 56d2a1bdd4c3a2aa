"""The database: found by its URL, opened, brought to the newest schema."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rhapsode.errors import MissingExtraError, RhapsodeError, SettingError
from rhapsode.places import data_folder

for _module in ("sqlalchemy", "alembic"):
    if find_spec(_module) is None:
        raise MissingExtraError(_module, "converse")

from sqlalchemy import URL, Connection, create_engine, event, inspect, make_url, text  # noqa: E402
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

FILE = "conversations.sqlite3"
"""The database in the user's data folder."""

NEWEST = "0002"
"""Version of the schema that this program knows."""

_ALEMBIC = threading.Lock()  # its context is global
_POSTGRES_LOCK = 7_246_180_913  # key of the advisory lock that lets one program migrate at a time


class DatabaseError(RhapsodeError):
    """The database cannot be used."""

    status = 503


class Database:
    """An open database with the newest schema.

    Args:
        url: where it is.
        timeout_s: how long another program's writing is waited for.

    """

    def __init__(self, url: URL, *, timeout_s: float = 5.0) -> None:
        self.url = url
        self.engine = create_engine(url, **_options(url, timeout_s))
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the database.

        Raises:
            DatabaseError: it cannot be read.

        """
        with self._told("cannot be read"), self.engine.connect() as connection, connection.begin():
            yield Session(connection, autoflush=False)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose changes are kept together, or not at all where something raises.

        Raises:
            DatabaseError: it cannot be written.

        """
        with (
            self._told("cannot be written"),
            self.engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
            Session(connection) as session,
        ):
            yield session
            session.flush()

    @property
    def gone(self) -> bool:
        """Whether the file was taken away."""
        return self.is_sqlite and not Path(str(self.url.database)).is_file()

    def migrate(self) -> None:
        """Bring the schema to the newest version, all of it or nothing.

        Raises:
            DatabaseError: the database cannot be used, or a newer program made it.

        """
        with self._told("cannot be opened"):
            with self.engine.connect() as connection, connection.begin():
                if _version(connection) == NEWEST:
                    return
            with (
                _ALEMBIC,
                self.engine.connect().execution_options(immediate=True) as connection,
                connection.begin(),
            ):
                self._upgrade(connection)

    def compact(self) -> None:
        """Let nothing of what was deleted stay in the file; a reader that is busy puts the rest off."""
        try:
            plain: Any = {"plain": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
            with self.engine.connect().execution_options(**plain) as connection:
                connection.exec_driver_sql("VACUUM")
                if self.is_sqlite:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except DBAPIError:
            pass  # what was deleted is overwritten all the same: secure_delete

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _upgrade(self, connection: Connection) -> None:
        from alembic import command
        from alembic.config import Config

        if not self.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
        if (version := _version(connection)) == NEWEST:  # another program was faster
            return
        if version is not None and version > NEWEST:
            raise DatabaseError(
                f"the database of conversations has the schema {version}, this program knows {NEWEST}; "
                "update rhapsode, or name another database in remember.url"
            )
        config = Config()
        config.set_main_option("script_location", "rhapsode.dialogue.log:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, NEWEST)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            first = str(reason).strip().splitlines()[0] if str(reason).strip() else type(error).__name__
            shown = self.url.render_as_string(hide_password=True)
            raise DatabaseError(
                f"the database of conversations {what}: {first} ({shown}); "
                "see that it is there, has room and may be written, or name another in remember.url"
            ) from error


def locate(url: str = "") -> URL:
    """Return where the database is; nothing for the file in the user's data folder.

    Raises:
        SettingError: it is no URL of SQLite or PostgreSQL.

    """
    if not url:
        return URL.create("sqlite", database=str(data_folder(FILE)))
    try:
        found = make_url(url)
    except ArgumentError:
        raise SettingError(
            "remember.url must be a URL such as sqlite:///conversations.sqlite3 or "
            "postgresql://user@host/name, got something else"
        ) from None
    if found.drivername in ("postgres", "postgresql"):
        found = found.set(drivername="postgresql+psycopg")
    if found.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingError(
            f"remember.url must name sqlite or postgresql, got '{found.drivername}'; use one of them"
        )
    if found.get_backend_name() == "sqlite" and found.database in (None, "", ":memory:"):
        raise SettingError("remember.url must name a file, got a database in memory; give it a path")
    return found


def exists(url: str = "") -> bool:
    """Tell whether there is something to read; a server is taken to be there."""
    found = locate(url)
    return found.get_backend_name() != "sqlite" or Path(str(found.database)).is_file()


def open_database(url: str = "", *, timeout_s: float = 5.0) -> Database:
    """Open the database, made where there is none, and bring it to the newest schema.

    Args:
        url: SQLAlchemy URL; empty for the file in the user's data folder.
        timeout_s: how long another program's writing is waited for.

    Raises:
        SettingError: the URL cannot be used.
        MissingExtraError: the driver of PostgreSQL is not installed.
        DatabaseError: the database cannot be opened.

    """
    found = locate(url)
    if found.get_backend_name() == "sqlite":
        _make_file(Path(str(found.database)))
    elif find_spec("psycopg") is None:
        raise MissingExtraError("psycopg", "postgres")
    database = Database(found, timeout_s=timeout_s)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _make_file(path: Path) -> None:
    """Make the file for its owner alone: it holds what people said."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseError(
            f"the database of conversations cannot be opened: {error.strerror} ({path}); "
            "see that the folder may be written, or name another in remember.url"
        ) from error


def _options(url: URL, timeout_s: float) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": timeout_s, "check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 2, "connect_args": {"connect_timeout": round(timeout_s)}}


def _prepare(connection: Any, record: object) -> None:
    """Set up a connection to a file; `_begin` opens its transactions, the driver none."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("plain"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")


def _version(connection: Connection) -> str | None:
    """Return the version of the schema; None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
