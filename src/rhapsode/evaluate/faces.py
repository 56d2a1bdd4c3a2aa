"""What is measured: a sound at 16 kHz in, 52 ARKit weights at 50 Hz out, whoever makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.face.direction import Direction
from rhapsode.face.engine_frames import FaceEngine
from rhapsode.face.engines import load_engine
from rhapsode.face.life import Life
from rhapsode.face.manifests import find
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CLOCK_HZ, HOP, Curves, Float32, as_float32
from rhapsode.rigs import ARKIT

Face = Callable[[Float32], Float32]
"""A sound at 16 kHz in, (N,); (ceil(N / 320), 52) ARKit weights out."""


def face_of(direction: Direction, *, chunk: int = HOP) -> Face:
    """Return what a listener sees: engine and shaping, streamed, without idle life.

    Args:
        direction: how to play; its life is left out.
        chunk: samples that arrive at once.

    """
    still = replace(direction, life=Life.off())

    def face(y: Float32) -> Float32:
        stream = FaceStream(CLOCK_HZ, direction=still)
        made = [_arkit(stream.push(y[k : k + chunk])) for k in range(0, len(y), chunk)]
        return np.concatenate([*made, _arkit(stream.finish())])

    return face


def _arkit(curves: Curves) -> Float32:
    """Return the ARKit columns of face curves, (T, 52)."""
    if curves.names[: len(ARKIT)] == ARKIT.channels:
        return as_float32(curves.values[:, : len(ARKIT)])
    columns = [curves.names.index(name) for name in ARKIT.channels]
    return as_float32(curves.values[:, columns])


def raw_face(engine: FaceEngine, *, style: str | None = None, chunk: int = HOP) -> Face:
    """Return an engine alone, streamed, before shaping.

    Args:
        engine: loaded weights of any architecture.
        style: of the engine; None is its default.
        chunk: samples that arrive at once.

    """

    def face(y: Float32) -> Float32:
        stream = engine.stream(style=style)
        made = [weights_of(stream.push(y[k : k + chunk])) for k in range(0, len(y), chunk)]
        return np.concatenate([*made, weights_of(stream.finish())])

    return face


def weights_of(frames: Any) -> Float32:
    """Return the (T, 52) weights of an engine's answer, which may be more than weights."""
    return as_float32(getattr(frames, "weights", frames))


def energy_mouth(y: Float32) -> Float32:
    """Return the face of the simplest peer: the jaw follows the loudness, and nothing else moves.

    The level is taken over 40 ms that end with the curve frame, against a peak that falls by 3 dB a second.
    """
    count = -(-len(y) // HOP)
    padded = np.concatenate([np.zeros(HOP), y.astype(np.float64), np.zeros(count * HOP - len(y))])
    power = (padded.reshape(-1, HOP) ** 2).mean(axis=1)
    level = 10 * np.log10((power[1:] + power[:-1]) / 2 + 1e-10)
    jaw, peak = np.zeros(count), -40.0
    for k, now in enumerate(level):
        peak = max(now, peak - 3 * HOP / CLOCK_HZ, -60.0)
        jaw[k] = 0.45 * np.clip((now - peak + 30) / 30, 0, 1) ** 1.5
    frames = np.zeros((count, len(ARKIT)), np.float32)
    frames[:, ARKIT.index("jawOpen")] = jaw
    return frames


def measured_face(name: str | Path, *, raw: bool = False, style: str | None = None, chunk: int = HOP) -> Face:
    """Return the face of a shipped engine's name or a manifest's path.

    Args:
        name: such as "live".
        raw: before shaping.
        style: of the engine; needs ``raw``.
        chunk: samples that arrive at once.

    Raises:
        WeightsError: there is no such engine, or it fails its check.

    """
    if raw or style:
        return raw_face(load_engine(name), style=style, chunk=chunk)
    find(name)
    return face_of(Direction(weights=name), chunk=chunk)
