"""How speech reaches a listener: noise, other voices, a telephone, a codec. None moves the sound in time.

What a condition does to a sound is the same every time, so that numbers can be compared.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.train.channels import coded

Condition = Callable[[Float32], Float32]
"""A sound at 16 kHz in, (N,); the same sound as it is heard out, (N,)."""

TELEPHONE_HZ = 8_000
VOICE_BAND_HZ = (300.0, 3_400.0)
OPUS_BIT_RATE = 8_000
"""Bits a second: a poor connection."""


def speech_power(y: Float32) -> float:
    """Return the root mean square of the samples of ``y`` that lie above a fiftieth of its peak."""
    loud = np.abs(y) > 0.02 * np.abs(y).max(initial=0)
    return float(np.sqrt((y[loud].astype(np.float64) ** 2).mean())) if loud.any() else 0.0


def falling_noise(count: int, *, seed: int = 0, slope_db: float = 3.0) -> Float32:
    """Return (count,) noise of unit power that falls by ``slope_db`` per octave above 100 Hz."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hz = np.linspace(0, CLOCK_HZ / 2, len(spectrum))
    noise = np.fft.irfft(spectrum * np.maximum(hz / 100, 1) ** (-slope_db / 6.02), count)
    return as_float32(noise / (noise.std() + 1e-9))


def in_noise(y: Float32, snr_db: float, *, seed: int = 0) -> Float32:
    """Return ``y`` with noise that falls by 3 dB per octave, ``snr_db`` below the spoken part's power."""
    return as_float32(y + speech_power(y) * 10 ** (-snr_db / 20) * falling_noise(len(y), seed=seed))


def babble(voices: list[Float32], *, snr_db: float = 10.0, talkers: int = 4) -> Condition:
    """Return the condition in which ``talkers`` others speak at once, ``snr_db`` below the speaker.

    Args:
        voices: sounds of the others.
        snr_db: level of the speaker over all others together.
        talkers: how many.

    """

    def heard(y: Float32) -> Float32:
        mixed = np.zeros(len(y))
        for k in range(talkers):
            voice = voices[(len(y) + k * 7) % len(voices)]
            mixed += np.resize(np.roll(voice, k * CLOCK_HZ), len(y)) / (speech_power(voice) + 1e-9)
        level = speech_power(y) * 10 ** (-snr_db / 20) / (float(np.sqrt((mixed**2).mean())) + 1e-9)
        return as_float32(y + level * mixed)

    return heard


def telephone(y: Float32) -> Float32:
    """Return ``y`` as a telephone gives it: 300 to 3400 Hz at 8 kHz, 8 bits on the mu-law of ITU-T G.711."""
    peak = float(np.abs(y).max(initial=0)) + 1e-9
    narrow = soxr.resample(y / peak, CLOCK_HZ, TELEPHONE_HZ, "VHQ")
    spectrum = np.fft.rfft(narrow)
    hz = np.linspace(0, TELEPHONE_HZ / 2, len(spectrum))
    low, high = VOICE_BAND_HZ
    spectrum *= 1 / (1 + (low / np.maximum(hz, 1)) ** 8) / (1 + (hz / high) ** 24)
    band = np.clip(np.fft.irfft(spectrum, len(narrow)), -1, 1)
    code = np.round(np.sign(band) * np.log1p(255 * np.abs(band)) / np.log(256) * 127) / 127
    coarse = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    wide = soxr.resample(coarse * peak, TELEPHONE_HZ, CLOCK_HZ, "VHQ")
    made = np.zeros(len(y), np.float32)
    count = min(len(y), len(wide))
    made[:count] = wide[:count]
    return made


def opus(y: Float32, *, bit_rate: int = OPUS_BIT_RATE) -> Float32:
    """Return ``y`` after Opus at ``bit_rate`` bits a second, moved back by what the codec delays it.

    The delay is that of the greatest correlation with ``y``.
    """
    peak = max(float(np.abs(y).max(initial=0)), 1e-9)
    heard = coded(as_float32(y * (0.9 / peak)), "libopus", "ogg", bit_rate)
    return as_float32(heard * np.float32(peak / 0.9))


def clean(y: Float32) -> Float32:
    """Return ``y``."""
    return y


def conditions(voices: list[Float32]) -> dict[str, Condition]:
    """Return every condition by name.

    Args:
        voices: who babbles; without any there is no babble.

    """
    found: dict[str, Condition] = {"clean": clean}
    for snr_db in (20, 10, 0):
        found[f"{snr_db}_db"] = _noisy(snr_db)
    if voices:
        found["babble"] = babble(voices)
    return found | {"telephone": telephone, "opus": opus}


def _noisy(snr_db: float) -> Condition:
    return lambda y: in_noise(y, snr_db)


CONDITIONS = ("clean", "20_db", "10_db", "0_db", "babble", "telephone", "opus")
"""Names of `conditions`."""
