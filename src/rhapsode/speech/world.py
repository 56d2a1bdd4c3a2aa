"""What a voice sounds like by WORLD: pitch, spectral envelope, breath (extra ``timbre``: pyworld).

Morise, Yokomori and Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications" (2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import MissingExtraError, SpeechError
from rhapsode.performance import Float32

Float64 = NDArray[np.float64]

RATE = 24_000
"""The rate that is worked at, Hz."""

STEP_MS = 5.0
"""Between two looks at a sound."""

F0_HZ = (60.0, 600.0)
"""Lowest and highest pitch of a voice."""

LEAST_S = 4.0
"""So much voiced sound tells what a voice sounds like."""

BAND_HZ = (150.0, 7000.0)
"""What is compared of two voices; a recording may hold nothing above it."""

_QUIET_DB = 35.0


@dataclass(frozen=True, eq=False)
class Profile:
    """What a voice sounds like, averaged.

    Args:
        pitch: mean of the logarithm of its pitch in Hz.
        range: standard deviation of that.
        voiced: (bins,) mean logarithm of the power of voiced sound, its mean in `BAND_HZ` taken away.
        unvoiced: (bins,) of unvoiced sound.
        breath: (bins,) mean aperiodicity of voiced sound, in [0, 1].
        seconds: of voiced sound that it was measured on.

    """

    pitch: float
    range: float
    voiced: Float64
    unvoiced: Float64
    breath: Float64
    seconds: float


@dataclass(frozen=True, eq=False)
class Analysis:
    """A sound as WORLD sees it: (T,) pitch in Hz (0 where unvoiced), (T, bins) power and aperiodicity."""

    pitch: Float64
    power: Float64
    breath: Float64


def analyse(y: Float32) -> Analysis:
    """Return what (n,) samples at `RATE` hold.

    Raises:
        MissingExtraError: pyworld is not installed.

    """
    world = _world()
    x = np.ascontiguousarray(y, np.float64)
    rough, times = world.dio(x, RATE, f0_floor=F0_HZ[0], f0_ceil=F0_HZ[1], frame_period=STEP_MS)
    pitch = world.stonemask(x, rough, times, RATE)
    power = world.cheaptrick(x, pitch, times, RATE)
    return Analysis(pitch, power, world.d4c(x, pitch, times, RATE))


def synthesise(seen: Analysis, samples: int) -> Float32:
    """Return ``seen`` as sound, (samples,) at `RATE`."""
    y = _world().synthesize(
        np.ascontiguousarray(seen.pitch),
        np.ascontiguousarray(seen.power),
        np.ascontiguousarray(seen.breath),
        RATE,
        STEP_MS,
    )
    out = np.zeros(samples, np.float32)
    out[: min(samples, len(y))] = y[:samples]
    return out


def measure(y: Float32, *, least_s: float = LEAST_S) -> Profile:
    """Return what the voice of (n,) samples at `RATE` sounds like.

    Args:
        y: somebody who speaks, without music.
        least_s: so much of it must be voiced, seconds.

    Raises:
        MissingExtraError: pyworld is not installed.
        SpeechError: too little of a voice is in it.

    """
    seen = analyse(y)
    loud = 10 * np.log10(seen.power.mean(axis=1) + 1e-16)
    sounding = loud > np.percentile(loud, 95) - _QUIET_DB
    voiced = sounding & (seen.pitch > 0)
    unvoiced = sounding & (seen.pitch <= 0)
    seconds = float(voiced.sum()) * STEP_MS / 1000
    if seconds < least_s:
        raise SpeechError(
            f"a voice is measured on {least_s:g} s of voiced speech at the least, got {seconds:.1f} s; "
            "give about a minute of one person who speaks, without music"
        )
    pitch = np.log(seen.pitch[voiced])
    middle = np.median(pitch)
    steady = np.abs(pitch - middle) < np.log(1.8)  # what is farther off is an octave that was missed
    shape = np.log(seen.power + 1e-16)
    shape -= shape[:, in_band(shape.shape[1])].mean(axis=1, keepdims=True)
    few = unvoiced if unvoiced.sum() > 50 else voiced
    return Profile(
        float(pitch[steady].mean()),
        max(float(pitch[steady].std()), 0.02),
        shape[voiced].mean(axis=0),
        shape[few].mean(axis=0),
        seen.breath[voiced].mean(axis=0),
        seconds,
    )


def in_band(bins: int) -> slice:
    """Return which of ``bins`` lie in `BAND_HZ`."""
    low, high = (round(hz / (RATE / 2) * (bins - 1)) for hz in BAND_HZ)
    return slice(low, high + 1)


@cache
def _world() -> Any:
    """Return pyworld's compiled module: its package asks for setuptools, which nothing here needs."""
    found = find_spec("pyworld")
    for folder in (found.submodule_search_locations or []) if found else []:
        for file in sorted(Path(folder).glob("pyworld.*")):
            if file.suffix in (".so", ".pyd"):
                spec = spec_from_file_location("pyworld.pyworld", file)
                if spec is not None and spec.loader is not None:
                    module = module_from_spec(spec)
                    spec.loader.exec_module(module)
                    return module
    raise MissingExtraError("pyworld", "timbre")
