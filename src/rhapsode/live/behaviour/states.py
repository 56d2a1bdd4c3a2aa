"""What one does without being told to: stand at ease, listen, think, speak. A row of parts a curve frame."""

from __future__ import annotations

from math import sin, tau
from random import Random
from typing import Literal

from rhapsode.face.emotion import Emotion
from rhapsode.face.life.motion import DT, Drift, Spring, generator
from rhapsode.live.behaviour.parts import AT, Float64, Keys, Tracks, row, zeros
from rhapsode.settings import Perform

State = Literal["idle", "listening", "thinking", "speaking"]
STATES: tuple[State, ...] = ("idle", "listening", "thinking", "speaking")
"""What a digital human can be at."""

_BLOCK = 250
_BANDS = [(0.05, 0.22), (0.04, 0.18), (0.04, 0.2), (0.05, 0.3)]
_SWAY = (("sway", 0.014), ("turn", 0.022), ("lean", 0.010), ("shrug_left", 0.05))

_TREMOR = (("head_pitch", 0.0042, 0.47), ("head_yaw", 0.0042, 0.39))
"""What of the head never rests: how far, radians, and how often, Hz. No second goes by without it."""

_ATTENTIVE = row(lean=0.045, head_pitch=-0.028, browInnerUp=0.07, browOuterUp=0.05, attention=0.85)
_SPEAKING = row(attention=0.25)
_OPENING = row(attention=0.65, browInnerUp=0.06)
_THOUGHTFUL = row(
    browDown=0.3, browInnerUp=0.2, eyeSquint=0.16, mouthPress=0.24, mouthRollLower=0.1, attention=0.8
)

_LEAD_S = 0.18
"""How long somebody who begins to think goes on looking at the other."""

_LONG_S = 4.5
"""After so long one who thinks looks at the other in between, so as not to seem gone."""

_BLINK: Keys = ((0.0, 0.0), (0.09, 0.96), (0.13, 0.96), (0.31, 0.0))

_MIRRORED = {
    "joy": row(mouthSmile=0.34, cheekSquint=0.26, eyeSquint=0.1),
    "sadness": row(browInnerUp=0.32, mouthFrown=0.1, head_roll=0.03),
    "fear": row(browInnerUp=0.26, browOuterUp=0.08),
    "amazement": row(browInnerUp=0.2, browOuterUp=0.2, eyeWide=0.1),
}
"""How a listener shows that the person's feeling is seen, at its full amount. Anger is not given back."""


