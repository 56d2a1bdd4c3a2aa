"""How a face follows filmed speakers where sound and picture are apart by a time of each clip's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rhapsode.evaluate.conditions import Condition
from rhapsode.evaluate.faces import Face, energy_mouth
from rhapsode.evaluate.material import FilmedTake
from rhapsode.evaluate.measures import correlation, jitter
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import lip_gap
from rhapsode.train.takes import speech_mask

LAGS_MS = range(-250, 251, 10)
"""Where the lag of a clip is looked for; positive: the face and the sound it hears come after the picture."""

Moved = tuple[Float32, NDArray[np.float64], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class _Clip:
    """A clip and what a face makes of its sound: curves at 50 Hz by what they are compared with."""

    made: dict[str, Float32]
    true: dict[str, NDArray[np.float64]]
    spoken: Float32
    fps: float

    def moved(self, what: str, lag_ms: float) -> Moved:
        """Return made, true, and where it is spoken, at the video frames that the moved sound covers."""
        true, made = self.true[what], self.made[what]
        at = (np.arange(len(true)) / self.fps + lag_ms / 1000) * CURVE_HZ
        seen = (at >= 0) & (at <= len(made) - 1)
        grid = np.arange(len(made))
        talk = np.interp(at[seen], grid, self.spoken) > 0.5
        return as_float32(np.interp(at[seen], grid, made)), true[seen], talk

    def lag_ms(self) -> float:
        """Return the lag at which the lips follow best."""
        scores = [correlation(m, as_float32(t)) for m, t, _ in (self.moved("opening", at) for at in LAGS_MS)]
        return LAGS_MS[int(np.argmax(np.nan_to_num(scores, nan=-1.0)))]


def followed_clips(
    takes: Sequence[FilmedTake], face: Face, *, condition: Condition | None = None
) -> dict[str, float]:
    """Return how well a face follows clips whose sound and picture are apart.

    Each clip's own mean is taken off both curves before all are put end to end: where a head is held moves
    its distances. "at_lag" is with each clip at the lag where this face's lips' distance follows best, the
    same for lips, jaw and chin; "at_energy_lag" with each clip at the lag that the energy mouth finds in the
    same way, which this face had no part in choosing.

    Args:
        takes: of one speaker.
        face: what is measured.
        condition: how the sound reaches the face; the energy mouth finds its lags on the sound as it is.

    Returns:
        The numbers of docs/measures.md, "Unseen real speaker, video", by name.

    """
    clips = [_clip(take, face(condition(take.y) if condition else take.y)) for take in takes]
    own = [clip.lag_ms() for clip in clips]
    by_energy = [_clip(take, energy_mouth(take.y)).lag_ms() for take in takes]
    found: dict[str, float] = {"takes": len(takes)}
    for what in clips[0].true:
        for name, lags in (("", [0.0] * len(clips)), ("_at_lag", own), ("_at_energy_lag", by_energy)):
            key = f"{what}_correlation"
            found[f"{key}{name}"] = _pooled([c.moved(what, lag) for c, lag in zip(clips, lags, strict=True)])
            found[f"{key}_speech{name}"] = _pooled(
                [c.moved(what, lag) for c, lag in zip(clips, lags, strict=True)], speech=True
            )
    found["jaw_lag_ms"] = found["opening_lag_ms"] = float(np.mean(own))
    for take, lag, energy in zip(takes, own, by_energy, strict=True):
        found[f"lag_ms_{take.path.stem}"], found[f"energy_lag_ms_{take.path.stem}"] = lag, energy
    jaws = [clip.made["jaw"] for clip in clips]
    found["jaw_p95"] = float(np.percentile(np.concatenate(jaws), 95))
    found["jitter"] = float(np.mean([jitter(jaw) for jaw in jaws]))
    return found


def _clip(take: FilmedTake, frames: Float32) -> _Clip:
    jaw = frames[:, ARKIT.index("jawOpen")]
    made, true = {"jaw": jaw, "opening": np.maximum(lip_gap(frames), 0)}, {"jaw": take.jaw}
    true["opening"] = take.opening
    if take.chin is not None:
        made["chin"], true["chin"] = jaw, take.chin
    return _Clip(made, true, speech_mask(take.y, len(frames), before_s=0, after_s=0), take.fps)


def _pooled(moved: Sequence[Moved], *, speech: bool = False) -> float:
    """Return the correlation of all clips put end to end, each without its mean."""

    def centred(which: int) -> Iterator[NDArray[np.float64]]:
        for one in moved:
            values = np.asarray(one[which], np.float64)[one[2] if speech else slice(None)]
            if len(values):
                yield values - values.mean()

    made, true = (as_float32(np.concatenate(list(centred(which)))) for which in (0, 1))
    return correlation(made, true)
