"""Conversations, questions without an answer and latencies, as plain data for interfaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from rhapsode.dialogue.log.database import Database
from rhapsode.dialogue.log.tables import ConversationRow, MomentRow, SoundRow, StageRow, TurnRow
from rhapsode.errors import InputError


class UnknownConversationError(InputError):
    """There is no such conversation."""

    status = 404


def written(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC with milliseconds: "2030-01-31T08:05:09.250Z"."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def conversations(
    database: Database, *, limit: int = 50, before: str = "", search: str = "", person: str = ""
) -> dict[str, Any]:
    """Return conversations, the newest first.

    Args:
        database: that holds them.
        limit: how many at most.
        before: "next" of the answer before: what comes after it.
        search: words of a question or an answer, letter by letter whatever their case.
        person: whose.

    Returns:
        "conversations" (id, session, person, language, began, ended, turns, unanswered, interrupted, first,
        sound), "next" (None at the end), "total" (of all pages).

    Raises:
        InputError: ``before`` is none of those that were given out.
        DatabaseError: the database cannot be read.

    """
    c, t = ConversationRow, TurnRow
    wanted: list[ColumnElement[bool]] = []
    if person:
        wanted.append(c.person == person)
    if search.strip():
        words = search.strip()
        found = or_(*(column.icontains(words, autoescape=True) for column in (t.question, t.answer, t.meant)))
        wanted.append(c.id.in_(select(t.conversation).where(found)))
    page = list(wanted)
    if before:
        began, key = _position(before)
        page.append(or_(c.began < began, and_(c.began == began, c.id < key)))
    with database.reading() as session:
        total = session.scalar(select(func.count()).select_from(c).where(*wanted))
        rows = list(
            session.scalars(select(c).where(*page).order_by(c.began.desc(), c.id.desc()).limit(limit + 1))
        )
        shown = rows[:limit]
        facts = _facts(session, [row.id for row in shown])
    after = f"{written_exactly(shown[-1].began)}~{shown[-1].id}" if len(rows) > limit and shown else None
    return {
        "conversations": [_conversation(row) | facts[row.id] for row in shown],
        "next": after,
        "total": total or 0,
    }


def conversation(database: Database, key: str) -> dict[str, Any]:
    """Return all of one conversation.

    Returns:
        What `conversations` tells of it, and "turns": number, asked_at, question, language, certainty,
        spoken, emotion, emotion_certainty, spoke_at, answered_at, answer, meant, answer_language,
        interrupted, kind, source, score, reason, unanswered, stages_ms, moments (at, kind, text), sounds
        (role to seconds).

    Raises:
        UnknownConversationError: there is none, or not any more.
        DatabaseError: the database cannot be read.

    """
    with database.reading() as session:
        row = session.get(ConversationRow, key)
        if row is None:
            raise UnknownConversationError(
                f"no conversation '{key[:40]}'; it was deleted, or has another number"
            )
        facts = _facts(session, [key])[key]
        wanted = select(TurnRow).where(TurnRow.conversation == key).order_by(TurnRow.number)
        turns = [_turn(turn) for turn in session.scalars(wanted)]
        by_number = {turn["number"]: turn for turn in turns}
        for stage in session.scalars(select(StageRow).where(StageRow.conversation == key)):
            by_number[stage.number]["stages_ms"][stage.stage] = round(stage.ms, 1)
        for moment in session.scalars(
            select(MomentRow).where(MomentRow.conversation == key).order_by(MomentRow.position)
        ):
            if moment.number in by_number:
                told = {"at": written(moment.at), "kind": moment.kind, "text": moment.text}
                by_number[moment.number]["moments"].append(told)
        for number, role, seconds in session.execute(
            select(SoundRow.number, SoundRow.role, SoundRow.seconds).where(SoundRow.conversation == key)
        ):
            by_number[number]["sounds"][role] = round(seconds, 2)
    return _conversation(row) | facts | {"turns": turns}


def whole_key(database: Database, start: str) -> str:
    """Return the id of the one conversation whose id begins with ``start``.

    Raises:
        UnknownConversationError: none does, or several do.
        DatabaseError: the database cannot be read.

    """
    wanted = select(ConversationRow.id).where(ConversationRow.id.startswith(start, autoescape=True)).limit(2)
    with database.reading() as session:
        found = list(session.scalars(wanted))
    if len(found) != 1 or not start:
        reason = "several begin with that; write more of it" if found else "it was deleted, or is another"
        raise UnknownConversationError(f"no conversation '{start[:40]}'; {reason}")
    return found[0]


def sound(database: Database, key: str, number: int, role: str = "user") -> bytes:
    """Return what one side said in a turn, a FLAC file.

    Raises:
        UnknownConversationError: there is none.
        DatabaseError: the database cannot be read.

    """
    with database.reading() as session:
        row = session.get(SoundRow, (key, number, role))
        if row is None:
            raise UnknownConversationError(
                f"no sound of {role} in turn {number}; it was not kept, or deleted"
            )
        return row.flac


def unanswered(database: Database, *, limit: int = 100, days: int | None = None) -> list[dict[str, Any]]:
    """Return questions that had no answer of their own, those asked most often first.

    That are those which a fallback answered; its kind is "suggested" where it asked what may have been meant,
    else "fallback".

    Returns:
        question, language, count, last (time), conversation, number (of the last), kind, reason.

    Raises:
        DatabaseError: the database cannot be read.

    """
    t = TurnRow
    offered = exists().where(
        MomentRow.conversation == t.conversation, MomentRow.number == t.number, MomentRow.kind == "suggested"
    )
    wanted = select(t, offered).where(t.unanswered, t.question != "").order_by(t.asked_at.desc())
    if days is not None:
        wanted = wanted.where(t.asked_at >= datetime.now(UTC) - timedelta(days=days))
    found: dict[str, dict[str, Any]] = {}
    with database.reading() as session:
        for turn, asked_back in session.execute(wanted.limit(20_000)):
            key = " ".join(turn.question.casefold().split()).rstrip("?!.。？！ ")
            if key in found:
                found[key]["count"] += 1
                continue
            found[key] = {
                "question": turn.question,
                "language": turn.language,
                "count": 1,
                "last": written(turn.asked_at),
                "conversation": turn.conversation,
                "number": turn.number,
                "kind": "suggested" if asked_back else "fallback",
                "reason": turn.reason,
            }
    return sorted(found.values(), key=lambda one: -one["count"])[:limit]


def _conversation(row: ConversationRow) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "session", "person", "language")}
    return told | {"began": written(row.began), "ended": written(row.ended)}


def _turn(row: TurnRow) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for column in TurnRow.__table__.columns:
        if column.key != "conversation":
            value = getattr(row, column.key)
            told[column.key] = written(value) if isinstance(value, datetime) else value
    return told | {"stages_ms": {}, "moments": [], "sounds": {}}


def _facts(session: Session, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return what is counted over the turns of each conversation."""
    none: dict[str, Any] = {"turns": 0, "unanswered": 0, "interrupted": 0, "first": "", "sound": False}
    facts = {key: dict(none) for key in ids}
    t = TurnRow
    rows = select(t.conversation, t.question, t.meant, t.unanswered, t.interrupted).where(
        t.conversation.in_(ids)
    )
    for key, question, meant, lacking, cut in session.execute(rows.order_by(t.conversation, t.number)):
        fact = facts[key]
        fact["turns"] += 1
        fact["unanswered"] += lacking
        fact["interrupted"] += cut
        fact["first"] = fact["first"] or question or meant
    kept = select(SoundRow.conversation).where(SoundRow.conversation.in_(ids)).distinct()
    for key in session.scalars(kept):
        facts[key]["sound"] = True
    return facts


def written_exactly(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with all that the database keeps of it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _position(before: str) -> tuple[datetime, str]:
    began, _, key = before.partition("~")
    try:
        at = datetime.fromisoformat(began)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not key:
        raise InputError(f"'before' must be 'next' of an answer before, got '{before[:60]}'; leave it out")
    return at, key
