"""Make the network that recipes/face_live.py begins with.

    python recipes/face_first.py DATA --work WORK

DATA holds grid_s1/ and facegood/ (see the model card for where they come from and their licences). WORK
gets the checkpoints, third.pt is the last: run again after an interruption and it goes on from there. About
half an hour on one core, in three parts: `FIRST` learns to move the mouth from both speakers' faces;
`SECOND` goes on gently and learns from the product's own voice, whose phones are known, where the lips must
touch; `THIRD` settles with fixed normalisation, as the exported network runs.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rhapsode.train.facegood import load_facegood
from rhapsode.train.grid import load_grid
from rhapsode.train.loop import Plan, train
from rhapsode.train.takes import Take, held_out
from rhapsode.train.voice import load_voice_takes

LINES = Path(__file__).parent / "corpus" / "texts" / "en.txt"

FIRST = Plan(epochs=70, sequences=600, rate=2e-3, plain=0.5, style_chances=(0.75, 0.25))
SECOND = Plan(epochs=24, sequences=600, rate=1e-3, plain=0.75, style_chances=(0.7, 0.1), touch=0.6, seed=1)
THIRD = Plan(
    epochs=14,
    sequences=600,
    rate=6e-4,
    plain=0.8,
    style_chances=(0.75, 0.1),
    touch=0.6,
    jaw=8,
    frozen=True,
    seed=2,
)


def untouched(take: Take) -> Take:
    """Forget where a camera saw the lips touch: at 25 frames a second it is too coarse."""
    return replace(take, closed=np.full_like(take.closed, np.nan))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    grid = load_grid(options.data / "grid_s1")
    unseen = set(held_out([take.name for take in grid]))
    takes = [take for take in grid if take.name not in unseen] + load_facegood(options.data / "facegood")
    first = train(takes, FIRST, options.work / "first.pt")
    lines = [line for line in LINES.read_text("utf-8").splitlines() if line.strip() and line[0] != "#"]
    takes = [untouched(take) for take in takes] + load_voice_takes(lines)
    second = train(takes, SECOND, options.work / "second.pt", start=first)
    train(takes, THIRD, options.work / "third.pt", start=second)


if __name__ == "__main__":
    main()
