"""Make the weights of the `live` engine again.

    python recipes/face_first.py DATA --checkpoint live.pt --out src/rhapsode/face/weights

DATA holds grid_s1/ and facegood/ (see the model card for where they come from and their licences). About
40 minutes on one core. Run again after an interruption: it goes on from the checkpoint.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from rhapsode.train.facegood import load_facegood
from rhapsode.train.grid import load_grid
from rhapsode.train.loop import Plan, train
from rhapsode.train.styles import DEFAULT, styles
from rhapsode.train.takes import held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder that gets live.onnx and live.json")
    parser.add_argument("--epochs", type=int, default=70)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    grid = load_grid(options.data / "grid_s1")
    unseen = set(held_out([take.name for take in grid]))
    takes = [take for take in grid if take.name not in unseen] + load_facegood(options.data / "facegood")
    model = train(takes, Plan(epochs=options.epochs), options.checkpoint)
    if options.out:
        from rhapsode.train.export import export

        export(model, options.out, "live", styles=styles(), default_style=DEFAULT)


if __name__ == "__main__":
    main()
