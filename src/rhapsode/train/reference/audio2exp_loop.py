"""Teach an `Audio2Exp`: losses on moves, lip distance, contacts, phones, and on the coefficients' limits."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rhapsode.face.reference.basis import SPEECH, Basis
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs.lips import gap_effects
from rhapsode.train.augment import Example
from rhapsode.train.loop import column_weights, resume, save
from rhapsode.train.reference.audio2exp import DELAY, Answer, Audio2Exp, Shape, speech_rows
from rhapsode.train.sequences import Source
from rhapsode.train.takes import MOVES, REST, UNHEARD, UNKNOWN, Take
from rhapsode.train.teacher import CLASSES

log = logging.getLogger(__name__)

_LABIODENTAL = CLASSES.index("f")
_cross_entropy = nn.functional.binary_cross_entropy_with_logits


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    Args:
        epochs: passes, each over ``sequences`` fresh sequences; the learning rate is planned for all of them.
        until: passes after which to stop, if fewer.
        sequences: per epoch.
        batch: sequences per step.
        rate: highest learning rate; it warms up over the first tenth and falls as a cosine.
        plain: share of the sequences that hold a take as it is; the others are bent and mixed.
        average: weight of the past in the running average of the weights, which is what is kept.
        style_chances: how often a take of each style is drawn.
        touch: weight of the loss of touching lips, and of a lip at the teeth.
        phones: weight of the loss of the phone that is heard.
        gap: weight of the loss of the lip distance, per square centimetre.
        rounding: weight of mouthFunnel and mouthPucker among the moves.
        jaw: weight of jawOpen among the moves.
        camera: how much more jawOpen weighs in the first style, which a camera measured.
        limits: weight of coefficients that change faster or go further than any face that was seen.
        seed: of augmentation and weights.

    """

    epochs: int = 60
    until: int = 10**6
    sequences: int = 600
    batch: int = 12
    rate: float = 1.5e-3
    plain: float = 0.5
    average: float = 0.997
    style_chances: tuple[float, ...] = (0.4, 0.05, 0.55)
    touch: float = 0.5
    phones: float = 0.2
    gap: float = 0.3
    rounding: float = 3.0
    jaw: float = 6.0
    camera: float = 3.0
    limits: float = 0.1
    seed: int = 0


