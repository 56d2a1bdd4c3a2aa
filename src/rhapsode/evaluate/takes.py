"""Does the mouth move as real mouths did? Correlation of jaw and lips with takes of real faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rhapsode.evaluate.clips import followed_clips
from rhapsode.evaluate.conditions import Condition
from rhapsode.evaluate.faces import Face
from rhapsode.evaluate.material import FilmedTake
from rhapsode.evaluate.measures import jitter, lagged, pooled_correlation
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import lip_gap
from rhapsode.train.takes import speech_mask

REACHED = 95
"""Percentile by which the reach of two curves is compared."""


def followed(
    takes: Sequence[FilmedTake], face: Face, *, condition: Condition | None = None
) -> dict[str, float]:
    """Return how well a face follows real ones.

    Correlations are those of all takes put end to end, at the takes' own frame rate and as they are; "speech"
    counts only what is spoken; the lag is looked for at 50 Hz. Where sound and picture are apart by a time of
    each take's own, `rhapsode.evaluate.clips.followed_clips` measures.

    Args:
        takes: of one speaker.
        face: what is measured.
        condition: how the sound reaches the face.

    Returns:
        The numbers of docs/measures.md, "Real takes", by name.

    """
    if any(take.loose for take in takes):
        return followed_clips(takes, face, condition=condition)
    made: dict[str, list[Float32]] = {"jaw": [], "opening": []}
    spoken = []
    for take in takes:
        frames = face(condition(take.y) if condition else take.y)
        made["jaw"].append(frames[:, ARKIT.index("jawOpen")])
        made["opening"].append(np.maximum(lip_gap(frames), 0))
        spoken.append(speech_mask(take.y, len(frames), before_s=0, after_s=0) > 0.5)
    found: dict[str, float] = {"takes": len(takes)}
    for name, true in (("jaw", [t.jaw for t in takes]), ("opening", [t.opening for t in takes])):
        sampled = [_at(curve, take) for curve, take in zip(made[name], takes, strict=True)]
        talk = [_at(mask.astype(np.float32), take) > 0.5 for mask, take in zip(spoken, takes, strict=True)]
        fine = [
            _at_50_hz(values, take, len(m)) for values, take, m in zip(true, takes, made[name], strict=True)
        ]
        moved = lagged(made[name], fine)
        found |= {
            f"{name}_correlation": pooled_correlation(
                (m, as_float32(t)) for m, t in zip(sampled, true, strict=True)
            ),
            f"{name}_correlation_speech": pooled_correlation(
                (m[s], as_float32(t[s])) for m, t, s in zip(sampled, true, talk, strict=True)
            ),
            f"{name}_correlation_at_lag": moved.best,
            f"{name}_lag_ms": moved.late_s * 1000,
        }
    jaws = np.concatenate(made["jaw"])
    reach = float(np.percentile(np.concatenate([t.jaw for t in takes]), REACHED))
    found["jaw_p95"] = float(np.percentile(jaws, REACHED))
    found["jaw_reach"] = found["jaw_p95"] / max(reach, 1e-6)
    found["jitter"] = float(np.mean([jitter(curve) for curve in made["jaw"]]))
    return found


def _at(curve: Float32, take: FilmedTake) -> Float32:
    """Return a 50 Hz curve at the take's frames."""
    wanted = np.arange(len(take.jaw)) * (CURVE_HZ / take.fps)
    return as_float32(np.interp(wanted, np.arange(len(curve)), curve))


def _at_50_hz(values: NDArray[np.float64], take: FilmedTake, count: int) -> Float32:
    """Return a take's values at the first ``count`` curve frames."""
    wanted = np.arange(count) * (take.fps / CURVE_HZ)
    return as_float32(np.interp(wanted, np.arange(len(values)), values))
