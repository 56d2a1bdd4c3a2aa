"""Another pitch for a finished voice: pitch-synchronous overlap-add, which keeps formants and times.

After Moulines and Charpentier, "Pitch-synchronous waveform processing techniques for text-to-speech
synthesis using diphones" (Speech Communication 9, 1990). For voices whose own synthesis takes no pitch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.audio.prosody import prosody
from rhapsode.audio.resample import resample
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32
from rhapsode.speech.manner import Delivery, melody

_SHORTEST_RUN = 3


def shift_pitch(samples: Float32, sample_rate: int, delivery: Delivery) -> Float32:
    """Return ``samples`` with its pitch shifted and spread; what is unvoiced stays as it is.

    Args:
        samples: (n,) one voice.
        sample_rate: Hz.
        delivery: its pitch and span are used.

    Returns:
        (n,) float32.

    """
    if (delivery.pitch, delivery.span) == (1.0, 1.0) or len(samples) < sample_rate // 20:
        return samples
    f0 = prosody(resample(samples, sample_rate, CLOCK_HZ))[:, 1]
    target = melody(f0, delivery)
    out = samples.astype(np.float64)
    for begin, end in _voiced_runs(f0):
        first, last = (round(k * sample_rate / CURVE_HZ) for k in (begin, end))
        _overlap_add(out, samples, f0[begin:end], target[begin:end], first, min(last, len(samples)))
    return np.asarray(np.clip(out, -1.0, 1.0), np.float32)


def _voiced_runs(f0: Float32) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], f0 > 0, [False]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= _SHORTEST_RUN]


def _overlap_add(
    out: NDArray[np.float64], y: Float32, f0: Float32, target: Float32, first: int, last: int
) -> None:
    """Replace ``out[first:last]``, a voiced run, by its grains at the new distances."""
    count = last - first
    grid = np.linspace(0, count, len(f0))
    at = np.arange(count)
    rate = count / len(f0) * CURVE_HZ
    period = rate / np.interp(at, grid, f0)
    wanted = rate / np.interp(at, grid, target)
    marks = _marks(y[first:last], period)
    if len(marks) < _SHORTEST_RUN:
        return
    made, weight = np.zeros(count), np.full(count, 1e-3)
    place = float(marks[0])
    while place < count:
        centre = int(marks[np.argmin(np.abs(marks - place))])
        half = int(period[min(centre, count - 1)])
        reach = np.arange(-half, half + 1)
        source, aim = centre + first + reach, round(place) + reach
        inside = (source >= 0) & (source < len(y)) & (aim >= 0) & (aim < count)
        window = 0.5 + 0.5 * np.cos(np.pi * reach[inside] / (half + 1))
        made[aim[inside]] += window * y[source[inside]]
        weight[aim[inside]] += window
        place += float(wanted[min(int(place), count - 1)])
    made /= np.maximum(weight, 0.3)
    ramp = min(int(period.mean()), count // 4)
    blend = np.clip(np.minimum(at, count - 1 - at) / max(ramp, 1), 0.0, 1.0)
    out[first:last] = blend * made + (1 - blend) * y[first:last]


def _marks(y: Float32, period: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return one sample a period, each at the largest peak near where it is expected."""
    side = 1.0 if y.max(initial=0.0) > -y.min(initial=0.0) else -1.0
    peaks = side * y
    begin = int(np.argmax(peaks[: int(period[0]) + 1]))
    found = [begin]
    while True:
        step = period[found[-1]]
        low, high = found[-1] + int(0.8 * step), found[-1] + int(1.2 * step) + 1
        if high >= len(y):
            return np.asarray(found, np.int64)
        found.append(low + int(np.argmax(peaks[low:high])))
