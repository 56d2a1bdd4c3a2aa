"""How long answers took to begin, as plain data for interfaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from sqlalchemy import and_, select

from rhapsode.dialogue.log.database import Database
from rhapsode.dialogue.log.reading import written
from rhapsode.dialogue.log.tables import StageRow, TurnRow

STAGES = ("total", "turn_end", "recognise", "think", "speak", "perform")
"""Stages in the order in which they are told; others follow."""

Asked = Literal["all", "spoken", "written"]
"""Which questions count."""

CHARTED = 200
"""Newest turns whose latency is told one by one."""


def latency(database: Database, *, days: int = 30, asked: Asked = "all") -> dict[str, Any]:
    """Return how long answers took to begin.

    Args:
        database: that is read.
        days: how far back.
        asked: what counts; written questions have no end to find and no words to recognise.

    Returns:
        "days", "stages" (stage, count, p50, p95: milliseconds), "turns" (at, conversation, number, total_ms,
        stages_ms; the newest, in order of time).

    Raises:
        DatabaseError: the database cannot be read.

    """
    t, s = TurnRow, StageRow
    since = datetime.now(UTC) - timedelta(days=days)
    wanted = (
        select(t.asked_at, s.conversation, s.number, s.stage, s.ms)
        .join(t, and_(t.conversation == s.conversation, t.number == s.number))
        .where(t.asked_at >= since)
        .order_by(t.asked_at.desc(), s.conversation, s.number)
        .limit(200_000)
    )
    if asked != "all":
        wanted = wanted.where(t.spoken == (asked == "spoken"))
    spans: dict[str, list[float]] = {}
    turns: dict[tuple[str, int], dict[str, Any]] = {}
    with database.reading() as session:
        for at, key, number, stage, ms in session.execute(wanted):
            spans.setdefault(stage, []).append(ms)
            if (key, number) not in turns and len(turns) >= CHARTED:
                continue
            turn = turns.setdefault(
                (key, number),
                {"at": written(at), "conversation": key, "number": number, "total_ms": None, "stages_ms": {}},
            )
            if stage == "total":
                turn["total_ms"] = round(ms, 1)
            else:
                turn["stages_ms"][stage] = round(ms, 1)
    order = [*(one for one in STAGES if one in spans), *sorted(set(spans) - set(STAGES))]
    return {
        "days": days,
        "stages": [
            {
                "stage": one,
                "count": len(spans[one]),
                "p50": _part(spans[one], 50),
                "p95": _part(spans[one], 95),
            }
            for one in order
        ],
        "turns": [turn for turn in reversed(turns.values()) if turn["total_ms"] is not None],
    }


def _part(values: list[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1)
