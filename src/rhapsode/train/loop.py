"""The training loop: fresh sequences every epoch, checkpoints to go on from."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rhapsode.face.features_level import WIDTH
from rhapsode.performance import Float32
from rhapsode.train.augment import LENGTH, Example, make_sequence, plain_sequence, room_tones
from rhapsode.train.model import Articulator, Shape
from rhapsode.train.takes import MOVES, REST, UNHEARD, UNKNOWN, Take
from rhapsode.train.teacher import CLASSES

log = logging.getLogger(__name__)

DELAY = 1
"""Rows by which the network answers late: row p speaks of curve frame p - 1."""


_LABIODENTAL = CLASSES.index("f")


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    Args:
        epochs: passes, each over ``sequences`` fresh sequences.
        sequences: per epoch.
        batch: sequences per step.
        rate: highest learning rate; it warms up over the first epoch and falls as a cosine.
        plain: share of the steps that see takes as they are, the others see them bent and mixed.
        average: weight of the past in the running average of the weights, which is what is kept.
        style_chances: how often a take of each style is drawn; those of unknown style get what is left.
        touch: weight of the loss of touching lips, and of a lip at the teeth.
        phones: weight of the loss of the phone that is heard.
        round: weight of mouthFunnel and mouthPucker among the columns.
        jaw: weight of jawOpen among the columns.
        camera: how much more jawOpen weighs in the first style, which a camera measured.
        frozen: normalise by the statistics gathered so far, as the exported network does. Sequences as they
            are and bent ones differ, and batches hold one kind or the other.
        seed: of augmentation and weights.

    """

    epochs: int = 70
    sequences: int = 600
    batch: int = 12
    rate: float = 2e-3
    plain: float = 0.5
    average: float = 0.997
    style_chances: tuple[float, ...] = (0.75, 0.25)
    touch: float = 0.3
    phones: float = 0.0
    round: float = 1.0
    jaw: float = 5.0
    camera: float = 1.0
    frozen: bool = False
    seed: int = 0


def chances(takes: Sequence[Take], style_chances: Sequence[float]) -> np.ndarray:
    """Return the chance of drawing each take: its style's share, by duration within the style."""
    weight = np.array([len(take.y) for take in takes], np.float64)
    styles = np.array([take.style for take in takes])
    every = [*enumerate(style_chances), (UNKNOWN, 1 - sum(style_chances))]
    for style, chance in every:
        of_style = styles == style
        if of_style.any():
            weight[of_style] *= chance / weight[of_style].sum()
    return np.asarray(weight / weight.sum(), np.float64)


def column_weights(
    takes: Sequence[Take], styles: int, *, jaw: float = 5.0, rounding: float = 1.0, camera: float = 1.0
) -> Float32:
    """Return (styles, len(MOVES)) loss weights: one over the variance, bounded, jaw and closure first."""
    emphasis = np.ones(len(MOVES))
    emphasis[list(MOVES).index("jawOpen")] = jaw
    emphasis[list(MOVES).index("mouthClose")] = 2
    emphasis[[list(MOVES).index(move) for move in ("mouthFunnel", "mouthPucker")]] = rounding
    rows = []
    for style in range(styles):
        labels = [take.labels for take in takes if take.style == style]
        spread = np.concatenate(labels).std(axis=0) if labels else np.ones(len(MOVES))
        rows.append(emphasis / np.maximum(spread, 0.05) ** 2)
    made = np.asarray(np.stack(rows) / 100, np.float32)
    made[0, list(MOVES).index("jawOpen")] *= camera
    return made


