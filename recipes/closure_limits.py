"""Choose how sure an engine must be of touching lips for them to close, in silence and in noise.

    python -m recipes.closure_limits DATA CORPUS --engine live --engine studio

Plays the development voices of recipes/face.py, which no training hears alone, through the whole face for a
row of limits, and prints recall of p, b, m / vowels that close wrongly, with the limits that hold the latter
at 4 %. Limits do not rise with noise while they are swept: how many times higher than the shipped ones those
that hold are, at the peaks above the noise floor that the engine hears, is what the manifest's noise should
say. Beside it what it says, and the limits that ship, as they rise. They stand in rhapsode/train/styles.py
and recipes/face_audio2exp.py. In silence those that hold are the least that can be right, no more: mixtures
with these voices are learned, and wrong closures are rarer in them than in unheard ones. About two minutes an
engine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from recipes.face import DEVELOPMENT

from rhapsode.evaluate.articulation import Spoken
from rhapsode.evaluate.conditions import Condition, conditions
from rhapsode.evaluate.operating import FALSE, Point, curve, low_at
from rhapsode.face.contacts import Closure
from rhapsode.face.features_level import PER_ROW_DB, EngineFeatures
from rhapsode.face.manifests import find
from rhapsode.train.spoken import NATURAL, utterances

HEARD = ("clean", "20_db", "10_db")
LOWS = (0.03, 0.05, 0.08, 0.11, 0.14, 0.17, 0.21, 0.26, 0.32, 0.4, 0.5)


def headroom_db(spoken: Sequence[Spoken], condition: Condition) -> float:
    """Return the peaks above the noise floor that an engine hears, the median over all curve frames."""
    rows = []
    for utterance in spoken:
        features = EngineFeatures()
        rows += [features.push(condition(utterance.sound())), features.finish(0)]
    return float(np.median(np.concatenate(rows)[:, -1]) * PER_ROW_DB)


def told(point: Point) -> str:
    """Return a point as recall / false closure."""
    return f"{point['closed']:.2f} / {point['vowels_closed']:.3f}"


def measure(engine: str, spoken: Sequence[Spoken], lows: Sequence[float]) -> None:
    closure = Closure.of(json.loads(find(engine).read_text("utf-8"))["closure"])
    times = closure.high / closure.low
    print(f"\n{engine}: lips are closed at {times:.2f} times the certainty at which they begin to")
    levels, rise = zip(*(closure.noise or [(0.0, 1.0)]), strict=True)
    for name in HEARD:
        heard = conditions([])[name]
        points = curve(engine, spoken, condition=heard, limits=lows, times=times, noise=False)
        low = low_at(points)
        (shipped,) = curve(engine, spoken, condition=heard, limits=(closure.low,), times=times)
        peaks_db = headroom_db(spoken, heard)
        print(f"{name}, peaks {peaks_db:.0f} dB above the floor")
        for point in points:
            print(f"  {point['low']:.2f} to {point['high']:.2f}: {told(point)}")
        print(
            f"  {low:.2f} to {low * times:.2f} hold {FALSE}: {low / closure.low:.2f} times the shipped ones"
        )
        risen = np.interp(peaks_db, levels, rise)
        print(
            f"  shipped, {closure.low} to {closure.high}, {risen:.2f} times here: {told(shipped)}", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--engine", action="append", help="a name or a manifest's path; may be repeated")
    parser.add_argument("--low", type=float, action="append", help="certainty; may be repeated")
    options = parser.parse_args()
    spoken = [
        utterance
        for shard, utterance in utterances(options.corpus, options.data, split="train")
        if shard != NATURAL and utterance.voice in DEVELOPMENT
    ]
    minutes = sum(len(utterance.sound()) for utterance in spoken) / 960_000
    print(f"{len(spoken)} utterances of {', '.join(sorted(DEVELOPMENT))}, {minutes:.1f} minutes")
    for engine in options.engine or ("live", "studio"):
        measure(engine, spoken, options.low or LOWS)


if __name__ == "__main__":
    main()
