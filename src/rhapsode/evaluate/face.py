"""What a face engine is worth: the numbers of its model card, measured through the shipped weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.evaluate.articulation import articulation, unheard
from rhapsode.evaluate.closure import closure
from rhapsode.evaluate.measures import jitter, lag, leak, pooled_correlation, spread
from rhapsode.face.engine import Engine
from rhapsode.performance import CLOCK_HZ, HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.grid import truth
from rhapsode.train.takes import held_out, read_sound

GAINS_DB = (-40, -20, 12)


def streamed(engine: Engine, y: Float32, *, style: str | None = None, chunk: int = HOP) -> Float32:
    """Return the curve frames of ``y`` as a live listener gets them, (T, 52), in chunks of 20 ms."""
    stream = engine.stream(style=style)
    parts = [stream.push(y[k : k + chunk]) for k in range(0, len(y), chunk)]
    return np.concatenate([*parts, stream.finish()])


def jaw(frames: Float32) -> Float32:
    """Return the jawOpen column of (T, 52)."""
    return frames[:, ARKIT.index("jawOpen")]


def grid(engine: Engine, folder: Path, *, style: str | None = None) -> dict[str, float]:
    """Return correlation and lag of jawOpen over the held-out sentences of GRID s1.

    MediaPipe's 25 fps labels are compared with every second curve frame, nothing masked.
    """
    ids = [str(name) for name in np.load(folder / "curves.npz")["ids"]]
    pairs = []
    for name in held_out(ids):
        y, true = truth(folder, name)
        pairs.append((jaw(streamed(engine, y, style=style)), true))
    fine = [np.interp(np.arange(len(made)) / 2, np.arange(len(true)), true) for made, true in pairs]
    together = np.concatenate([made for made, _ in pairs])
    late = lag(together, as_float32(np.concatenate(fine)), most=10)
    score = pooled_correlation((made[::2], true) for made, true in pairs)
    return {"sentences": len(pairs), "jaw_correlation": score, "lag_ms": late * 20.0}


def rest(engine: Engine, *, duration_s: float = 10.0, style: str | None = None) -> dict[str, Any]:
    """Return how far the jaw opens in sounds that no mouth makes."""
    rng = np.random.default_rng(7)
    count = int(duration_s * CLOCK_HZ)
    t = np.arange(count) / CLOCK_HZ
    white = rng.standard_normal(count)
    brown = np.cumsum(white - white.mean())
    brown -= np.convolve(brown, np.ones(801) / 801, "same")
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5, 7))
    sounds = {
        "silence": np.zeros(count),
        "white_-50": white * 10 ** (-50 / 20),
        "white_-20": white * 10 ** (-20 / 20),
        "brown_-25": brown / brown.std() * 10 ** (-25 / 20),
        "hum_-20": hum / np.std(hum) * 10 ** (-20 / 20) + white * 1e-4,
    }
    return {name: leak(jaw(streamed(engine, as_float32(y), style=style))) for name, y in sounds.items()}


def gain_change(engine: Engine, y: Float32, *, style: str | None = None) -> dict[str, float]:
    """Return the greatest change of any weight when the sound's level changes, per gain in dB."""
    plain = streamed(engine, y, style=style)
    changed = {g: streamed(engine, as_float32(y * 10 ** (g / 20)), style=style) for g in GAINS_DB}
    return {f"{g:+d}_db": float(np.abs(frames - plain).max()) for g, frames in changed.items()}


def voices(engine: Engine, folder: Path, *, style: str | None = None) -> dict[str, Any]:
    """Return the range and the jitter of jawOpen on every recording below ``folder``."""
    found = {}
    for path in sorted(folder.rglob("*.flac")):
        curve = jaw(streamed(engine, read_sound(path), style=style))
        found[path.stem] = {**spread(curve), "jitter": jitter(curve)}
    return found


def speed(engine: Engine, *, duration_s: float = 20.0) -> dict[str, float]:
    """Return real-time factors on this machine, one thread: in chunks of 20 ms and at once."""
    y = as_float32(np.random.default_rng(1).standard_normal(int(duration_s * CLOCK_HZ)) * 0.05)
    best = {"stream": np.inf, "whole": np.inf}
    for _ in range(3):
        for name, chunk in (("stream", HOP), ("whole", len(y))):
            clock = time.perf_counter()
            streamed(engine, y, chunk=chunk)
            best[name] = min(best[name], (time.perf_counter() - clock) / duration_s)
    return best


def phones(engine: Engine, corpus: Path, data: Path, *, style: str | None = None) -> dict[str, Any]:
    """Return contacts and rounding on what no training hears, clean and with noise 20 dB below."""

    def face(y: Float32) -> Float32:
        return streamed(engine, y, style=style)

    return {
        name: {"clean": articulation(spoken, face), "20_db": articulation(spoken, face, snr_db=20)}
        for name, spoken in unheard(corpus, data).items()
    }


def report(
    engine: Engine, data: Path, *, corpus: Path | None = None, style: str | None = None
) -> dict[str, Any]:
    """Return every measure as one document.

    Args:
        engine: loaded weights.
        data: folder with grid_s1/ and speech/.
        corpus: what recipes/corpus makes; without it contacts are measured on the default voice only.
        style: of the engine; None is its default.

    """
    first = read_sound(min((data / "speech").rglob("*.flac")))
    heard = voices(engine, data / "speech", style=style)
    return {
        "engine": engine.manifest.name,
        "style": style or engine.manifest.default_style,
        "grid": grid(engine, data / "grid_s1", style=style),
        "rest_jaw": rest(engine, style=style),
        "gain_change": gain_change(engine, first, style=style),
        "unseen_jaw_p95": {name: round(values["p95"], 3) for name, values in heard.items()},
        "unseen_jaw_median_p95": float(np.median([values["p95"] for values in heard.values()])),
        "jitter": float(np.mean([values["jitter"] for values in heard.values()])),
        "closure": closure(engine, style=style),
        "phones": phones(engine, corpus, data, style=style) if corpus else {},
        "real_time_factor": speed(engine),
    }
