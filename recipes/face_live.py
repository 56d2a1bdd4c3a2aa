"""Make the weights of the `live` engine again: many voices by the teacher, two real faces beside.

    python recipes/face_first.py DATA --work WORK     # the network that this one begins with
    python recipes/face_live.py DATA CORPUS --work WORK --out src/rhapsode/face/weights

DATA holds grid_s1/, facegood/ and the natural recordings (see the model card for their licences), CORPUS is
what recipes/corpus makes. WORK holds third.pt of the first recipe and gets the checkpoints: run again after
an interruption and it goes on from there. About half an hour on one core: `LEARN` takes up the corpus,
`SETTLE` sees more of the takes as they are; `AGAIN` and `FINISH` do the same once more.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import torch

from rhapsode.face.features_level import WIDTH
from rhapsode.train.export import export
from rhapsode.train.facegood import load_facegood
from rhapsode.train.grid import load_grid
from rhapsode.train.loop import Plan, train
from rhapsode.train.model import Articulator, Shape, widened
from rhapsode.train.reach import restore_reach
from rhapsode.train.spoken import NATURAL, STYLE, spoken, utterances, with_phones
from rhapsode.train.styles import BITE, CLOSURE, DEFAULT, styles
from rhapsode.train.takes import MOVES, Take, held_out

EVERY_GRID = 4
"""Every so many sentences of the GRID speaker are learned with the teacher's face too."""

EVERY_STRETCHED = 4
"""Every so many of the taught takes tell how far a move is to be stretched."""

LEARN = Plan(
    epochs=42,
    sequences=600,
    rate=1.5e-3,
    plain=0.5,
    style_chances=(0.38, 0.05, 0.57),
    touch=0.4,
    phones=0.05,
    round=2,
    jaw=6,
    frozen=True,
    seed=3,
)
SETTLE = Plan(
    epochs=22,
    sequences=600,
    rate=6e-4,
    plain=0.75,
    style_chances=(0.57, 0.03, 0.40),
    touch=0.3,
    phones=0.025,
    round=4,
    jaw=8,
    camera=4,
    frozen=True,
    seed=4,
)
AGAIN = replace(
    SETTLE,
    epochs=24,
    rate=1.1e-3,
    plain=0.5,
    style_chances=(0.42, 0.03, 0.55),
    touch=0.7,
    phones=0.1,
    seed=5,
)
FINISH = replace(SETTLE, epochs=14, rate=5e-4, touch=0.7, phones=0.05, seed=6)
STAGES = {"learn": LEARN, "settle": SETTLE, "again": AGAIN, "finish": FINISH}


def first_network(checkpoint: Path) -> Articulator:
    """Return the averaged weights of a checkpoint of the first recipe; new outputs begin at random."""
    torch.manual_seed(LEARN.seed)
    model = Articulator(Shape(WIDTH, len(MOVES), 2))
    saved = torch.load(checkpoint, weights_only=True)["averaged"]
    known = {name[len("module.") :]: value for name, value in saved.items() if name.startswith("module.")}
    model.load_state_dict(model.state_dict() | known)
    return model


def learned(data: Path, corpus: Path) -> list[Take]:
    """Return every take that is learned from; what is held out is not among them."""
    spoken_by = list(utterances(corpus, data, split="train"))
    phones = {utterance.name: utterance for shard, utterance in spoken_by if shard == NATURAL}
    grid = load_grid(data / "grid_s1")
    unseen = set(held_out([take.name for take in grid]))
    seen = [take for take in grid if take.name not in unseen]
    natural = [utterance for shard, utterance in spoken_by if shard == NATURAL][::EVERY_GRID]
    assert not unseen & {utterance.name for utterance in natural}
    voices = [utterance for shard, utterance in spoken_by if shard != NATURAL]
    taught = [spoken(utterance) for utterance in (*voices, *natural)]
    return with_phones(seen, phones) + with_phones(load_facegood(data / "facegood"), {}) + taught


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder with third.pt, for checkpoints")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets live.onnx and live.json")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    takes = learned(options.data, options.corpus)
    minutes = sum(len(take.y) for take in takes) / 960_000
    logging.info("%d takes, %.0f minutes", len(takes), minutes)
    model = widened(first_network(options.work / "third.pt"))
    for stage, plan in STAGES.items():
        model = train(takes, plan, options.work / f"{stage}.pt", styles=3, start=model)
    taught = [take for take in takes if take.style == STYLE][::EVERY_STRETCHED]
    logging.info("stretched: %s", restore_reach(model, taught, style=STYLE))
    options.out.mkdir(parents=True, exist_ok=True)
    export(
        model,
        options.out,
        "live",
        styles=styles(),
        default_style=DEFAULT,
        closure=CLOSURE,
        bite=BITE,
    )


if __name__ == "__main__":
    main()
