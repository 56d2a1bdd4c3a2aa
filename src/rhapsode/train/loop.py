"""The training loop: losses, epochs, checkpoints to go on from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as binary
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from rhapsode.face.features_level import WIDTH
from rhapsode.performance import Float32
from rhapsode.rigs.lips import CLOSED_GAP, REST_GAP, gap_effects
from rhapsode.train.model import Articulator, Shape
from rhapsode.train.sequences import Batch, Sequences, Source
from rhapsode.train.takes import MOVES, REST, UNHEARD, UNKNOWN, Take
from rhapsode.train.teacher import CLASSES

log = logging.getLogger(__name__)

DELAY = 1
"""Rows by which the `live` network answers late: row p speaks of curve frame p - 1."""

_LABIODENTAL = CLASSES.index("f")


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    Args:
        epochs: passes, each over ``sequences`` fresh sequences.
        sequences: per epoch.
        batch: sequences per step.
        rate: highest learning rate; it warms up over the first tenth and falls as a cosine.
        plain: share of the sequences that hold a take as it is; the others are bent and mixed.
        average: weight of the past in the running average of the weights, which is what is kept.
        style_chances: how often a take of each style is drawn; those of unknown style get what is left.
        delay: rows by which the network answers late: what it hears of the future, 20 ms each, less 20 ms.
        touch: weight of the losses of touching lips, and of a lip at the teeth.
        phones: weight of the loss of the phone that is heard.
        contact: weight of the loss of the lips' distance on a real head.
        round: weight of mouthFunnel and mouthPucker among the columns.
        jaw: weight of jawOpen among the columns.
        camera: how much more jawOpen weighs in the first style, which a camera measured.
        frozen: normalise by the statistics gathered so far, as the exported network does.
        seed: of augmentation and weights.

    """

    epochs: int = 60
    sequences: int = 600
    batch: int = 12
    rate: float = 2e-3
    plain: float = 0.35
    average: float = 0.997
    style_chances: tuple[float, ...] = (0.3, 0.05, 0.65)
    delay: int = DELAY
    touch: float = 0.5
    phones: float = 0.1
    contact: float = 0.1
    round: float = 2.0
    jaw: float = 6.0
    camera: float = 1.0
    frozen: bool = False
    seed: int = 0


def column_weights(
    takes: Sequence[Take],
    styles: int,
    *,
    names: Sequence[str] = tuple(MOVES),
    jaw: float = 5.0,
    rounding: float = 1.0,
    camera: float = 1.0,
) -> Float32:
    """Return (styles, moves) loss weights: one over the variance, bounded, jaw and closure first."""
    emphasis = {"jawOpen": jaw, "mouthClose": 2.0, "mouthFunnel": rounding, "mouthPucker": rounding}
    wanted = np.array([emphasis.get(name, 1.0) for name in names])
    rows = []
    for style in range(styles):
        labels = [take.labels for take in takes if take.style == style]
        spread = np.concatenate(labels).std(axis=0) if labels else np.ones(len(names))
        rows.append(wanted / np.maximum(spread, 0.05) ** 2)
    made = np.asarray(np.stack(rows) / 100, np.float32)
    if "jawOpen" in names:
        made[0, list(names).index("jawOpen")] *= camera
    return made


def loss(model: Articulator, batch: Batch, weights: Tensor, effects: Tensor, plan: Plan) -> Tensor:
    """Return position + velocity + rest + speech + contact + phone + stress loss of one batch.

    Args:
        model: in training mode.
        batch: what it hears and what the faces did.
        weights: (styles, moves) of the columns.
        effects: (moves,) what each column does to the lips' distance, cm.
        plan: weights of the parts.

    """
    late = plan.delay
    labels, closed, style = batch.moves[:, :-late], batch.closed[:, :-late], batch.style[:, :-late]
    heard, stress = batch.heard[:, :-late], batch.stress[:, :-late]
    answer = model(batch.rows)
    moves, speaking_logit, closed_logit, bitten_logit, stress_logit, heard_logits = (
        x[:, late:] for x in answer
    )
    speaks, rests = (style >= 0).float(), (style == REST).float()
    own = moves.take_along_dim(style.clamp(min=0)[:, :, None, None], dim=2)[:, :, 0]
    column = weights[style.clamp(min=0)]
    error = (own - labels) * speaks[:, :, None]
    position = (error.square() * column).mean()
    velocity = ((error[:, 1:] - error[:, :-1]).square() * column[:, 1:]).mean()
    rest = ((moves * rests[:, :, None, None]).square() * weights).mean()
    wanted = labels @ effects + REST_GAP
    near = 1 + 3 * torch.exp(-(wanted.clamp(min=0) / (2 * CLOSED_GAP)).square())
    gap = (((error @ effects) / 0.5).square() * near).mean()
    moving = (labels.amax(dim=2) > 0.02).float()
    told = (style != UNKNOWN).float()
    speech = binary(speaking_logit, moving, weight=told)
    touching = closed.nan_to_num()
    touch = binary(closed_logit, touching, weight=closed.isfinite() * (1 + 2 * touching))
    clear, bitten = (heard != UNHEARD).float(), (heard == _LABIODENTAL).float()
    bite = binary(bitten_logit, bitten, weight=clear * (1 + 3 * bitten))
    phones = torch.nn.functional.cross_entropy(
        heard_logits.flatten(0, 1), heard.flatten().clamp(min=0), reduction="none"
    )
    classes = (phones * clear.flatten()).mean()
    standing = ((stress_logit.sigmoid() - stress.nan_to_num()).square() * stress.isfinite()).mean()
    contacts = plan.touch * (touch + bite) + plan.contact * gap
    return (
        position + 2 * velocity + 2 * rest + 0.2 * speech + contacts + plan.phones * classes + 0.3 * standing
    )


