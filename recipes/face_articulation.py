"""Make the weights of the `articulation` reference engine again, from FACEGOOD's takes.

    python recipes/face_articulation.py DATA --work WORK --out src/rhapsode/face/weights

DATA holds facegood/ (see the model card for its licence). WORK gets the checkpoint: run again after an
interruption and it goes on from there. About ten minutes on one core. One take is left out and measured at
the end through the exported network; `--without` chooses which.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch

from rhapsode.face.reference.articulation import ArticulationEngine
from rhapsode.performance import HOP
from rhapsode.train.reference.articulation_export import export
from rhapsode.train.reference.articulation_loop import Plan, correlation, train
from rhapsode.train.reference.articulation_styles import DEFAULT, choose, excerpt
from rhapsode.train.reference.articulation_takes import ShapeTake, load_takes

LEFT_OUT = "2_05"
CHANNELS = ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthUpperUpLeft")
JUDGE = ("2_01", 20.0, 8.0)
"""Take, first second and length of the sound that emotion vectors are judged by."""


def streamed(engine: ArticulationEngine, take: ShapeTake, style: str) -> np.ndarray:
    """Return the shapes of a whole take, pushed in chunks of 20 ms."""
    stream = engine.stream(style=style)
    parts = [stream.push_shapes(take.y[at : at + HOP]) for at in range(0, len(take.y), HOP)]
    return np.concatenate([*parts, stream.finish_shapes()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder that gets articulation.onnx and .json"
    )
    parser.add_argument("--without", default=LEFT_OUT, help="take to leave out")
    parser.add_argument("--epochs", type=int, default=Plan().epochs)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    takes = load_takes(options.data / "facegood", without=(options.without,))
    every = {take.name: take for take in load_takes(options.data / "facegood")}
    left_out = every[options.without]
    checkpoint = options.work / f"articulation_without_{left_out.name}.pt"
    trained = train(takes, Plan(epochs=options.epochs), checkpoint, left_out=[left_out])
    name, begin_s, length_s = JUDGE
    emotions = choose(trained, takes, excerpt(every[name], begin_s=begin_s, length_s=length_s))
    options.out.mkdir(parents=True, exist_ok=True)
    path = export(trained, options.out, "articulation", emotions=emotions, default_style=DEFAULT)
    engine = ArticulationEngine.load(path)
    found = {style: streamed(engine, left_out, style) for style in engine.styles}
    numbers = {
        style: {channel: round(correlation(shapes, left_out, channel), 3) for channel in CHANNELS}
        for style, shapes in found.items()
    }
    print(json.dumps({"left_out": left_out.name, "correlation": numbers}))


if __name__ == "__main__":
    main()