def loss(
    model: Articulator,
    batch: Sequence[Example],
    weights: Tensor,
    *,
    touch_weight: float = 0.3,
    phone_weight: float = 0.0,
) -> Tensor:
    """Return position + velocity + rest + speech + contact + phone loss of one batch."""
    rows = torch.from_numpy(np.stack([e.rows for e in batch]))
    labels = torch.from_numpy(np.stack([e.labels for e in batch]))[:, :-DELAY]
    closed = torch.from_numpy(np.stack([e.closed for e in batch]))[:, :-DELAY]
    style = torch.from_numpy(np.stack([e.style for e in batch]))[:, :-DELAY]
    heard = torch.from_numpy(np.stack([e.heard for e in batch]))[:, :-DELAY]
    moves, speaking_logit, closed_logit, bitten_logit, heard_logits = (x[:, DELAY:] for x in model(rows))
    speaks, rests = (style >= 0).float(), (style == REST).float()
    own = moves.take_along_dim(style.clamp(min=0)[:, :, None, None], dim=2)[:, :, 0]
    column = weights[style.clamp(min=0)]
    error = (own - labels) * speaks[:, :, None]
    position = (error.square() * column).mean()
    velocity = ((error[:, 1:] - error[:, :-1]).square() * column[:, 1:]).mean()
    rest = ((moves * rests[:, :, None, None]).square() * weights).mean()
    moving = (labels.amax(dim=2) > 0.02).float()
    told = (style != UNKNOWN).float()
    speech = torch.nn.functional.binary_cross_entropy_with_logits(speaking_logit, moving, weight=told)
    known = closed.isfinite()
    touch = torch.nn.functional.binary_cross_entropy_with_logits(
        closed_logit, closed.nan_to_num(), weight=known.float() * (1 + 3 * closed.nan_to_num())
    )
    clear, bitten = (heard != UNHEARD).float(), (heard == _LABIODENTAL).float()
    bite = torch.nn.functional.binary_cross_entropy_with_logits(
        bitten_logit, bitten, weight=clear * (1 + 3 * bitten)
    )
    phones = torch.nn.functional.cross_entropy(
        heard_logits.flatten(0, 1), heard.flatten().clamp(min=0), reduction="none"
    )
    classes = (phones * clear.flatten()).mean()
    contacts = touch_weight * (touch + bite)
    return position + 2 * velocity + 2 * rest + 0.2 * speech + contacts + phone_weight * classes


def train(
    takes: Sequence[Take],
    plan: Plan,
    checkpoint: Path,
    *,
    styles: int = 2,
    width: int = 128,
    start: Articulator | None = None,
) -> Articulator:
    """Train on ``takes`` and return the network; goes on from ``checkpoint`` where that exists.

    Args:
        takes: none of them held out.
        plan: how long and how hard.
        checkpoint: written after every epoch; delete it to begin again.
        styles: heads.
        width: channels inside.
        start: weights to begin with, instead of random ones.

    """
    torch.manual_seed(plan.seed)
    model = Articulator(Shape(WIDTH, len(MOVES), styles, width))
    if start is not None:
        model.load_state_dict(start.state_dict())
    steps = plan.epochs * (plan.sequences // plan.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, steps, pct_start=0.1)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(plan.average), use_buffers=True)
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        begin = int(state["epoch"])
    draw = chances(takes, plan.style_chances)
    columns = column_weights(takes, styles, jaw=plan.jaw, rounding=plan.round, camera=plan.camera)
    weights = torch.from_numpy(columns)
    room = room_tones(takes)
    for epoch in range(begin, plan.epochs):
        clock, total = time.perf_counter(), 0.0
        rng = np.random.default_rng([plan.seed, epoch])
        model.train()
        if plan.frozen:
            model.freeze_norms()
        for _ in range(plan.sequences // plan.batch):
            batch = _batch(rng, takes, draw, room, plan)
            value = loss(model, batch, weights, touch_weight=plan.touch, phone_weight=plan.phones)
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(model)
            total += float(value.detach())
        mean = total / (plan.sequences // plan.batch)
        log.info("epoch %d loss %.4f %.1f s", epoch + 1, mean, time.perf_counter() - clock)
        state = {"model": model.state_dict(), "averaged": averaged.state_dict(), "epoch": epoch + 1}
        state |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save(state, checkpoint)
    made: Articulator = averaged.module.eval()
    return made


def _batch(
    rng: np.random.Generator, takes: Sequence[Take], draw: np.ndarray, room: Sequence[Float32], plan: Plan
) -> list[Example]:
    if rng.uniform() < plan.plain:
        return [plain_sequence(rng, takes[rng.choice(len(takes), p=draw)]) for _ in range(2 * plan.batch)]
    return [make_sequence(rng, takes, draw, room) for _ in range(plan.batch)]


assert LENGTH > 2 * DELAY
