"""What marks do to a face: feelings until the answer is over, gestures at their moment."""

from __future__ import annotations

from rhapsode.dialogue.marks import Feel, Gesture
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.session import Session
from rhapsode.pipecat.moods import Moods
from rhapsode.settings import Perform


class FaceMarks:
    """Does marks in a session; behaviour is mixed into it from the first gesture on.

    Args:
        session: whose face it is.

    """

    def __init__(self, session: Session) -> None:
        self._session, self._moods = session, Moods(session)
        self._behaviour: Behaviour | None = None

    def do(self, mark: object, sample: int | None = None) -> None:
        """Do ``mark``; other marks than feelings and gestures are left out.

        Args:
            mark: a feeling counts from the next curve frame that is made on.
            sample: clock sample at which a gesture begins; None is now.

        """
        if isinstance(mark, Feel):
            self._moods.feel(mark.emotion)
        elif isinstance(mark, Gesture) and mark.name in Behaviour.gestures:
            if self._behaviour is None:
                self._behaviour = Behaviour(self._session, settings=Perform(listening=False, thinking=False))
            self._behaviour.gesture(mark.name, at=sample)

    def rest(self) -> None:
        """Feel as before the answer."""
        self._moods.rest()

    def close(self) -> None:
        """Behave no more."""
        self.rest()
        if self._behaviour is not None:
            self._behaviour.close()
            self._behaviour = None
