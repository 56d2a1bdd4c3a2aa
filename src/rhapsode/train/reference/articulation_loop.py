"""Training of the articulation network together with its database of emotion vectors."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rhapsode.face.features_lpc import SUB_FRAMES
from rhapsode.face.reference.articulation_image import WITHIN, sub_frames, windows
from rhapsode.performance import CURVE_HZ, HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.facegood import FACEGOOD, FACEGOOD_TO_ARKIT
from rhapsode.train.reference.articulation import EMOTION, ArticulationNet, Normalised, Shape, losses
from rhapsode.train.reference.articulation_takes import LENGTH, STEP, Pool, ShapeTake, between, database_rows

log = logging.getLogger(__name__)

MOVING = 1e-4
"""Shapes that spread less in all takes stand still and are not learned."""


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    Args:
        epochs: of ``steps`` steps.
        steps: per epoch.
        segments: per step.
        rate: learning rate of the networks; falls as a cosine.
        emotion_rate: of the emotion vectors.
        unmoved: share of the segments that see the neutral vector, all zeros, in place of their own, so
            that the sound alone is enough.
        average: weight of the past in the running average of the networks, which is what is kept.
        noise: base of the multiplicative noise.
        dropout: before the output basis.
        seed: of everything.

    """

    epochs: int = 14
    steps: int = 100
    segments: int = 24
    rate: float = 1.5e-3
    emotion_rate: float = 4e-3
    unmoved: float = 0.25
    average: float = 0.995
    noise: float = 1.2
    dropout: float = 0.2
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves.

    Args:
        model: averaged, in evaluation mode.
        emotions: (rows, 16) the database, a row per label frame of the takes one after the other.
        moving: columns of the 116 shapes that the model answers with.

    """

    model: ArticulationNet
    emotions: Float32
    moving: tuple[int, ...]


def moving_shapes(takes: Sequence[ShapeTake]) -> tuple[int, ...]:
    """Return the columns that move in any of ``takes``."""
    spread = np.max([take.shapes.std(axis=0) for take in takes], axis=0)
    return tuple(int(k) for k in np.flatnonzero(spread > MOVING))


def first_emotions(rows: int, seed: int) -> Float32:
    """Return (rows, 16) random vectors that change slowly, over seconds."""
    white = np.random.default_rng(seed).standard_normal((rows, EMOTION))
    bell = np.exp(-0.5 * (np.arange(-120, 121) / 40) ** 2)
    slow = np.stack([np.convolve(column, bell, "same")[:rows] for column in white.T], axis=1)
    return as_float32(0.5 * slow / slow.std())


def start_basis(model: ArticulationNet, shapes: Float32) -> None:
    """Set the output basis to the principal components of ``shapes``, as the paper does."""
    mean = shapes.mean(axis=0)
    _, sizes, components = np.linalg.svd(shapes - mean, full_matrices=False)
    basis = np.zeros((shapes.shape[1], model.basis.in_features), np.float32)
    count = min(len(components), model.basis.in_features)
    basis[:, :count] = components[:count].T * (sizes[:count] / math.sqrt(len(shapes)))
    with torch.no_grad():
        model.basis.weight.mul_(0.1).add_(torch.from_numpy(basis))
        model.basis.bias.copy_(torch.from_numpy(mean))


def train(
    takes: Sequence[ShapeTake], plan: Plan, checkpoint: Path, *, left_out: Sequence[ShapeTake] = ()
) -> Trained:
    """Train on ``takes``; goes on from ``checkpoint`` where that exists.

    Args:
        takes: to learn from.
        plan: how.
        checkpoint: written after every epoch; delete it to begin again.
        left_out: takes whose correlation is logged now and then.

    """
    torch.manual_seed(plan.seed)
    moving = moving_shapes(takes)
    shapes = np.concatenate([take.shapes for take in takes])[:, moving]
    model = ArticulationNet(Shape(len(moving)), noise=plan.noise, dropout=plan.dropout)
    start_basis(model, shapes)
    emotions = nn.Parameter(torch.from_numpy(first_emotions(database_rows(takes), plan.seed)))
    columns = torch.from_numpy(1 / np.maximum(shapes.std(axis=0), 0.04))
    optimiser = torch.optim.Adam(
        [{"params": model.parameters(), "lr": plan.rate}, {"params": [emotions], "lr": plan.emotion_rate}]
    )
    steps = plan.epochs * plan.steps
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: _falling(k / steps))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(plan.average))
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        emotions.data.copy_(state["emotions"])
        begin = int(state["epoch"])
    terms = Normalised(), Normalised(), Normalised()
    pool = Pool(takes, np.random.default_rng([plan.seed, begin, 1])) if begin < plan.epochs else None
    for epoch in range(begin, plan.epochs):
        assert pool is not None
        clock = time.perf_counter()
        rng = np.random.default_rng([plan.seed, epoch])
        pool.refresh(rng)
        model.train()
        sums = np.zeros(3)
        for _ in range(plan.steps):
            sums += _step(model, emotions, pool, rng, plan, terms, columns, moving, optimiser)
            schedule.step()
            averaged.update_parameters(model)
        log.info(
            "epoch %d position %.4f motion %.4f emotion %.4f %.0f s",
            *(epoch + 1, *(sums / plan.steps), time.perf_counter() - clock),
        )
        state = {"model": model.state_dict(), "averaged": averaged.state_dict(), "epoch": epoch + 1}
        state |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save(state | {"emotions": emotions.detach()}, checkpoint)
        if left_out and (epoch % 4 == 3 or epoch + 1 == plan.epochs):
            made = Trained(averaged.module.eval(), emotions.detach().numpy(), moving)
            log.info("  jaw %s", {take.name: round(jaw_correlation(made, take), 3) for take in left_out})
    return Trained(averaged.module.eval(), emotions.detach().numpy().copy(), moving)


def _falling(done: float) -> float:
    return min(1.0, done / 0.03 + 0.02) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _step(
    model: ArticulationNet,
    emotions: nn.Parameter,
    pool: Pool,
    rng: np.random.Generator,
    plan: Plan,
    terms: tuple[Normalised, Normalised, Normalised],
    columns: Tensor,
    moving: tuple[int, ...],
    optimiser: torch.optim.Optimizer,
) -> np.ndarray:
    drawn = pool.draw(rng, plan.segments)
    rows = torch.from_numpy(drawn.rows)
    low = rows.floor().long().clamp(max=len(emotions) - 2)
    part = (rows - low).float()[:, :, None]
    own = emotions[low] * (1 - part) + emotions[low + 1] * part
    kept = torch.from_numpy((rng.uniform(size=(plan.segments, 1, 1)) >= plan.unmoved).astype(np.float32))
    images = STEP // WITHIN * np.arange(LENGTH)[:, None] + np.arange(SUB_FRAMES)
    made = model(torch.from_numpy(drawn.columns), torch.from_numpy(images), own * kept)
    found = losses(made, torch.from_numpy(drawn.shapes[:, :, moving]), own, columns)
    total = torch.stack([scale(term) for scale, term in zip(terms, found, strict=True)]).sum()
    optimiser.zero_grad()
    total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return np.array([float(term.detach()) for term in found])


def animate(trained: Trained, y: Float32, emotion: Float32 | None = None) -> Float32:
    """Return (ceil(N / 320), 116) the shapes of a whole sound with one emotion vector, (16,), or none."""
    columns, count = torch.from_numpy(sub_frames(y)), -(-len(y) // HOP)
    vector = torch.from_numpy(np.zeros(EMOTION, np.float32) if emotion is None else as_float32(emotion))
    made = np.zeros((count, len(FACEGOOD)), np.float32)
    with torch.inference_mode():
        for begin in range(0, count, 200):
            images = windows(begin, min(200, count - begin))
            first, last = int(images[0, 0]), int(images[-1, -1])
            answer = trained.model(
                columns[None, first : last + 1], torch.from_numpy(images - first), vector[None, None]
            )
            made[begin : begin + len(images), trained.moving] = answer[0].numpy()
    return np.clip(made, 0, 1)


def jaw_correlation(trained: Trained, take: ShapeTake, emotion: Float32 | None = None) -> float:
    """Return Pearson's correlation of jawOpen with the take's, all curve frames."""
    return correlation(animate(trained, take.y, emotion), take)


def correlation(shapes: Float32, take: ShapeTake, channel: str = "jawOpen") -> float:
    """Return Pearson's correlation of an ARKit channel of (T, 116) ``shapes`` at 50 Hz with the take's."""
    places = np.arange(len(shapes)) * (take.fps / CURVE_HZ)
    column = ARKIT.index(channel)
    wanted = FACEGOOD_TO_ARKIT.apply(between(take.shapes, places))[:, column]
    return float(np.corrcoef(FACEGOOD_TO_ARKIT.apply(shapes)[:, column], wanted)[0, 1])
