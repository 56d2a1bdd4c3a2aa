"""How long a turn takes, stage by stage, from the end of the person's speech to the first sound."""

from __future__ import annotations

from rhapsode.conversation.events import Latency

STAGES = ("turn_end", "recognise", "think", "speak", "perform")
"""Stages in order; each lasts from the end of the one before it."""


class Stopwatch:
    """Takes times of one turn; those that come first count.

    Args:
        turn: its number.
        ended_at: the loop's time at which the person's speech ended, or the question was written.

    """

    def __init__(self, turn: int, ended_at: float) -> None:
        self._turn, self._ended = turn, ended_at
        self._at: dict[str, float] = {}

    def mark(self, stage: str, at: float) -> None:
        """Say that ``stage`` was over at the loop's time ``at``."""
        self._at.setdefault(stage, at)

    def latency(self, due: float) -> Latency:
        """Return the whole and its stages, the first sound being due at ``due``; they add up to the whole.

        Stages run beside each other: what was over before the stage ahead of it counts as nothing.
        """
        stages, last = {}, self._ended
        for stage in STAGES:
            at = due if stage == "perform" else self._at.get(stage, last)
            at = min(max(at, last), due)
            stages[stage] = round((at - last) * 1000, 1)
            last = at
        return Latency(self._turn, round((due - self._ended) * 1000, 1), stages)
