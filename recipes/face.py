"""Make the weights of `live` and `studio` again: many voices by the teacher, two real faces beside.

    python recipes/face.py DATA CORPUS --work WORK --out src/rhapsode/face/weights --engine live

DATA holds grid_s1/, facegood/ and the natural recordings (see the model card for their licences), CORPUS is
what recipes/corpus makes. WORK gets the checkpoints: run again after an interruption and it goes on from
there. Both engines are the same network; `live` answers one row late and hears 40 ms of the future, `studio`
answers ten rows late and hears 220 ms. `learn` takes up everything, `settle` sees more of the takes as they
are, normalised as the exported network is. `studio` begins with the network of `live`, found in WORK.
About half an hour for `live` and a quarter for `studio` on two cores that do bfloat16.
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
from rhapsode.train.model import Articulator, Shape
from rhapsode.train.reach import restore_reach
from rhapsode.train.spoken import NATURAL, STYLE, spoken, utterances, with_phones
from rhapsode.train.styles import BITE, CLOSURE, DEFAULT, styles
from rhapsode.train.takes import MOVES, Take, held_out

EVERY_GRID = 4
"""Every so many sentences of the GRID speaker are learned with the teacher's face too."""

EVERY_STRETCHED = 4
"""Every so many of the taught takes tell how far a move is to be stretched."""

DEVELOPMENT = frozenset(("af_nova", "bm_lewis", "zf_xiaoni", "em_santa"))
"""Voices whose own utterances are kept from training, to choose limits on; mixtures with them are learned."""

LEARN = Plan(epochs=200, rate=2.5e-3, seed=11)
SETTLE = Plan(
    epochs=60,
    rate=8e-4,
    plain=0.6,
    style_chances=(0.45, 0.05, 0.5),
    camera=3,
    frozen=True,
    seed=12,
)
STAGES = {
    "live": {"learn": LEARN, "settle": SETTLE},
    "studio": {
        "learn": replace(LEARN, epochs=70, rate=1.5e-3, delay=10, seed=21),
        "settle": replace(SETTLE, epochs=40, delay=10, seed=22),
        "finish": replace(SETTLE, epochs=75, rate=1e-3, plain=0.4, delay=10, seed=23),
    },
}


def trained(checkpoint: Path) -> Articulator:
    """Return the averaged network of a checkpoint."""
    model = Articulator(Shape(WIDTH, len(MOVES), len(LEARN.style_chances)))
    saved = torch.load(checkpoint, weights_only=True)["averaged"]
    model.load_state_dict({k[len("module.") :]: v for k, v in saved.items() if k.startswith("module.")})
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
    voices = [u for shard, u in spoken_by if shard != NATURAL and u.voice not in DEVELOPMENT]
    taught = [spoken(utterance) for utterance in (*voices, *natural)]
    return with_phones(seen, phones) + with_phones(load_facegood(data / "facegood"), {}) + taught


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--engine", choices=sorted(STAGES), default="live")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder that gets the weights and their manifest"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that make sequences")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    takes = learned(options.data, options.corpus)
    minutes = sum(len(take.y) for take in takes) / 960_000
    logging.info("%d takes, %.0f minutes", len(takes), minutes)
    options.work.mkdir(parents=True, exist_ok=True)
    model = trained(options.work / "live-settle.pt") if options.engine == "studio" else None
    for stage, plan in STAGES[options.engine].items():
        checkpoint = options.work / f"{options.engine}-{stage}.pt"
        model = train(takes, plan, checkpoint, start=model, workers=options.workers)
    taught = [take for take in takes if take.style == STYLE][::EVERY_STRETCHED]
    assert model
    logging.info("stretched: %s", restore_reach(model, taught, style=STYLE, delay=plan.delay))
    options.out.mkdir(parents=True, exist_ok=True)
    export(
        model,
        options.out,
        options.engine,
        styles=styles(),
        default_style=DEFAULT,
        closure=CLOSURE[options.engine],
        bite=BITE,
        delay=plan.delay,
    )


if __name__ == "__main__":
    main()
