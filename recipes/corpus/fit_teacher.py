"""Fit the articulation teacher to GRID's landmarks; writes rhapsode/train/teacher/fitted.json.

    python recipes/corpus/fit_teacher.py FOLDER --data ../shared/data

Three distances are read off the landmarks, in cm on a head whose outer eye corners are 8.9 cm apart: the
inner lip gap, how far the chin is down (through the chin's effect of jawOpen it gives jaw weights), and
the mouth's width. For each, a search over the time constants and the dominance of each class of phones runs
around a bounded least-squares fit of the phones' targets, drawn towards the hand-written table. Fitted on
the training sentences, judged on 80 held-out ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
from scipy.optimize import lsq_linear, minimize

from rhapsode.rigs.lips import EFFECTS
from rhapsode.train.teacher.blend import Dynamics, Part, TimedPhone, mixing, parts
from rhapsode.train.teacher.loudness import loudness
from rhapsode.train.teacher.phones import REST, SHAPES

EYES_CM = 8.9
SEARCHED, HELD_OUT = 150, 80
HOLDS = ("rounded", "stop", "lip", "tip", "hiss", "shush", "back", "round", "free", "rest")
PRIOR_FRAMES = 40.0
"""Weight of the hand-written target, in video frames fully of the phone."""

ENOUGH_TOKENS = 35
OUTPUT = Path(__file__).parents[2] / "src/rhapsode/train/teacher/fitted.json"


class Grid:
    """Sentences with phones and measured distances."""

    def __init__(self, folder: Path, data: Path) -> None:
        marks = np.load(data / "grid_s1" / "landmarks.npz")
        points, index = marks["points"].astype(np.float64), [int(k) for k in marks["mediapipe_index"]]

        def apart(one: int, two: int) -> np.ndarray:
            return np.linalg.norm(points[:, index.index(one)] - points[:, index.index(two)], axis=1)

        scale = EYES_CM / apart(33, 263)
        gap, chin, width = apart(13, 14) * scale, apart(1, 152) * scale, apart(61, 291) * scale
        rest = gap < np.nanpercentile(gap, 35)
        self.measured = {
            "gap": np.maximum(gap - np.nanpercentile(gap, 5), 0),
            "jaw": np.maximum(chin - np.nanpercentile(chin, 3), 0) / EFFECTS["jawOpen"].chin,
            "width": width - np.nanmedian(width[rest]),
        }
        ends = np.cumsum(marks["frames"])
        self.rows = {
            str(name): slice(int(end - count), int(end))
            for name, end, count in zip(marks["ids"], ends, marks["frames"], strict=True)
        }
        self.timeline: dict[str, list[Part]] = {}
        self.level: dict[str, np.ndarray] = {}
        for line in (folder / "natural.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            name = Path(entry["path"]).stem
            if entry["corpus"] == "grid" and name in self.rows:
                y, _ = soundfile.read(data / entry["path"], dtype="float32")
                phones = [TimedPhone(*phone) for phone in entry["phones"]]
                self.timeline[name] = parts(phones, len(y) / 16_000)
                self.level[name] = np.interp(
                    self.times(name), np.arange(len(y) // 160) / 100, loudness(y, 100)[: len(y) // 160]
                )
        self.order = sorted(self.timeline, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        self.names = sorted({part.name for timeline in self.timeline.values() for part in timeline})

    def times(self, name: str) -> np.ndarray:
        """Return the middle of each video frame of a sentence, seconds."""
        rows = self.rows[name]
        return np.arange(rows.stop - rows.start) / 25.0

    def stack(self, sentences: list[str], what: str, dynamics: Dynamics, delay_s: float) -> list[np.ndarray]:
        """Return (N, phones) mixing, (N,) measured and (N,) loudness where the sentences are spoken."""
        mixed, measured, level = [], [], []
        for name in sentences:
            timeline, times = self.timeline[name], self.times(name)
            weights = mixing(timeline, times - delay_s, dynamics)
            columns = np.zeros((len(times), len(self.names)))
            for k, part in enumerate(timeline):
                columns[:, self.names.index(part.name)] += weights[:, k]
            spoken = [part for part in timeline if part.name != REST]
            values = self.measured[what][self.rows[name]]
            use = np.isfinite(values) & (times > spoken[0].start - 0.1) & (times < spoken[-1].end + 0.1)
            mixed.append(columns[use])
            measured.append(values[use])
            level.append(self.level[name][use])
        return [np.concatenate(mixed), np.concatenate(measured), np.concatenate(level)]


def prior(names: list[str], what: str) -> np.ndarray:
    if what == "width":
        return np.asarray([0.5 * SHAPES[name].spread - 1.0 * SHAPES[name].rounding for name in names])
    return np.asarray([getattr(SHAPES[name], what) for name in names])


def targets(mixed: np.ndarray, measured: np.ndarray, at: np.ndarray, what: str) -> np.ndarray:
    """Return the phones' targets: least squares, drawn towards ``at``, within what a mouth can do."""
    square = mixed.T @ mixed + PRIOR_FRAMES * np.eye(len(at))
    root = np.linalg.cholesky(square).T
    right = np.linalg.solve(root.T, mixed.T @ measured + PRIOR_FRAMES * at)
    low, high = {"gap": (0, 2.0), "jaw": (0, 0.7), "width": (-1.4, 0.8)}[what]
    return lsq_linear(root, right, (low, high)).x


