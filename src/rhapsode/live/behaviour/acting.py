"""Gestures in a performance that is made piece by piece, for files; `Behaviour` makes them in a session."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from rhapsode.errors import SettingError
from rhapsode.face.life.motion import generator
from rhapsode.live.behaviour.body import pose
from rhapsode.live.behaviour.gestures import GESTURES
from rhapsode.live.behaviour.gesturing import Gesturing, MouthShare
from rhapsode.live.behaviour.parts import zeros
from rhapsode.live.behaviour.wearing import worn
from rhapsode.live.motion import Pose
from rhapsode.performance import Curves, Motion, Sound, as_float32


class Acting:
    """Puts gestures on face curves as they come, and gives the body that belongs to them.

    The same seed gives the same gestures as a session's `Behaviour`.

    Args:
        seed: of their chances.

    """

    def __init__(self, *, seed: int = 0) -> None:
        self._gesturing = Gesturing(generator(seed, "gestures"))
        self._waiting: deque[tuple[float, str]] = deque()
        self._mouth, self._pose = MouthShare(), Pose()

    @property
    def acts(self) -> bool:
        """Whether a gesture is under way, or will be."""
        return bool(self._waiting or self._gesturing.names)

    def gesture(self, name: str, at_s: float) -> None:
        """Make a gesture that begins ``at_s`` seconds on the clock, in order of time.

        Raises:
            SettingError: there is no such gesture.

        """
        if name not in GESTURES:
            raise SettingError(f"a gesture must be one of: {', '.join(GESTURES)}; got '{name}'; try nod")
        self._waiting.append((at_s, name))

    def hear(self, sound: Sound) -> None:
        """Take notice of the voice: while it speaks the mouth is not a gesture's."""
        self._mouth.hear(round(sound.start), as_float32(sound.mono()), sound.sample_rate)

    def push(self, curves: Curves) -> tuple[Curves, Motion | None]:
        """Put gestures on the next curves.

        Args:
            curves: (T, 61) of `rhapsode.rigs.FACE`, 50 a second, from clock sample 0 on.

        Returns:
            The same with gestures, and the body at the same times; None where there are no curves.

        """
        faces = np.empty_like(curves.values)
        for k, time_s in enumerate(curves.times_s):
            while self._waiting and self._waiting[0][0] <= time_s:
                self._gesturing.begin(self._waiting.popleft()[1])
            parts = zeros()
            self._gesturing.step(parts)
            faces[k] = worn(curves.values[k], parts, self._mouth.step(curves.sample_index(k)))
            self._pose.push(pose(parts))
        return replace(curves, values=faces), self._pose.take()
