"""One session's clock and face: sound and silence in, items out, curves always before their sound.

The clock never stops and never goes back: idle life, speech and life again lie one behind the other on it,
each on the grid of curve frames (320 clock samples). No I/O, no waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rhapsode.face.emotion import Feelings
from rhapsode.face.spoken_curves import FacedWords, later
from rhapsode.live.engine import SAMPLE_RATE, FaceStage
from rhapsode.live.items import CurvesItem, SoundItem
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Float32, Words

Made = list[CurvesItem | SoundItem]

PER_FRAME = SAMPLE_RATE // CURVE_HZ
"""Sound samples between two curve frames."""

TAIL_FRAMES = 30
"""Curve frames of silence behind a speech (0.6 s), in which the mouth comes to rest."""

SETTLE_FRAMES = 25
"""Curve frames of silence (0.5 s) that are thrown away after an interruption, and the mouth with them."""

SETTLE_STEP = 5
"""Curve frames of these made at a time."""


class Track:
    """Turns sound into items.

    Args:
        face: a face at rest.
        start: clock sample at which it begins, a multiple of 320.

    """

    def __init__(self, face: FaceStage, start: int = 0) -> None:
        assert start % HOP == 0, "a track begins on the grid of curve frames"
        self._face = face
        self._given = start  # clock sample up to which the face has heard
        self._shown = start  # clock sample of the next curve frame
        self._held: Float32 = np.zeros(0, np.float32)  # sound that waits for its curves
        self._sent = start  # clock sample of the first held sound sample
        self._rest: Float32 = np.zeros(0, np.float32)  # sound short of a whole curve frame
        self._zero = start  # clock sample of the face's own zero: what it slept through moves it
        self._told = False  # whether the face knows phones

    @property
    def given(self) -> int:
        """Clock sample at which the next sound begins."""
        return self._given

    @property
    def shown(self) -> int:
        """Clock sample of the next curve frame that comes out."""
        return self._shown

    def feel(self, emotion: Feelings) -> None:
        """Feel this from the next curve frame on."""
        self._face.feel(emotion)

    def words(self, words: Words, zero: int, seconds: float) -> None:
        """Tell the face the phones, and the face if the voice gives one, of the sound that is added next.

        Args:
            words: spoken in it.
            zero: clock sample that their seconds count from.
            seconds: how long that sound is.

        """
        if words.phones or isinstance(words, FacedWords):
            told = later(words, (zero - self._zero) / CLOCK_HZ)
            begin = (self._given - self._zero) / CLOCK_HZ
            self._face.words(replace(told, words=()), begin_s=begin, end_s=begin + seconds)
            self._told = True

    def idle(self, curve_frames: int, generation: int) -> Made:
        """Let time pass in silence; return curves only."""
        assert not len(self._held) + len(self._rest), "speech must end before idling"
        made = self._curves(np.zeros(curve_frames * PER_FRAME, np.float32), generation)
        self._sent = self._given
        return made

    def speak(self, sound: Float32, generation: int) -> Made:
        """Add sound, (n,) at `SAMPLE_RATE`; return what is ready of curves and sound."""
        joined = np.concatenate([self._rest, sound])
        whole = len(joined) - len(joined) % PER_FRAME
        self._rest = joined[whole:]
        self._held = np.concatenate([self._held, joined[:whole]])
        return self._curves(joined[:whole], generation) + self._ready_sound(generation)

    def end(self, generation: int) -> tuple[Made, int]:
        """End the speech; return the last items, and the clock sample at which its sound ends."""
        sounding = self._given + -(-len(self._rest) * CLOCK_HZ // SAMPLE_RATE)
        made = self.speak(np.zeros(-len(self._rest) % PER_FRAME, np.float32), generation)
        made += self._curves(np.zeros(TAIL_FRAMES * PER_FRAME, np.float32), generation)
        made += self._ready_sound(generation)
        assert not len(self._held), "the tail is longer than the look-ahead"
        self._sent = self._given
        return made, sounding

    def skip(self, curve_frames: int) -> None:
        """Let time pass in which something else is shown; the face does not notice."""
        assert not len(self._held) + len(self._rest), "speech must end before something else is shown"
        self._given += curve_frames * HOP
        self._shown += curve_frames * HOP
        self._zero += curve_frames * HOP
        self._sent = self._given

    def interrupt(self) -> Iterator[None]:
        """Drop the sound and let the face rest unseen, step by step; what follows begins at `shown`."""
        self._held, self._rest = self._held[:0], self._rest[:0]
        if self._told:
            begin = (self._given - self._zero) / CLOCK_HZ
            self._face.words(Words(), begin_s=begin, end_s=begin)
            self._told = False
        for _ in range(SETTLE_FRAMES // SETTLE_STEP):
            self._curves(np.zeros(SETTLE_STEP * PER_FRAME, np.float32), 0)
            self._sent = self._given
            yield

    def _curves(self, sound: Float32, generation: int) -> Made:
        if not len(sound):
            return []
        curves = self._face.push(sound)
        self._given += len(sound) // PER_FRAME * HOP
        start = self._shown
        self._shown += len(curves) * HOP
        return [CurvesItem(generation, start, curves.values)] if len(curves) else []

    def _ready_sound(self, generation: int) -> Made:
        """Return the held sound that curves cover."""
        frames = min((self._shown - self._sent) // HOP, len(self._held) // PER_FRAME)
        if frames <= 0:
            return []
        count, start = frames * PER_FRAME, self._sent
        ready, self._held = self._held[:count], self._held[count:]
        self._sent += frames * HOP
        return [SoundItem(generation, start, ready, SAMPLE_RATE)]
