"""Voice conversion of sound that comes in pieces: as many samples, without a seam between two of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rhapsode.audio.resample import resample
from rhapsode.errors import SpeechError
from rhapsode.performance import Float32, Sound, Words
from rhapsode.speech.timbre import Timbre
from rhapsode.speech.voice import Speech
from rhapsode.speech.world import RATE, Profile, measure

CONTEXT_S = 0.3
"""So much of what came before is converted again with every piece, unheard."""

HELD_S = 0.03
"""The end of a piece is held back and crossed with the beginning of the next."""

LEAST_S, MOST_S = 0.8, 20.0
"""So much voiced sound tells for now what a voice sounds like; it is measured anew until so much came."""

_ANEW = 1.5


class ConvertedStream:
    """Converts consecutive sound of one voice.

    Args:
        convert: says a piece in another voice, see `rhapsode.speech.conversion.Converter`.
        sample_rate: Hz.

    """

    def __init__(self, convert: Callable[[Speech], Speech], sample_rate: int) -> None:
        self._convert, self._rate = convert, sample_rate
        self._before: Float32 = np.zeros(0, np.float32)
        self._rest: Float32 = np.zeros(0, np.float32)  # came in and was not given out
        self._made: Float32 = np.zeros(0, np.float32)  # the same, converted

    def push(self, y: Float32, *, last: bool = False) -> Float32:
        """Take the next sound, (n,); return what is ready, all of it where it is the ``last``."""
        come = np.concatenate([self._rest, y])
        held = 0 if last else round(HELD_S * self._rate)
        if len(come) <= held or not len(come):
            self._rest = come
            return np.zeros(0, np.float32)
        joined = np.concatenate([self._before, come])
        sound = Sound(joined[:, None], self._rate)
        made = self._convert(Speech(sound, Words())).sound.mono()[len(self._before) :].copy()
        n = min(len(self._made), len(made))
        share = np.linspace(0, 1, n, dtype=np.float32)
        made[:n] = self._made[:n] * (1 - share) + made[:n] * share
        ready = len(come) - held
        self._rest, self._made = come[ready:], made[ready:]
        self._before = np.concatenate([self._before, come[:ready]])[-round(CONTEXT_S * self._rate) :]
        return np.asarray(made[:ready], np.float32)


class Learning:
    """A converter for a voice that can be heard but not asked: it is measured on what it says.

    Args:
        timbre: that is taken on.

    """

    def __init__(self, timbre: Timbre) -> None:
        self._timbre = timbre
        self._parts: list[Float32] = []
        self._seconds = self._measured_s = 0.0
        self.profile: Profile | None = None

    def hear(self, y: Float32, sample_rate: int) -> None:
        """Take what the voice says next, (n,) at ``sample_rate`` Hz.

        Raises:
            MissingExtraError: pyworld is not installed.

        """
        if self._seconds > MOST_S:
            return
        self._parts.append(resample(y, sample_rate, RATE))
        self._seconds += len(y) / sample_rate
        if self._seconds < _ANEW * self._measured_s:
            return
        try:
            self.profile = measure(np.concatenate(self._parts), least_s=LEAST_S)
        except SpeechError:
            return
        self._measured_s = self._seconds

    def __call__(self, speech: Speech, /) -> Speech:
        """Return ``speech`` in the timbre; as it is as long as too little of the voice was heard."""
        return speech if self.profile is None else self._timbre.convert(speech, self.profile)
