"""Make the weights of the reference engine `audio2exp` again, and its published basis.

    python recipes/face_audio2exp.py DATA CORPUS --work WORK --out src/rhapsode/face/weights
    python recipes/face_audio2exp.py DATA CORPUS --basis src/rhapsode/face/reference/expression50.json

DATA holds grid_s1/, facegood/ and the natural recordings (see the model card for their licences), CORPUS is
what recipes/corpus makes. The first form trains in the published basis; WORK gets a checkpoint after every
epoch: run again after an interruption and it goes on from there. About 15 minutes on one core that does
nothing else. The second form fits the basis itself, which belongs to its weights: whoever fits a new one has
to train again.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from rhapsode.face.contacts import Closure
from rhapsode.face.reference.basis import published
from rhapsode.train.export import SOURCES
from rhapsode.train.facegood import load_facegood
from rhapsode.train.grid import load_grid
from rhapsode.train.reference.audio2exp_basis import write_basis
from rhapsode.train.reference.audio2exp_export import export
from rhapsode.train.reference.audio2exp_loop import Plan, train
from rhapsode.train.reference.audio2exp_reach import restore_reach
from rhapsode.train.spoken import NATURAL, STYLE, spoken, utterances, with_phones
from rhapsode.train.styles import styles
from rhapsode.train.takes import Take, held_out

RECIPE = "recipes/face_audio2exp.py"

EVERY_GRID = 4
"""Every so many sentences of the GRID speaker are learned with the teacher's face too."""

EVERY_STRETCHED = 4
"""Every so many of the taught takes tell how far rounding is to be stretched."""

CLOSURE, BITE = Closure(0.3, 0.45, 0.8), (0.3, 0.6)
"""How sure of a contact of the lips, and of a lip with the teeth, the network must be."""

LEARN = Plan(epochs=80, until=44)
FINISH = Plan(
    epochs=30,
    sequences=120,
    rate=8e-4,
    plain=0.35,
    average=0.98,
    touch=0.8,
    phones=0.15,
    rounding=4,
    jaw=8,
    camera=4,
    seed=1,
)
STAGES = {"learn": LEARN, "finish": FINISH}


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
    parser.add_argument("--work", type=Path, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, help="folder that gets audio2exp.onnx and audio2exp.json")
    parser.add_argument("--basis", type=Path, help="fit the basis into this file, and no more")
    parser.add_argument("--commit", default="", help="of the source, for the manifest")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if not options.basis and not (options.work and options.out):
        parser.error("give --work and --out to train, or --basis to fit the basis")
    takes = learned(options.data, options.corpus)
    logging.info("%d takes, %.0f minutes", len(takes), sum(len(take.y) for take in takes) / 960_000)
    if options.basis:
        write_basis(takes, options.basis, recipe=RECIPE, sources=SOURCES)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    model, basis = None, published()
    for stage, plan in STAGES.items():
        model = train(takes, basis, plan, options.work / f"{stage}.pt", start=model)
    assert model is not None
    taught = [take for take in takes if take.style == STYLE][::EVERY_STRETCHED]
    logging.info("stretched: %s", restore_reach(model, taught, basis, style=STYLE))
    export(
        model,
        options.out,
        basis=basis,
        styles=styles(),
        default_style="natural",
        closure=CLOSURE,
        bite=BITE,
        sources=SOURCES,
        recipe=RECIPE,
        commit=options.commit,
    )


if __name__ == "__main__":
    main()
