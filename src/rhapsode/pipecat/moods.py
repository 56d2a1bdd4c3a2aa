"""Feelings that marks set for an answer, and what the face felt before it."""

from __future__ import annotations

from dataclasses import replace

from rhapsode.face.emotion import Emotion, Feelings
from rhapsode.live.session import Session


class Moods:
    """Lets a session feel what marks say, until `rest`.

    Args:
        session: whose face feels.

    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._base: Feelings | None = None

    def feel(self, emotion: Emotion | None) -> None:
        """Feel this from the next curve frame that is made on; None is as before the answer."""
        if self._base is None:
            self._base = self._session.direction.emotion or ""
        self._direct(self._base if emotion is None else emotion)

    def rest(self) -> None:
        """Feel as before the answer."""
        if self._base is not None:
            self._direct(self._base)
            self._base = None

    def _direct(self, feelings: Feelings) -> None:
        self._session.direct(replace(self._session.direction, emotion=feelings))
