"""Conversations deleted for good: rows overwritten, sound with them, the file compacted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from rhapsode.dialogue.log.database import Database
from rhapsode.dialogue.log.tables import ConversationRow, MomentRow, SoundRow, StageRow, TurnRow
from rhapsode.errors import InputError, SettingError

PART = 200
"""Conversations deleted in one transaction: others may write in between."""


def forget(database: Database, *, conversation: str = "", person: str = "") -> int:
    """Delete one conversation, or all of a person; return how many there were.

    What a running conversation says after it was deleted is not kept either.

    Args:
        database: that holds them.
        conversation: id of one.
        person: of whom all are deleted.

    Raises:
        InputError: neither or both are named.
        DatabaseError: the database cannot be written.

    """
    if bool(conversation) == bool(person):
        raise InputError("name what is to be deleted: a conversation, or a person")
    wanted = ConversationRow.id == conversation if conversation else ConversationRow.person == person
    return _delete(database, wanted)


def purge(database: Database, days: int, *, now: datetime | None = None) -> int:
    """Delete the conversations that ended more than ``days`` days ago; return how many there were.

    Raises:
        SettingError: ``days`` is negative.
        DatabaseError: the database cannot be written.

    """
    if days < 0:
        raise SettingError(f"days must be 0 or more, got {days}; 0 deletes everything that is over")
    try:
        limit = (now or datetime.now(UTC)) - timedelta(days=days)
    except OverflowError:  # before all time
        return 0
    return _delete(database, ConversationRow.ended < limit)


def _delete(database: Database, wanted: ColumnElement[bool]) -> int:
    count = 0
    while ids := _some(database, wanted):
        with database.writing() as session:
            for table in (SoundRow, StageRow, MomentRow, TurnRow):
                session.execute(delete(table).where(table.conversation.in_(ids)))
            session.execute(delete(ConversationRow).where(ConversationRow.id.in_(ids)))
        count += len(ids)
    if count:
        database.compact()
    return count


def _some(database: Database, wanted: ColumnElement[bool]) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(ConversationRow.id).where(wanted).limit(PART)))
