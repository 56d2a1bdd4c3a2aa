"""GRID s1: one English speaker, curves by MediaPipe at 25 fps, made fit to drive an avatar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32, as_float32
from rhapsode.train.takes import MOVES, Take, curve_count, read_sound, speech_mask, to_curve_rate

STYLE = 0

REACH = {
    "jawOpen": 0.62,
    "mouthFunnel": 0.35,
    "mouthPucker": 0.5,
    "mouthSmile": 0.25,
    "mouthFrown": 0.08,
    "mouthDimple": 0.15,
    "mouthStretch": 0.2,
    "mouthRollLower": 0.15,
    "mouthRollUpper": 0.25,
    "mouthShrugLower": 0.1,
    "mouthPress": 0.25,
    "mouthLowerDown": 0.4,
}
"""What the 99.5th percentile of a column becomes: MediaPipe under-reports most of them."""

MOST_GAIN = 15.0
CLOSED_GAP = 0.012
"""Inner lip distance, in eye-corner distances, below which the lips touch."""

GAP_PER_JAW = 0.22
"""Lip distance that a jaw weight of 1 (after `REACH`) opens at the least when the lips do not resist."""


def lip_gap(points: NDArray, index: list[int]) -> NDArray[np.float64]:
    """Return (T,) the inner lip distance in units of the eye-corner distance."""

    def at(landmark: int) -> NDArray[np.float64]:
        return np.asarray(points[:, index.index(landmark)], np.float64)

    scale = np.linalg.norm(at(33) - at(263), axis=1)
    return np.asarray(np.linalg.norm(at(13) - at(14), axis=1) / scale, np.float64)


def _columns(blendshapes: NDArray, names: list[str]) -> NDArray[np.float64]:
    halves = [
        np.mean([blendshapes[:, names.index(channel)] for channel in channels], axis=0, dtype=np.float64)
        for channels in MOVES.values()
    ]
    return np.stack(halves, axis=1)


def _calibrate(raw: NDArray[np.float64], gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the speaker's rest to 0 and stretch each column to its reach."""
    still = gap < np.percentile(gap, 35)
    labels = np.maximum(raw - np.median(raw[still], axis=0), 0)
    moves = list(MOVES)
    for name, reach in REACH.items():
        column = moves.index(name)
        top = max(float(np.percentile(labels[:, column], 99.5)), 1e-6)
        labels[:, column] = np.minimum(labels[:, column] * min(reach / top, MOST_GAIN), 1.5 * reach)
    jaw, down = labels[:, moves.index("jawOpen")], labels[:, moves.index("mouthLowerDown")]
    labels[:, moves.index("mouthUpperUp")] = 0.5 * down
    labels[:, moves.index("mouthClose")] = np.clip(jaw - gap / GAP_PER_JAW, 0, jaw)
    labels[:, moves.index("mouthShrugUpper")] = 0
    return np.clip(labels, 0, 1)


def load_grid(folder: Path) -> list[Take]:
    """Return every sentence of ``folder`` (audio/, curves.npz, landmarks.npz) as a take.

    The mouth is at rest further than 0.4 s before and 0.3 s after speech: what it does there is neither to
    be heard nor wanted of an avatar.
    """
    curves, landmarks = np.load(folder / "curves.npz"), np.load(folder / "landmarks.npz")
    fps = float(curves["fps"])
    raw = _columns(curves["blendshapes"].astype(np.float64), [str(n) for n in curves["names"]])
    gap = lip_gap(landmarks["points"], [int(k) for k in landmarks["mediapipe_index"]])
    seen = np.isfinite(raw).all(axis=1) & np.isfinite(gap)
    raw, gap = np.where(seen[:, None], raw, 0), np.where(seen, gap, 0)
    labels = _calibrate(raw, gap)
    ends = np.cumsum(curves["frames"])
    takes = []
    for name, begin, end in zip(curves["ids"], ends - curves["frames"], ends, strict=True):
        if seen[begin:end].all():
            y = read_sound(folder / "audio" / f"{name}.flac")
            takes.append(_take(str(name), y, labels[begin:end], gap[begin:end], fps))
    return takes


def _take(name: str, y: Float32, labels: NDArray, gap: NDArray, fps: float) -> Take:
    count = curve_count(y)
    mask = speech_mask(y, count, before_s=0.4, after_s=0.3)
    speaks = speech_mask(y, count, before_s=0.0, after_s=0.0)
    at_rate = to_curve_rate(np.column_stack([labels, gap]), fps, count)
    closed = np.where(speaks > 0.99, at_rate[:, -1] < CLOSED_GAP, np.nan)
    return Take(name, y, at_rate[:, :-1] * mask[:, None], as_float32(closed), STYLE)


def truth(folder: Path, name: str) -> tuple[Float32, Float32]:
    """Return one sentence's sound, (N,), and MediaPipe's own jawOpen, (T,) at 25 fps: what is measured."""
    curves = np.load(folder / "curves.npz")
    k = [str(n) for n in curves["ids"]].index(name)
    end = int(np.cumsum(curves["frames"])[k])
    column = [str(n) for n in curves["names"]].index("jawOpen")
    jaw = curves["blendshapes"][end - int(curves["frames"][k]) : end, column]
    return read_sound(folder / "audio" / f"{name}.flac"), as_float32(jaw)