def unpack(vector: np.ndarray) -> tuple[Dynamics, float, float]:
    lead, trail, power = np.exp(vector[0]), np.exp(vector[1]), 1 + 2 / (1 + np.exp(-vector[4]))
    strength = {hold: round(float(np.exp(v)), 3) for hold, v in zip(HOLDS, vector[5:], strict=True)}
    dynamics = Dynamics(round(float(lead), 4), round(float(trail), 4), strength, round(float(power), 2))
    return dynamics, float(vector[2]), float(vector[3])


def fit(grid: Grid, what: str) -> dict:
    train, test = grid.order[HELD_OUT:], grid.order[:HELD_OUT]
    at = prior(grid.names, what)

    def loss(vector: np.ndarray) -> float:
        dynamics, delay_s, gain = unpack(vector)
        mixed, measured, level = grid.stack(train[:SEARCHED], what, dynamics, delay_s)
        scaled = mixed * (1 + gain * level)[:, None]
        error = scaled @ targets(scaled, measured, at, what) - measured
        return float(np.mean(error**2) / measured.var() + 2e-3 * np.mean(vector[5:] ** 2))

    begin = np.r_[np.log(0.07), np.log(0.09), 0.0, 0.0, 0.0, np.zeros(len(HOLDS))]
    found = minimize(loss, begin, method="Powell", options={"maxfev": 900, "xtol": 0.03, "ftol": 1e-4})
    dynamics, delay_s, gain = unpack(found.x)
    mixed, measured, level = grid.stack(train, what, dynamics, delay_s)
    scaled = mixed * (1 + gain * level)[:, None]
    solved = targets(scaled, measured, at, what)
    mixed, measured, level = grid.stack(test, what, dynamics, delay_s)
    said = (mixed * (1 + gain * level)[:, None]) @ solved
    tokens = {name: sum(part.name == name for s in train for part in grid.timeline[s]) for name in grid.names}
    return {
        "dynamics": asdict(dynamics),
        "delay_s": round(delay_s, 4),
        "loudness_gain": round(gain, 3),
        "targets": {
            name: round(float(value), 3)
            for name, value in zip(grid.names, solved, strict=True)
            if tokens[name] >= ENOUGH_TOKENS and name != REST
        },
        "held_out": {
            "correlation": round(float(np.corrcoef(said, measured)[0, 1]), 3),
            "rms_error": round(float(np.sqrt(np.mean((said - measured) ** 2))), 4),
            "rms_measured": round(float(measured.std()), 4),
            "before": round(float(np.corrcoef(mixed @ at, measured)[0, 1]), 3),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    grid = Grid(options.folder, options.data)
    fitted = {what: fit(grid, what) for what in ("gap", "jaw", "width")}
    for what, result in fitted.items():
        print(what, json.dumps(result, ensure_ascii=False), flush=True)
    note = "GRID corpus, speaker s1 (CC BY 4.0); by recipes/corpus/fit_teacher.py; cm and jawOpen weights"
    OUTPUT.write_text(json.dumps({"source": note, **fitted}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