def train(
    takes: Sequence[Take],
    plan: Plan,
    checkpoint: Path,
    *,
    shape: Shape | None = None,
    names: Sequence[str] = tuple(MOVES),
    start: Articulator | None = None,
    workers: int = 0,
    device: str = "cpu",
    after_epoch: Callable[[int, float, Articulator], bool] | None = None,
) -> Articulator:
    """Train on ``takes`` and return the network; goes on from ``checkpoint`` where that exists.

    Args:
        takes: none of them held out.
        plan: how long and how hard.
        checkpoint: written after every epoch; delete it to begin again.
        shape: of the network; the default has a head for each of the plan's styles. ``start``'s if given.
        names: of the columns of the labels.
        start: weights to begin with, instead of random ones.
        workers: processes that make sequences; 0 makes them in between.
        device: where the network trains.
        after_epoch: told the epoch (the first is 1), its mean loss and the averaged network, in evaluation
            mode; training ends when it returns true.

    """
    torch.manual_seed(plan.seed)
    shape = start.shape if start else shape or Shape(WIDTH, len(names), len(plan.style_chances))
    model = Articulator(shape)
    if start is not None:
        model.load_state_dict(start.state_dict())
    model.to(device)
    steps = plan.sequences // plan.batch
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, plan.epochs * steps, pct_start=0.1)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(plan.average), use_buffers=True)
    parts = {"model": model, "averaged": averaged, "optimiser": optimiser, "schedule": schedule}
    begin = resume(checkpoint, parts, device=device)
    columns = column_weights(
        takes, shape.styles, names=names, jaw=plan.jaw, rounding=plan.round, camera=plan.camera
    )
    weights = torch.from_numpy(columns).to(device)
    effects = torch.from_numpy(gap_effects(names)).to(device)
    source = Source(takes, plan.style_chances, plain=plan.plain)
    for epoch in range(begin, plan.epochs):
        clock, total = time.perf_counter(), 0.0
        model.train()
        if plan.frozen:
            model.freeze_norms()
        fresh = Sequences(source, steps=steps, batch=plan.batch, seed=(plan.seed, epoch))
        ahead = 4 if workers else None
        for batch in DataLoader(fresh, batch_size=None, num_workers=workers, prefetch_factor=ahead):
            there = Batch(**{name: value.to(device) for name, value in vars(batch).items()})
            with torch.autocast(device.split(":")[0], torch.bfloat16):
                value = loss(model, there, weights, effects, plan)
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(model)
            total += float(value.detach())
        mean = total / steps
        log.info("epoch %d loss %.4f %.1f s", epoch + 1, mean, time.perf_counter() - clock)
        save(checkpoint, parts, epoch + 1)
        if after_epoch and after_epoch(epoch + 1, mean, averaged.module.eval()):
            break
    made: Articulator = averaged.module.eval()
    return made


class Part(Protocol):
    """What a checkpoint keeps: a network, an optimiser, a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it knows."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Take what it knew."""
        ...


def resume(checkpoint: Path, parts: Mapping[str, Part], *, device: str = "cpu") -> int:
    """Bring ``parts`` to where ``checkpoint`` left them; return its epochs, 0 where there is none."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["epoch"])


def save(checkpoint: Path, parts: Mapping[str, Part], epoch: int) -> None:
    """Write ``parts`` after ``epoch`` epochs beside the old checkpoint, and put them in its place."""
    state = {name: part.state_dict() for name, part in parts.items()} | {"epoch": epoch}
    beside = checkpoint.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(checkpoint)
