"""Behaviour in a session: gestures, listening, thinking, gaze, mixed into its curves with a body."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from rhapsode.errors import SettingError
from rhapsode.face.emotion import Emotion
from rhapsode.face.life.motion import DT, generator
from rhapsode.live.behaviour.body import pose
from rhapsode.live.behaviour.cues import Cue, Ears, Manners, Phrases
from rhapsode.live.behaviour.gestures import GESTURES
from rhapsode.live.behaviour.gesturing import Gesturing, MouthShare
from rhapsode.live.behaviour.parts import zeros
from rhapsode.live.behaviour.states import STATES, State, States
from rhapsode.live.behaviour.wearing import worn
from rhapsode.live.items import CurvesItem
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.settings import Perform

AHEAD_S, SPEECH_S = 0.15, 0.8
"""How long before they are due curves get their behaviour: what a network may jitter and a page lag. Those
of speech are there long before, and so are its gestures."""

_LONGEST_STEP_S = 0.2


class Behaviour:
    """Behaves, in a session, from its construction until `close`; a `rhapsode.live.gate.Mix`.

    It lies on top of what the engine does: its own head motion, blinks and lips go on. The same seed and the
    same calls give the same behaviour. All methods are called on the session's loop.

    Args:
        session: whose curves it moves.
        settings: what of it is done.
        seed: of its chances.
        body: whether bones are given with the curves.

    Example:
        >>> from rhapsode.live.behaviour import Behaviour
        >>> Behaviour.gestures[:3]
        ('nod', 'shake', 'tilt')

    """

    gestures: tuple[str, ...] = tuple(GESTURES)
    """Names that `gesture` takes."""

    def __init__(
        self, session: Session, *, settings: Perform | None = None, seed: int = 0, body: bool = True
    ) -> None:
        self._session, self._settings = session, settings or Perform()
        self._body = body
        self._gesturing, self._states = Gesturing(generator(seed, "gestures")), States(self._settings, seed)
        self._manners, self._mouth = Manners(generator(seed, "manners")), MouthShare()
        self._phrases, self._level_at = Phrases(), 0.0
        self._ears: Ears | None = None
        self._waiting: deque[tuple[int, str, float]] = deque()
        session.add_mix(self, first=True, ahead_s=AHEAD_S, speech_s=SPEECH_S)

    def close(self) -> None:
        """Behave no more."""
        self._session.remove_mix(self)

    @property
    def settings(self) -> Perform:
        """What of it is done; may be set at any time."""
        return self._settings

    @settings.setter
    def settings(self, settings: Perform) -> None:
        self._settings = self._states.settings = settings

    @property
    def at(self) -> State:
        """The state that it is in."""
        return self._states.state

    @property
    def gesturing(self) -> tuple[str, ...]:
        """The gestures under way, oldest first."""
        return self._gesturing.names

    def state(self, state: State) -> None:
        """Idle, listen, think or speak from now on.

        Raises:
            SettingError: there is no such state.

        """
        if state not in STATES:
            raise SettingError(f"a state must be one of: {', '.join(STATES)}; got '{state}'; try idle")
        if state == "listening" and self._states.state != "listening":
            self._manners.begin()
            self._phrases, self._ears = Phrases(), None
        self._states.change(state)

    def gesture(self, name: str, *, at: int | None = None, strength: float = 1.0) -> bool:
        """Make a gesture; return False where the settings forbid it.

        Args:
            name: one of `gestures`.
            at: clock sample of the session at which it begins; it is given up with the speech that it
                belongs to. None is now, and an interruption does not end it.
            strength: 1 is normal.

        Raises:
            SettingError: there is no such gesture.

        """
        if name not in GESTURES:
            raise SettingError(f"a gesture must be one of: {', '.join(GESTURES)}; got '{name}'; try nod")
        if not self._settings.gestures:
            return False
        if at is None:
            self._gesturing.begin(name, strength, bound=False)
        else:
            self._waiting.append((at, name, strength))
            self._waiting = deque(sorted(self._waiting))
        return True

    def mirror(self, emotion: Emotion | None) -> None:
        """Show that what the person feels is seen; None forgets it."""
        self._states.mirror(emotion if self._settings.listening else None)

    def hear_person(self, chunk: Float32, sample_rate: int) -> None:
        """Listen to sound of the person, (n,) or (n, channels): ends of phrases and questions are found."""
        if self._ears is None or self._ears.sample_rate != sample_rate:
            self._ears = Ears(sample_rate)
        self._heed(self._ears.hear(chunk))

    def hear_level(self, db: float, now: float) -> None:
        """Listen by level alone: phrases and their ends are found.

        Args:
            db: level of what was heard since the last call, dBFS.
            now: seconds of any clock.

        """
        step, self._level_at = now - self._level_at, now
        self._heed(self._phrases.hear(db, min(max(step, 0.0), _LONGEST_STEP_S)))

    def heard_pause(self) -> None:
        """Take notice that a phrase of the person ended: blink, or nod, as a listener does."""
        if self._states.state != "listening" or not self._settings.listening:
            return
        self._states.blink(0.6)
        if nod := self._manners.nods():
            self._gesturing.begin(nod, bound=False)

    def question(self) -> None:
        """Take notice that the person asks: the brows rise."""
        if self._states.state in ("listening", "thinking") and self._settings.listening:
            self._states.wonder()

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        """Return one curve frame with behaviour on it, and the bones of the body."""
        while self._waiting and self._waiting[0][0] <= item.start:
            _, name, strength = self._waiting.popleft()
            self._gesturing.begin(name, strength)
        parts = zeros()
        self._manners.step(DT)
        self._states.step(parts)
        self._gesturing.step(parts)
        values = worn(item.values[0], parts, self._mouth.step(item.start))[None]
        bones = {**pose(parts), **item.bones} if self._body else item.bones
        return replace(item, values=values, bones=bones)

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Take notice of the session's own sound."""
        self._mouth.hear(start, samples, sample_rate)

    def interrupted(self) -> None:
        """Take notice that what was performed is not any more: its gestures are given up."""
        self._mouth.forget()
        self._waiting.clear()
        self._gesturing.drop()

    def _heed(self, cue: Cue) -> None:
        if cue.pause:
            self.heard_pause()
        if cue.question:
            self.question()


assert round(DT * CLOCK_HZ) == HOP, "a curve frame is one step of behaviour"
