"""Is a take good enough to learn from? Level, clipping, noise, and words cut off, told at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rhapsode.audio.meter import FLOOR_DBFS, dbfs
from rhapsode.performance import Float32

QUIET_DBFS = -36.0
"""Speech below this level is too quiet."""

LEAST_SNR_DB = 20.0
"""Speech must stand this far above the noise of the room."""

UNHEARD_SNR_DB = 9.0
"""Below this nobody spoke."""

CLIPPED_AT = 0.999
_CLIPPED_RUN = 3
_FRAME_S = 0.02
_ACTIVE_BELOW_PEAK_DB = 25.0
_NOISE_PERCENTILE = 10
_EDGE_S = 0.06
_EDGE_BELOW_SPEECH_DB = 15.0


@dataclass(frozen=True)
class Problem:
    """What is wrong with a take: a code for files, and a sentence with its remedy for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Check:
    """What was measured of a take.

    Args:
        level_dbfs: RMS of the speech in it, dB relative to full scale.
        peak_dbfs: the largest sample, dB.
        noise_dbfs: RMS of its quietest tenth, dB.
        clipped: samples at full scale that stand in runs.
        problems: what is wrong, the gravest first.

    """

    level_dbfs: float
    peak_dbfs: float
    noise_dbfs: float
    clipped: int
    problems: tuple[Problem, ...] = ()

    @property
    def snr_db(self) -> float:
        """How far the speech stands above the noise, dB."""
        return self.level_dbfs - self.noise_dbfs


def check(samples: Float32, sample_rate: int, *, lost: int = 0) -> Check:
    """Measure a take and name its problems.

    Args:
        samples: (n,) float32 in [-1, 1], with a moment of the room before and behind the speech.
        sample_rate: Hz.
        lost: how often the device dropped samples during the take.

    """
    frames = frames_db(samples, sample_rate)
    peak = dbfs(float(np.abs(samples).max(initial=0.0)))
    loudest = float(frames.max(initial=FLOOR_DBFS))
    level = _mean_db(frames[frames >= loudest - _ACTIVE_BELOW_PEAK_DB])
    noise = float(np.percentile(frames, _NOISE_PERCENTILE)) if len(frames) else FLOOR_DBFS
    measured = Check(level, peak, noise, _clipped(samples))
    edge = max(round(_EDGE_S / _FRAME_S), 1)
    edges = _mean_db(frames[:edge]), _mean_db(frames[-edge:])
    return Check(level, peak, noise, measured.clipped, tuple(_problems(measured, edges, lost)))


def _problems(one: Check, edges: tuple[float, float], lost: int) -> list[Problem]:
    if one.level_dbfs <= -70 or one.snr_db < UNHEARD_SNR_DB:
        heard = f"nothing is heard: the loudest part is {one.snr_db:.0f} dB above the rest"
        return [Problem("unheard", f"{heard}; speak up, or choose the microphone with --device")]
    found = []
    if lost:
        found.append(
            Problem("lost", f"the device dropped sound {lost} times; close other programs and say it again")
        )
    if one.clipped:
        found.append(
            Problem("clipped", f"{one.clipped} samples are clipped; turn the gain down or step back")
        )
    if one.level_dbfs < QUIET_DBFS:
        level = f"too quiet: {one.level_dbfs:.0f} dBFS, wanted {QUIET_DBFS:.0f} or more"
        found.append(Problem("quiet", f"{level}; turn the gain up or come closer"))
    if one.snr_db < LEAST_SNR_DB:
        noise = f"noisy: speech is {one.snr_db:.0f} dB above the room, wanted {LEAST_SNR_DB:.0f} or more"
        found.append(Problem("noisy", f"{noise}; silence fans, close windows, come closer"))
    for edge, code, text in (
        (edges[0], "cut-start", "speech begins before the recording does; wait until the count is over"),
        (edges[1], "cut-end", "speech goes on to the very end; press the key a moment after the last word"),
    ):
        if edge > one.level_dbfs - _EDGE_BELOW_SPEECH_DB:
            found.append(Problem(code, text))
    return found


def clap_at(samples: Float32, sample_rate: int) -> float | None:
    """Return when a clap is heard, in seconds from the start of ``samples``; None without one.

    A clap is the steepest rise of level within 10 ms; it counts if it rises by 20 dB at least.

    Args:
        samples: (n,) float32.
        sample_rate: Hz.

    """
    step = max(sample_rate // 500, 1)
    count = len(samples) // step
    if count < 12:
        return None
    power = np.square(samples[: count * step].reshape(count, step), dtype=np.float64).mean(axis=1)
    level = 10 * np.log10(power + 1e-10)
    before = np.array([level[max(k - 10, 0) : k].mean() for k in range(5, count)])
    rise = level[5:] - before
    # A clap's first 2 ms may hold little of it: the loudest of the steep frames is what was meant.
    steep = np.flatnonzero(rise >= 20.0)
    if not len(steep):
        return None
    loudest = int(steep[np.argmax(level[5:][steep])]) + 5
    first = loudest
    while first > 5 and level[first - 1] > before[loudest - 5] + 10.0:
        first -= 1
    return first * step / sample_rate


def frames_db(samples: Float32, sample_rate: int) -> NDArray[np.float64]:
    """Return the level of every whole 20 ms of ``samples``, dB relative to full scale."""
    size = max(round(_FRAME_S * sample_rate), 1)
    whole = len(samples) // size * size
    power = np.square(samples[:whole].reshape(-1, size), dtype=np.float64).mean(axis=1)
    return np.asarray(np.maximum(10 * np.log10(power + 1e-30), FLOOR_DBFS), np.float64)


def _mean_db(frames: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (frames / 10)))) if len(frames) else FLOOR_DBFS


def _clipped(samples: Float32) -> int:
    """Return how many samples stand at full scale, three or more in a row; a lone peak is no clipping."""
    full = np.concatenate([[0], (np.abs(samples) >= CLIPPED_AT).astype(np.int8), [0]])
    edges = np.diff(full)
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(runs[runs >= _CLIPPED_RUN].sum())
