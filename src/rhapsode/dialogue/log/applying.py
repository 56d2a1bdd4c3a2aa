"""Rows and sounds into the database."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from rhapsode.dialogue.log.database import Database, DatabaseError
from rhapsode.dialogue.log.rows import Entry, Sound
from rhapsode.dialogue.log.sound import encode
from rhapsode.dialogue.log.tables import Base, ConversationRow, MomentRow, SoundRow, StageRow, TurnRow

log = logging.getLogger(__name__)

_TABLES: dict[str, type[Base]] = {
    "conversations": ConversationRow,
    "turns": TurnRow,
    "stages": StageRow,
    "moments": MomentRow,
}


def apply(database: Database, entries: Sequence[Entry]) -> int:
    """Write ``entries`` in one transaction; return how many could never be written and are dropped.

    Writing the same again changes nothing. What belongs to a conversation that was deleted is left out.

    Raises:
        DatabaseError: the database cannot be written now; nothing of it was.

    """
    try:
        _together(database, entries)
    except Exception as error:
        if isinstance(error, DatabaseError) and _passing(error):
            raise
        if len(entries) == 1:
            log.error("something of a conversation cannot be kept: %s", error)
            return 1
        return sum(apply(database, [entry]) for entry in entries)
    return 0


def _together(database: Database, entries: Sequence[Entry]) -> None:
    with database.writing() as session:
        for entry in entries:
            _write(session, entry)


def _write(session: Session, entry: Entry) -> None:
    if isinstance(entry, Sound):
        if session.get(TurnRow, (entry.conversation, entry.number)) is None:
            return
        row = SoundRow(
            conversation=entry.conversation,
            number=entry.number,
            role=entry.role,
            sample_rate=entry.sample_rate,
            seconds=len(entry.samples) / entry.sample_rate,
            flac=encode(entry.samples, entry.sample_rate),
        )
        session.merge(row)
    else:
        made = entry.table == "conversations" and "began" in entry.values
        if not made and session.get(ConversationRow, entry.conversation) is None:
            return
        session.merge(_TABLES[entry.table](**entry.values))
    session.flush()


def _passing(error: DatabaseError) -> bool:
    """Tell whether the same may succeed later: the fault is the database's, not that of the values."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and not isinstance(cause, DataError | IntegrityError)
