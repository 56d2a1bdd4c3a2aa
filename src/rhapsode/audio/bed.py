"""A background under a voice: a file that loops without a seam, at a level that follows the voice.

bed = Bed.from_file("rain.flac", 24_000, db=-24)
mixed = bed.mix(samples, start)
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from rhapsode.audio.decode import SoundFile
from rhapsode.audio.levels import downmix
from rhapsode.audio.resample import Resampler
from rhapsode.errors import AudioError, SettingError
from rhapsode.performance import Float32

LONGEST_S = 600.0
"""Of a longer file only the beginning is used."""

SHORTEST_S = 1.0
"""A shorter loop is a buzz."""

CROSS_S = 1.0
"""How long the end of the loop and its beginning are heard together; at most a quarter of it."""

FADE_S = 0.3
"""How long it takes to come, and at most to go."""

KNEE = 0.85
"""Up to here the mix is left as it is; above it is bent towards 1, which it never reaches."""

VOICE_DB = -22.0
"""How loud a voice is taken to be until it was heard, decibels of full scale."""

_FOLLOW_S = 3.0
_QUIET = 10 ** (-45 / 20)


class Bed:
    """Lays a loop under a voice.

    The loop runs by the position of the sound, so it goes on as if it had never stopped.

    Args:
        loop: (n,) float32, as `seamless` makes it.
        sample_rate: of the loop and of what it is mixed with, Hz.
        db: its level against the voice, decibels.
        always: whether it goes on while nobody speaks, see `rhapsode.audio.underlay`.

    Raises:
        AudioError: the loop is too short or silent.
        SettingError: the level is out of range.

    Attributes:
        always: whether it goes on while nobody speaks.

    """

    def __init__(self, loop: Float32, sample_rate: int, *, db: float = -24.0, always: bool = False) -> None:
        if not -60 <= db <= 0:
            raise SettingError(f"a background's level must lie in [-60, 0] decibels, got {db:g}; try -24")
        level = float(np.sqrt(np.mean(np.square(loop)))) if len(loop) else 0.0
        if len(loop) < SHORTEST_S * sample_rate / 2 or level < 1e-5:
            raise AudioError(
                f"a background must sound for {SHORTEST_S:g} s at the least, "
                f"got {len(loop) / sample_rate:.2f} s at {20 * np.log10(level + 1e-9):.0f} dB; "
                "use another file"
            )
        self._loop = np.asarray(loop / level, np.float32)
        self._rate, self._under = sample_rate, 10 ** (db / 20)
        self._voice = 10 ** (VOICE_DB / 20)
        self._fade = 0.0
        self._of: int | None = None
        self.always = always

    @classmethod
    def from_file(cls, path: str | Path, sample_rate: int, *, db: float = -24.0, always: bool = False) -> Bed:
        """Return the bed that the file at ``path`` is.

        Raises:
            AudioError: it cannot be read, or is too short or silent.
            SettingError: the level is out of range.

        """
        file = Path(path).expanduser()
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:
            stamp = 0  # reading it tells what is wrong
        return cls(_read(file, sample_rate, stamp), sample_rate, db=db, always=always)

    @property
    def sample_rate(self) -> int:
        """Of the loop, Hz."""
        return self._rate

    @property
    def samples(self) -> int:
        """Length of the loop."""
        return len(self._loop)

    @property
    def seconds(self) -> float:
        """Length of the loop."""
        return len(self._loop) / self._rate

    @property
    def peak(self) -> float:
        """Greatest size in the loop, whose root mean square is 1."""
        return float(np.abs(self._loop).max())

    @property
    def level(self) -> float:
        """Its root mean square under the voice as that was heard so far."""
        return self._voice * self._under

    def follow(self, voice: Float32) -> None:
        """Take notice of the next sound of the voice, (n,): the level follows it."""
        loud = voice[np.abs(voice) > _QUIET]
        if len(loud):
            part = min(len(loud) / (_FOLLOW_S * self._rate), 0.5)
            self._voice += part * (float(np.sqrt(np.mean(np.square(loud)))) - self._voice)

    def at(self, start: int, count: int) -> Float32:
        """Return ``count`` samples of the loop from the place ``start`` on; their root mean square is 1."""
        return np.asarray(self._loop[np.arange(start, start + count) % len(self._loop)], np.float32)

    def mix(self, voice: Float32, start: int, *, of: int = 0, last: bool = False) -> Float32:
        """Return ``voice`` with the loop under it, (n,) within (-1, 1).

        Args:
            voice: (n,) float32, the next sound.
            start: its place in samples, which decides what part of the loop is heard.
            of: number of what is spoken; where it is new the loop comes in softly.
            last: whether nothing follows: the loop goes out softly.

        """
        if of != self._of:
            self._of, self._fade = of, 0.0
        n = len(voice)
        if not n:
            return voice
        before = self._voice
        self.follow(voice)
        gain = np.linspace(before, self._voice, n, dtype=np.float32) * np.float32(self._under)
        steps = np.arange(1, n + 1, dtype=np.float32) / np.float32(FADE_S * self._rate)
        fade = np.minimum(self._fade + steps, 1)
        self._fade = float(fade[-1])
        if last:
            fade = np.minimum(
                fade, np.arange(n - 1, -1, -1, dtype=np.float32) / max(min(n, FADE_S * self._rate), 1)
            )
        return limited(voice + self.at(start, n) * gain * np.square(np.sin(np.pi / 2 * fade)))


def limited(y: Float32) -> Float32:
    """Return ``y`` with what is above `KNEE` bent softly, so that nothing reaches 1."""
    size = np.abs(y)
    over = size > KNEE
    if not over.any():
        return np.asarray(y, np.float32)
    bent = KNEE + (1 - KNEE) * np.tanh((size[over] - KNEE) / (1 - KNEE)) * np.float32(0.999)
    out = np.array(y, np.float32)
    out[over] = np.copysign(bent, y[over])
    return out


def seamless(y: Float32, sample_rate: int) -> Float32:
    """Return a loop made of ``y``, (n,): its end and its beginning are crossfaded at equal power."""
    cross = min(round(CROSS_S * sample_rate), len(y) // 4)
    if not cross:
        return y
    turn = np.linspace(0, np.pi / 2, cross, dtype=np.float32)
    body = y[:-cross].copy()
    body[:cross] = body[:cross] * np.sin(turn) + y[-cross:] * np.cos(turn)
    return body


@lru_cache(maxsize=4)
def _read(path: Path, sample_rate: int, stamp: int) -> Float32:
    file = SoundFile(path)
    resampler = Resampler(file.sample_rate, sample_rate)
    parts, seconds = [], 0.0
    for block in file.blocks():
        parts.append(resampler.push(downmix(block)))
        seconds += len(block) / file.sample_rate
        if seconds >= LONGEST_S:
            break
    loop = seamless(np.concatenate([*parts, resampler.finish()]), sample_rate)
    loop.setflags(write=False)
    return loop