class Losses(nn.Module):  # type: ignore[misc]
    """What a network is taught, with the constants that the takes give.

    Args:
        takes: what is learned from.
        basis: of the coefficients.
        plan: weights of the parts.
        styles: heads.

    """

    def __init__(self, takes: Sequence[Take], basis: Basis, plan: Plan, *, styles: int) -> None:
        super().__init__()
        self.plan = plan
        rows = as_float32(speech_rows(basis))
        columns = column_weights(takes, styles, jaw=plan.jaw, rounding=plan.rounding, camera=plan.camera)
        constants = {
            "to_moves": rows,
            "columns": columns,
            "centimetres": gap_effects(tuple(MOVES)),
            "rates": fastest(takes, rows),
            "low": basis.low[:SPEECH],
            "high": basis.high[:SPEECH],
        }
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(value.copy()))

    def forward(self, answer: Answer, batch: Sequence[Example]) -> Tensor:
        """Return the loss of one batch."""
        labels, closed, style, heard = (
            torch.from_numpy(np.stack([getattr(e.labels, part) for e in batch]))[:, :-DELAY]
            for part in ("moves", "closed", "style", "heard")
        )
        coefficients, speaking, touching, biting, classes = (part[:, DELAY:] for part in answer)
        told, clear = (style != UNKNOWN).float(), (heard != UNHEARD).float()
        moving = (labels.amax(dim=2) > 0.02).float()
        bitten = (heard == _LABIODENTAL).float()
        speech = _cross_entropy(speaking, moving, weight=told)
        known = closed.isfinite().float() * (1 + 3 * closed.nan_to_num())
        touch = _cross_entropy(touching, closed.nan_to_num(), weight=known)
        bite = _cross_entropy(biting, bitten, weight=clear * (1 + 3 * bitten))
        named = nn.functional.cross_entropy(
            classes.flatten(0, 1), heard.flatten().clamp(min=0), reduction="none"
        )
        faces = self._faces(coefficients, labels, style)
        phones = (named * clear.flatten()).mean()
        return (
            faces
            + 0.2 * speech
            + self.plan.touch * (touch + bite)
            + self.plan.phones * phones
            + self.plan.limits * self._limits(coefficients)
        )

    def _faces(self, coefficients: Tensor, labels: Tensor, style: Tensor) -> Tensor:
        """Return position + velocity + lip distance + rest."""
        moves = coefficients @ self.to_moves
        own = moves.take_along_dim(style.clamp(min=0)[:, :, None, None], dim=2)[:, :, 0]
        column = self.columns[style.clamp(min=0)]
        error = (own - labels) * (style >= 0).float()[:, :, None]
        position = (error.square() * column).mean()
        velocity = ((error[:, 1:] - error[:, :-1]).square() * column[:, 1:]).mean()
        gap = (error @ self.centimetres).square().mean()
        rests = (style == REST).float()[:, :, None, None]
        rest = ((moves * rests).square() * self.columns).mean()
        return position + 2 * velocity + self.plan.gap * gap + 2 * rest

    def _limits(self, coefficients: Tensor) -> Tensor:
        """Return how far coefficients break the rate and the range of the faces that were seen."""
        fast = ((coefficients[:, 1:] - coefficients[:, :-1]).abs() / self.rates - 1).relu().square().mean()
        far = (coefficients - self.high).relu() + (self.low - coefficients).relu()
        return fast + 100 * far.square().mean()


def fastest(takes: Sequence[Take], rows: Float32) -> Float32:
    """Return (15,) how far each speech coefficient moves per curve frame, but for one step in a thousand."""
    steps = np.concatenate([np.abs(np.diff(take.labels @ rows.T, axis=0)) for take in takes])
    moving = steps[steps.max(axis=1) > 1e-3]
    return as_float32(np.maximum(np.percentile(moving, 99.9, axis=0), 0.01))


def train(
    takes: Sequence[Take],
    basis: Basis,
    plan: Plan,
    checkpoint: Path,
    *,
    shape: Shape | None = None,
    start: Audio2Exp | None = None,
) -> Audio2Exp:
    """Train on ``takes`` and return the network; goes on from ``checkpoint`` where that exists.

    Args:
        takes: none of them held out.
        basis: of the coefficients.
        plan: how long and how hard.
        checkpoint: written after every epoch; delete it to begin again.
        shape: sizes.
        start: weights to begin with, instead of random ones.

    """
    torch.manual_seed(plan.seed)
    model = Audio2Exp(shape)
    if start is not None:
        model.load_state_dict(start.state_dict())
    losses = Losses(takes, basis, plan, styles=model.shape.styles)
    steps = plan.sequences // plan.batch
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, plan.epochs * steps, pct_start=0.1)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(plan.average))
    parts = {"model": model, "averaged": averaged, "optimiser": optimiser, "schedule": schedule}
    begin = resume(checkpoint, parts)
    source = Source(takes, plan.style_chances, plain=plan.plain)
    for epoch in range(begin, min(plan.epochs, plan.until)):
        rng, clock, total = np.random.default_rng([plan.seed, epoch]), time.perf_counter(), 0.0
        model.train()
        for _ in range(steps):
            batch = source.draw(rng, plan.batch)
            value = losses(model(torch.from_numpy(np.stack([e.rows for e in batch]))), batch)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(model)
            total += float(value.detach())
        log.info("epoch %d loss %.4f %.1f s", epoch + 1, total / steps, time.perf_counter() - clock)
        save(checkpoint, parts, epoch + 1)
    made: Audio2Exp = averaged.module.eval()
    return made
