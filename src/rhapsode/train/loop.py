"""The training loop: fresh sequences every epoch, checkpoints to go on from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as binary
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from rhapsode.face.features_level import WIDTH
from rhapsode.performance import Float32
from rhapsode.rigs.lips import CLOSED_GAP, REST_GAP, gap_effects
from rhapsode.train.augment import make_sequence, plain_sequence
from rhapsode.train.model import Articulator, Shape
from rhapsode.train.noises import room_tones
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


@dataclass(frozen=True, eq=False)
class Batch:
    """B sequences as tensors; see `rhapsode.train.takes.Labels`."""

    rows: Tensor
    moves: Tensor
    closed: Tensor
    style: Tensor
    heard: Tensor
    stress: Tensor


class Sequences(Dataset[Batch]):  # type: ignore[misc]
    """Training batches that depend on the seed and their number only, whoever makes them.

    Args:
        takes: to draw from.
        plan: how.
        epoch: 0 is the first.

    """

    def __init__(self, takes: Sequence[Take], plan: Plan, epoch: int, room: Sequence[Float32]) -> None:
        self._takes, self._plan, self._epoch, self._room = takes, plan, epoch, room
        self._chances = chances(takes, plan.style_chances)

    def __len__(self) -> int:
        return self._plan.sequences // self._plan.batch

    def __getitem__(self, step: int) -> Batch:
        if step >= len(self):
            raise IndexError(step)
        rng = np.random.default_rng([self._plan.seed, self._epoch, step])
        made = [self._one(rng) for _ in range(self._plan.batch)]
        labels = [example.labels for example in made]

        def stacked(arrays: list[np.ndarray]) -> Tensor:
            return torch.from_numpy(np.stack(arrays))

        return Batch(
            stacked([example.rows for example in made]),
            stacked([own.moves for own in labels]),
            stacked([own.closed for own in labels]),
            stacked([own.style for own in labels]),
            stacked([own.heard for own in labels]),
            stacked([own.stress for own in labels]),
        )

    def _one(self, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        if rng.uniform() < self._plan.plain:
            return plain_sequence(rng, self._takes[rng.choice(len(self._takes), p=self._chances)])
        return make_sequence(rng, self._takes, self._chances, self._room)


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
    steps = plan.epochs * (plan.sequences // plan.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, steps, pct_start=0.1)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(plan.average), use_buffers=True)
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        begin = int(state["epoch"])
    columns = column_weights(
        takes, shape.styles, names=names, jaw=plan.jaw, rounding=plan.round, camera=plan.camera
    )
    weights = torch.from_numpy(columns).to(device)
    effects = torch.from_numpy(gap_effects(names)).to(device)
    room = room_tones(takes)
    for epoch in range(begin, plan.epochs):
        clock, total = time.perf_counter(), 0.0
        model.train()
        if plan.frozen:
            model.freeze_norms()
        source = Sequences(takes, plan, epoch, room)
        for batch in DataLoader(
            source, batch_size=None, num_workers=workers, prefetch_factor=_ahead(workers)
        ):
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
        mean = total / len(source)
        log.info("epoch %d loss %.4f %.1f s", epoch + 1, mean, time.perf_counter() - clock)
        _save(checkpoint, model, averaged, optimiser, schedule, epoch + 1)
        if after_epoch and after_epoch(epoch + 1, mean, averaged.module.eval()):
            break
    made: Articulator = averaged.module.eval()
    return made


def _ahead(workers: int) -> int | None:
    return 4 if workers else None


def _save(checkpoint: Path, model, averaged, optimiser, schedule, epoch: int) -> None:  # type: ignore[no-untyped-def]
    """Write a checkpoint beside the old one and put it in its place."""
    state = {"model": model.state_dict(), "averaged": averaged.state_dict(), "epoch": epoch}
    state |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
    part = checkpoint.with_suffix(".part")
    torch.save(state, part)
    part.replace(checkpoint)
