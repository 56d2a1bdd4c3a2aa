"""The emotion stage: the shaped face and the voice in, the face that feels out, curve frame by frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RigError
from rhapsode.face.emotion.auto import AutoEmotion, expression
from rhapsode.face.emotion.contact import resolve, wear
from rhapsode.face.emotion.poses import FEELINGS, mood_matrix, pose_matrix
from rhapsode.face.emotion.timeline import AUTO, Feelings, Timeline, read_feelings
from rhapsode.face.emotion.vector import EMOTIONS, Emotion
from rhapsode.face.life.mood import EVEN, MOOD
from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.rigs import ARKIT

_Float64 = NDArray[np.float64]

TRACK: tuple[str, ...] = (*EMOTIONS, "arousal", "valence")
"""Channels of an emotion track: how much of each emotion the face shows, then two dimensions in [0, 1] where
0.5 is neutral."""

_DT = 1.0 / CURVE_HZ
_REACH = 3.89
"""A critically damped spring covers nine tenths of its way in this time divided by its speed."""

_FAINT = 1e-4
_ATTACK, _RELEASE, _HANG = 1.0 / 3.0, 1.0 / 20.0, 8
"""The mouth is speech's own 60 ms after a sound, and the emotion's 0.16 to 0.56 s after the last one."""

_PANT_HZ = 0.95
_PANTING = [
    (ARKIT.index(name), reach)
    for name, reach in (
        *(("jawOpen", 0.13), ("noseSneerLeft", 0.1), ("noseSneerRight", 0.1), ("browInnerUp", 0.12)),
    )
]
_POSES, _MOODS = pose_matrix(), mood_matrix()
_BREATH = np.array([FEELINGS[name].breath for name in EMOTIONS])
_SPEEDS = [(_REACH / FEELINGS[name].onset_s, _REACH / FEELINGS[name].decay_s) for name in EMOTIONS]
_DIMENSIONS = np.array([[FEELINGS[name].arousal, FEELINGS[name].valence] for name in EMOTIONS])
_CALM = np.array([EVEN], np.float32)
_MOOD_LOW, _MOOD_HIGH = np.array([[0.0, 0.3, 0.3, -0.15, -0.1, -0.1], [1.0, 2.0, 2.0, 0.15, 0.1, 0.1]])
_NO_TRACK = np.array([[0.0] * len(EMOTIONS) + [0.5, 0.5]], np.float32)
_PITCH = MOOD.index("head_pitch")


class Felt(NamedTuple):
    """What `EmotionStream.feel` returns.

    Args:
        face: (T, 52) float32 weights in [0, 1].
        mood: (T, 6) float32 with the columns of `rhapsode.face.life.mood.MOOD`.
        track: (T, 12) float32 with the columns of `TRACK`.

    """

    face: Float32
    mood: Float32
    track: Float32


class EmotionStream:
    """Lets a face feel. It looks at no later curve frame and is the same for any cut.

    Levels follow what is asked for as critically damped springs, faster into an emotion than out of it. The
    mouth shows an emotion fully while nobody speaks; in speech the corners keep most of it and the lips keep
    their contacts (`rhapsode.face.emotion.contact`).

    Args:
        feelings: an `Emotion`, a `Timeline`, a text such as "joy:0.6", or "auto" for an estimate from the
            voice (`rhapsode.face.emotion.auto`).

    Raises:
        SettingError: the text cannot be read.

    Example:
        >>> stage = EmotionStream("joy:0.6")
        >>> stage.push(np.zeros((5, 52), np.float32), np.zeros(5, np.float32)).shape
        (5, 52)

    """

    look_ahead_samples = 0

    def __init__(self, feelings: Feelings | None = None) -> None:
        self._levels = [0.0] * len(EMOTIONS)
        self._speeds = [0.0] * len(EMOTIONS)
        self._made = 0
        self._talking = 0.0
        self._hang = 0
        self._auto: AutoEmotion | None = None
        self.set(Emotion() if feelings is None else feelings)

    @property
    def feelings(self) -> Emotion | Timeline | str:
        """What was asked for last."""
        return self._feelings

    def set(self, feelings: Feelings) -> None:
        """Feel this from the next curve frame on; the face gets there in its own time.

        A `Timeline` counts from the stream's first curve frame.
        """
        self._feelings = read_feelings(feelings)
        if self._feelings != AUTO:
            self._auto = None
        elif self._auto is None:
            self._auto = AutoEmotion()
        self._idle = isinstance(self._feelings, Emotion) and not self._feelings
        self._coming: list[tuple[float, list[float]]] = []
        self._target = [0.0] * len(EMOTIONS)
        if isinstance(self._feelings, Emotion):
            self._target = self._feelings.vector().tolist()
        if isinstance(self._feelings, Timeline):
            self._coming = [(time_s, felt.vector().tolist()) for time_s, felt in self._feelings.keys]

    def hear(self, y: Float32, *, last: bool = False) -> None:
        """Take the next sound, (n,) at 16 kHz, before the curve frames that it brings; "auto" listens."""
        if self._auto:
            self._auto.hear(y, last=last)

    def push(self, face: Float32, activity: Float32) -> Float32:
        """Return the next curve frames with the emotion on them, (T, 52); see `feel`."""
        return self.feel(face, activity).face

    def feel(self, face: Float32, activity: Float32) -> Felt:
        """Put the emotion on the next curve frames.

        Args:
            face: (T, 52) ARKit weights in [0, 1], shaped.
            activity: (T,) speech activity in [0, 1] of the same curve frames.

        Returns:
            The face, the mood that life plays in, and how much of each emotion is felt.

        Raises:
            RigError: the shapes do not fit.

        """
        given, voice = np.asarray(face, np.float32), np.asarray(activity, np.float32)
        if given.ndim != 2 or given.shape[1] != len(ARKIT) or voice.shape != given.shape[:1]:
            raise RigError(
                f"emotion needs a face (T, {len(ARKIT)}) and activity (T,), "
                f"got {given.shape} and {voice.shape}"
            )
        first = self._made
        if self._idle and not any(self._levels):
            self._made += len(given)
            self._pauses(voice.tolist())
            return Felt(given, _CALM.repeat(len(given), axis=0), _NO_TRACK.repeat(len(given), axis=0))
        arousal = self._auto.take(len(given)) if self._auto else None
        levels = self._follow(len(given), arousal)
        pause = self._pauses(voice.tolist())
        mood = np.minimum(np.maximum(levels @ _MOODS + _CALM, _MOOD_LOW), _MOOD_HIGH)
        track = self._track(levels, arousal)
        if not levels.any():
            return Felt(given, mood.astype(np.float32), track)
        pose = np.minimum(levels @ _POSES, 1.0)
        breath = np.minimum(levels @ _BREATH, 1.0)
        if breath.any():
            _pant(pose, mood, breath, np.arange(first, first + len(given)) * _DT)
        made = wear(given.astype(np.float64), resolve(pose), pause)
        return Felt(made.astype(np.float32), mood.astype(np.float32), track)

    def _follow(self, count: int, arousal: _Float64 | None) -> _Float64:
        """Return (T, 10) how strongly each emotion is felt."""
        made = np.zeros((count, len(EMOTIONS)))
        for k in range(count):
            goals = self._asked() if arousal is None else expression(float(arousal[k]))
            made[k] = self._step(goals)
            self._made += 1
        return made

    def _asked(self) -> list[float]:
        """Return what the next curve frame is to feel."""
        while self._coming and self._made * _DT >= self._coming[0][0] - 1e-9:
            self._target = self._coming.pop(0)[1]
        return self._target

    def _step(self, target: list[float]) -> list[float]:
        """Move every level one curve frame on towards its target."""
        for i, goal in enumerate(target):
            at, going = self._levels[i], self._speeds[i]
            if goal == at == going == 0.0:
                continue
            speed = _SPEEDS[i][0 if goal > at else 1]
            away, decay = at - goal, math.exp(-speed * _DT)
            pull = (going + speed * away) * _DT
            at = goal + (away + pull) * decay
            going = (going - speed * pull) * decay
            if goal == 0.0 and at < _FAINT:
                at = going = 0.0
            self._levels[i], self._speeds[i] = min(max(at, 0.0), 1.0), going
        return self._levels

    def _pauses(self, activity: list[float]) -> _Float64:
        """Return (T,) how much the mouth belongs to the emotion, 0 in speech to 1 in a pause."""
        at, made = self._talking, []
        for voice in activity:
            if voice > 0.5:
                self._hang = _HANG
            elif self._hang:
                self._hang -= 1
            goal = 1.0 if self._hang else voice
            at = min(max(goal, at - _RELEASE), at + _ATTACK)
            made.append(1.0 - at * at * (3.0 - 2.0 * at))
        self._talking = at
        return np.array(made)

    def _track(self, levels: _Float64, arousal: _Float64 | None) -> Float32:
        made = np.full((len(levels), len(TRACK)), 0.5, np.float32)
        made[:, : len(EMOTIONS)] = levels
        if arousal is None:
            made[:, len(EMOTIONS) :] += np.minimum(np.maximum(levels @ _DIMENSIONS, -1.0), 1.0) * 0.5
        else:
            made[:, len(EMOTIONS)] += 0.5 * arousal
        return made


def _pant(pose: _Float64, mood: _Float64, breath: _Float64, times_s: NDArray[np.floating]) -> None:
    """Breathe hard, in place: the jaw, the nostrils and the head move with each breath."""
    turns = 2.0 * math.pi * (_PANT_HZ * times_s + 0.11 * np.sin(0.7 * times_s))
    full = breath * (0.5 - 0.5 * np.cos(turns))
    for index, reach in _PANTING:
        channel = pose[:, index]
        channel += (1.0 - channel) * reach * full
    mood[:, _PITCH] += 0.045 * (0.5 * breath - full)
