"""Life, curve frame by curve frame: the shaped face and the voice in, the whole living face out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rhapsode.errors import RigError
from rhapsode.face.life.accents import Accents
from rhapsode.face.life.blinks import Blinks
from rhapsode.face.life.expression import BANDS as FACE_BANDS
from rhapsode.face.life.expression import Expression
from rhapsode.face.life.gaze import VERGENCE, Gaze
from rhapsode.face.life.head import BANDS as HEAD_BANDS
from rhapsode.face.life.head import Head
from rhapsode.face.life.mood import EVEN
from rhapsode.face.life.motion import DT, Breath, Drift, generator
from rhapsode.face.life.settings import Life
from rhapsode.face.voice import WIDTH
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.gaze import PITCH_PER_WEIGHT, YAW_PER_WEIGHT

_BLOCK = 512
_SLOW_BLOCK = 50
_WIDTH = len(ARKIT)
_EYE_LIMITS = (0.42, 0.34)
_LEFT, _RIGHT = (
    [ARKIT.index(f"eye{name}{side}") for name in ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Wide")]
    for side in ("Left", "Right")
)


class LifeStream:
    """The stage that makes a face live. It looks at no later curve frame and is the same for any cut.

    Random numbers are drawn in order of time, one generator for each part, so that the same seed gives the
    same life.

    Args:
        life: what to do.
        seed: replaces the seed of ``life``.

    Example:
        >>> stage = LifeStream(Life(), seed=7)
        >>> stage.push(np.zeros((5, 52), np.float32), np.full((5, 2), 0.5, np.float32)).shape
        (5, 61)

    """

    look_ahead_samples = 0

    def __init__(self, life: Life | None = None, *, seed: int | None = None) -> None:
        self.life = life = life or Life()
        self.seed = seed = life.seed if seed is None else seed
        self._accents = Accents()
        self._blinks = Blinks(generator(seed, "blinks"), life.blink_per_minute)
        self._gaze = Gaze(generator(seed, "gaze"), life.gaze)
        self._head = Head(generator(seed, "head"), life.head)
        self._expression = Expression(generator(seed, "expression"), life)
        self._drift = Drift(generator(seed, "drift"), HEAD_BANDS + FACE_BANDS)
        self._breath = Breath(seed)
        self._ready: list[tuple[list[float], float]] = []
        self._made = 0

    def push(self, face: Float32, voice: Float32, mood: Float32 | None = None) -> Float32:
        """Bring the next curve frames to life.

        Args:
            face: (T, 52) ARKit weights in [0, 1], shaped.
            voice: (T, 2) activity and stress of the same curve frames, see `rhapsode.face.voice`.
            mood: (T, 6) of the same curve frames with the columns of `rhapsode.face.life.mood.MOOD`; None is
                an even one.

        Returns:
            (T, 61) float32 in the order of `rhapsode.rigs.FACE`: weights in [0, 1], angles in radians.

        Raises:
            RigError: the shapes do not fit.

        """
        weights, heard = np.asarray(face, np.float32), np.asarray(voice, np.float32)
        if weights.ndim != 2 or weights.shape[1] != _WIDTH or heard.shape != (len(weights), WIDTH):
            raise RigError(
                f"life needs a face (T, {_WIDTH}) and a voice (T, {WIDTH}), "
                f"got {weights.shape} and {heard.shape}"
            )
        made = np.empty((len(weights), len(FACE)), np.float32)
        for begin in range(0, len(weights), _BLOCK):
            part = slice(begin, min(begin + _BLOCK, len(weights)))
            felt = [EVEN] * len(weights[part]) if mood is None else mood[part].tolist()
            rows = zip(weights[part].tolist(), heard[part].tolist(), felt, strict=True)
            made[part] = [self._frame(*row) for row in rows]
        kept = made[:, :_WIDTH]
        np.minimum(np.maximum(kept, 0.0, out=kept), 1.0, out=kept)
        return made

    def _slow(self) -> tuple[list[float], float]:
        """Return the next curve frame's noise and breath; both are functions of time, made in blocks."""
        place = self._made % _SLOW_BLOCK
        if not place:
            noise = self._drift.values(self._made, _SLOW_BLOCK).tolist()
            breath = self._breath.values(np.arange(self._made, self._made + _SLOW_BLOCK) * DT).tolist()
            self._ready = list(zip(noise, breath, strict=True))
        self._made += 1
        return self._ready[place]

    def _frame(self, row: list[float], voice: list[float], mood: Sequence[float]) -> list[float]:
        """Return the 61 channels of one curve frame."""
        noise, breath = self._slow()
        accents, gaze, head = self._accents, self._gaze, self._head
        accents.step(*voice)
        gaze.step(accents)
        head.step(accents, gaze, noise, (mood[2], mood[3], mood[4]))
        lids = self._blinks.step(accents, gaze.glance, mood[1])
        self._expression.step(row, accents, noise, 1.0 - mood[0])
        # The head rises a little as the chest fills.
        pitch = head.pitch + 0.008 * self.life.breathing * (0.4 - breath)
        angles = [head.yaw, pitch, head.roll, *self._eyes(row, head.yaw, pitch, mood[5])]
        _close(row, _LEFT, lids[0])
        _close(row, _RIGHT, lids[1])
        return row + angles

    def _eyes(self, row: list[float], head_yaw: float, head_pitch: float, lowered: float) -> list[float]:
        """Turn the eyes; write their weights into ``row`` and return the six eye angles.

        The eyes counter the head, so that the gaze stays where it is.
        """
        amount, gaze = self.life.gaze, self._gaze
        angles = []
        for eye, outwards in ((_LEFT, -1.0), (_RIGHT, 1.0)):
            blink, down, inside, out, up, wide = eye
            yaw = outwards * YAW_PER_WEIGHT * (row[out] - row[inside])
            pitch = PITCH_PER_WEIGHT * (row[down] - row[up])
            if amount:
                yaw += gaze.yaw - head_yaw - outwards * VERGENCE
                pitch += gaze.pitch + lowered - head_pitch
                yaw = min(max(yaw, -_EYE_LIMITS[0]), _EYE_LIMITS[0])
                pitch = min(max(pitch, -_EYE_LIMITS[1]), _EYE_LIMITS[1])
                side, tilt = outwards * yaw / YAW_PER_WEIGHT, pitch / PITCH_PER_WEIGHT
                row[out], row[inside] = max(side, 0.0), max(-side, 0.0)
                row[down], row[up] = max(tilt, 0.0), max(-tilt, 0.0)
                # The lids follow the eyes up and down.
                row[blink] += (1.0 - row[blink]) * 0.32 * row[down]
                row[wide] += (1.0 - row[wide]) * 0.16 * row[up]
            angles += [yaw, pitch, 0.0]
        return angles


def _close(row: list[float], eye: list[int], lid: float) -> None:
    """Close one eye by ``lid`` on top of what the face does; a wide eye gives way."""
    if lid:
        blink, wide = eye[0], eye[-1]
        row[blink] += (1.0 - row[blink]) * lid
        row[wide] *= 1.0 - lid