class States:
    """Moves from one state to the next.

    Args:
        settings: what of it is done.
        seed: the same seed gives the same behaviour.

    Attributes:
        state: the one that it is in.

    """

    def __init__(self, settings: Perform, seed: int) -> None:
        self.settings = settings
        self.state: State = "idle"
        self._rng = generator(seed, "states")
        self._drift = Drift(generator(seed, "body"), _BANDS)
        self._noise: list[list[float]] = []
        self._frame = 0
        self._for_s = 0.0
        self._listening, self._thinking = Spring(4.5), Spring(9.0)
        self._speaking, self._opening = Spring(6.0), Spring(5.0)
        self._tilt, self._tilt_to = Spring(2.2), 0.0
        self._tilt_s = 0.0
        self._glance = _Glance(self._rng)
        self._short: list[tuple[Tracks, float, float]] = []
        self._mood, self._mood_to = zeros(), zeros()

    def change(self, state: State) -> None:
        """Be at something else from now on."""
        if state == self.state:
            return
        if self.state == "thinking":
            self.blink(0.7)
        self.state, self._for_s, self._tilt_s = state, 0.0, 0.0
        if state == "thinking":
            self._glance.begin()

    def mirror(self, emotion: Emotion | None) -> None:
        """Show that the person's feeling is seen, mildly; None forgets it."""
        self._mood_to = zeros()
        if emotion is not None:
            for name, amount in emotion.items():
                if name in _MIRRORED:
                    self._mood_to += amount * _MIRRORED[name]

    def blink(self, likely: float = 1.0) -> None:
        """Blink as one does where a clause ends."""
        if self._rng.random() < likely:
            self._add({"eyeBlink": _BLINK}, self._rng.uniform(0.0, 0.15))

    def wonder(self) -> None:
        """Raise the brows at a question."""
        high, late = self._rng.uniform(0.42, 0.58), self._rng.uniform(0.0, 0.12)
        brows: Keys = ((0.0, 0.0), (0.24, high), (0.75, 0.9 * high), (1.5, 0.0))
        self._add({"browInnerUp": brows, "browOuterUp": brows, "eyeWide": _scaled(brows, 0.3)}, late)

    def step(self, made: Float64) -> None:
        """Move one curve frame on and add to ``made``, in place."""
        self._for_s += DT
        noise = self._next_noise()
        settings, state = self.settings, self.state
        for (name, reach), value in zip(_SWAY, noise, strict=True):
            made[AT[name]] += reach * value
        made[AT["shrug_right"]] += 0.05 * noise[3]
        for name, reach, hertz in _TREMOR:
            made[AT[name]] += reach * sin(tau * hertz * DT * self._frame)
        listening = self._listening.step(float(state == "listening" and settings.listening))
        thinks = state == "thinking" and settings.thinking and self._for_s > _LEAD_S
        thinking = self._thinking.step(float(thinks))
        speaking = self._speaking.step(float(state == "speaking"))
        opening = self._opening.step(float(state == "speaking" and self._for_s < 0.7))
        made += listening * _ATTENTIVE + speaking * _SPEAKING + opening * _OPENING
        if thinking > 1e-3 or thinks:
            self._think(made, thinking, thinks=thinks)
        self._lean_head(made, listening, noise)
        self._mood += 0.03 * (self._mood_to - self._mood)
        made += (listening + 0.3 * speaking + 0.3 * thinking) * self._mood
        if not settings.gaze:
            made[AT["attention"]] = made[AT["gaze_yaw"]] = made[AT["gaze_pitch"]] = 0.0
        self._play(made)

    def _next_noise(self) -> list[float]:
        place = self._frame % _BLOCK
        if not place:
            self._noise = self._drift.values(self._frame, _BLOCK).tolist()
        self._frame += 1
        return self._noise[place]

    def _think(self, made: Float64, amount: float, *, thinks: bool) -> None:
        made += amount * _THOUGHTFUL
        yaw, pitch, head = self._glance.step(thinks=thinks)
        made[AT["gaze_yaw"]] += yaw
        made[AT["gaze_pitch"]] += pitch
        side = 1.0 if head[0] > 0 else -1.0
        made[AT["head_yaw"]] += head[0]
        made[AT["head_pitch"]] += head[1]
        made[AT["head_roll"]] += -0.055 * side * amount
        made[AT["mouthRight" if side > 0 else "mouthLeft"]] += 0.13 * amount

    def _lean_head(self, made: Float64, listening: float, noise: list[float]) -> None:
        """Hold the head a little to one side while listening, now to one, now to the other."""
        self._tilt_s -= DT
        if self.state == "listening" and self.settings.listening:
            if self._tilt_s <= 0.0:
                side = 1.0 if self._rng.random() < 0.5 else -1.0
                self._tilt_to = side * self._rng.uniform(0.02, 0.075)
                self._tilt_s = self._rng.uniform(2.5, 5.5)
        else:
            self._tilt_to = 0.0
        made[AT["head_roll"]] += self._tilt.step(self._tilt_to) + 0.012 * listening * noise[1]
        made[AT["head_pitch"]] += 0.012 * listening * noise[0]

    def _add(self, keys: dict[str, Keys], late_s: float) -> None:
        self._short.append((Tracks(keys), -late_s, 1.0))

    def _play(self, made: Float64) -> None:
        still = []
        for tracks, at, size in self._short:
            at += DT
            if at > 0.0:
                tracks.add_to(made, at, size)
            if at < tracks.length_s:
                still.append((tracks, at, size))
        self._short = still


class _Glance:
    """Where somebody looks who thinks: up and aside, then elsewhere, now and then back at the other."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._gaze = Spring(42.0), Spring(42.0)
        self._head = Spring(5.0), Spring(5.0)
        self._to = (0.0, 0.0)
        self._side = 1.0
        self._stay_s = self._for_s = 0.0

    def begin(self) -> None:
        """Think of something new."""
        self._side = 1.0 if self._rng.random() < 0.5 else -1.0
        self._for_s = 0.0
        self._up()

    def step(self, *, thinks: bool) -> tuple[float, float, tuple[float, float]]:
        """Return gaze yaw and pitch and head yaw and pitch of the next curve frame."""
        self._stay_s -= DT
        self._for_s += DT
        if self._stay_s <= 0.0:
            self._elsewhere()
        to = self._to if thinks else (0.0, 0.0)
        yaw, pitch = (spring.step(goal) for spring, goal in zip(self._gaze, to, strict=True))
        head = [spring.step(0.36 * goal) for spring, goal in zip(self._head, to, strict=True)]
        return yaw, pitch, (head[0], head[1])

    def _up(self) -> None:
        rng = self._rng
        self._to = (self._side * rng.uniform(0.26, 0.4), rng.uniform(-0.3, -0.19))
        self._stay_s = rng.uniform(1.1, 2.1)

    def _elsewhere(self) -> None:
        rng, chance = self._rng, self._rng.random()
        if self._for_s > _LONG_S and chance < 0.3:
            self._to, self._stay_s = (0.0, 0.0), rng.uniform(0.5, 0.9)
        elif chance < 0.6:
            self._to = (self._to[0] + rng.gauss(0.0, 0.05), self._to[1] + rng.gauss(0.0, 0.04))
            self._stay_s = rng.uniform(0.5, 1.2)
        elif chance < 0.8:
            self._to = (self._side * rng.uniform(0.2, 0.34), rng.uniform(0.05, 0.15))
            self._stay_s = rng.uniform(0.8, 1.6)
        else:
            self._side = -self._side
            self._up()


def _scaled(keys: Keys, by: float) -> Keys:
    return tuple((time, by * value) for time, value in keys)
