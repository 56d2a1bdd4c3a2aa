"""Fine-tuning: the shipped trunk, a head for the user's columns, an end when it no longer helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rhapsode.evaluate.measures import channel_correlations, correlation
from rhapsode.face.features import log_mel
from rhapsode.face.features_level import WIDTH, RunningLevel, level_free
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.train.loop import Plan, train
from rhapsode.train.model import Answer, Articulator, Shape
from rhapsode.train.own.columns import Columns
from rhapsode.train.own.takes import OwnTake
from rhapsode.train.restore import Restored, inside, with_fresh_head
from rhapsode.train.takes import UNHEARD, Take

STYLE = "own"
"""Name of the only style of an engine of one's own."""

SURE_CLOSED, SURE_OPEN, SURE_HEARD = 0.8, 0.2, 0.6
"""How sure the shipped engine must be of what it hears for the new one to learn it too."""

RIDGE = 1e-3
"""Of the first guess of the head, per row and unit of variance."""

FINE = Plan(
    epochs=16, sequences=144, batch=12, rate=3e-4, plain=0.35, average=0.95, style_chances=(1.0,), frozen=True
)
SCRATCH = Plan(epochs=50, sequences=240, batch=12, rate=2e-3, plain=0.4, average=0.98, style_chances=(1.0,))

SHARES = (1.0, 0.5, 0.25)
"""How much of what was learned is tried: between the first guess and a network that fits its takes too well
lies one that plays others better (Wortsman et al., 2022)."""

PATIENCE = 6
"""Epochs without a better held-out error after which training ends."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How well a network plays held-out takes.

    Args:
        error: part of the movement that it does not explain, larger movements counting more; 0 is perfect.
        correlations: by column, over all held-out takes put end to end.

    """

    error: float
    correlations: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean of the correlations."""
        return float(np.mean([*self.correlations.values()])) if self.correlations else float("nan")


def rows_of(y: Float32, count: int, delay: int) -> torch.Tensor:
    """Return (1, count + delay, 166): what the engine sees of a sound, from a fresh start."""
    padded = np.zeros((count + delay) * HOP, np.float32)
    held = y[: len(padded)]
    padded[: len(held)] = held
    rows = level_free(log_mel(padded), RunningLevel()).reshape(-1, WIDTH)
    return torch.from_numpy(as_float32(rows))[None]


def answer(model: Articulator, take: OwnTake, delay: int) -> Answer:
    """Return what a network says of a take, as (T, ...) tensors."""
    device = next(model.parameters()).device
    with torch.no_grad():
        said = model(rows_of(take.y, len(take.unit), delay).to(device))
    return Answer(*(part[0, delay:].float().cpu() for part in said))


def as_take(own: OwnTake, columns: Columns, base: Restored) -> Take:
    """Return a take for `rhapsode.train.loop`, with what the shipped engine is sure to hear in it.

    That keeps a network that learns on what only many voices could teach: which phone is heard, and when the
    lips touch.
    """
    count = len(own.unit)
    closed = np.full(count, np.nan, np.float32)
    heard: NDArray[np.int64] | None = None
    stress: Float32 | None = None
    said = answer(base.model, own, base.delay)
    if "closed" in base.outputs:
        sure = said.closed.sigmoid().numpy()
        closed[sure > SURE_CLOSED], closed[sure < SURE_OPEN] = 1, 0
    if "heard" in base.outputs:
        chance, which = said.heard.softmax(dim=1).max(dim=1)
        heard = np.where(chance.numpy() > SURE_HEARD, which.numpy(), UNHEARD).astype(np.int64)
    if "stress" in base.outputs:
        stress = as_float32(said.stress.sigmoid().numpy())
    return Take(own.name, own.y, columns.labels(own.unit), closed, 0, heard, stress)


def begin(base: Restored, takes: Sequence[OwnTake], columns: Columns) -> Articulator:
    """Return the shipped trunk with a head for the columns, guessed by least squares on the takes."""
    model = with_fresh_head(base.model, len(columns))
    gram: NDArray[np.float64] = np.zeros((model.shape.width + 1,) * 2)
    wanted: NDArray[np.float64] = np.zeros((model.shape.width + 1, len(columns)))
    total = 0
    with torch.no_grad():
        for take in takes:
            rows = rows_of(take.y, len(take.unit), base.delay)
            x = inside(model, rows)[0, base.delay :]
            gate = model.sure(x)[:, :1].sigmoid()
            seen = (torch.cat([x, torch.ones_like(gate)], dim=1) * gate).double().numpy()
            gram += seen.T @ seen
            wanted += seen.T @ columns.labels(take.unit)
            total += len(seen)
        ridge = RIDGE * total * np.diag([*np.diag(gram)[:-1] / total, 1e-6])
        solved = torch.from_numpy(np.linalg.solve(gram + ridge + 1e-9 * np.eye(len(gram)), wanted)).float()
        model.heads.weight.copy_(solved[:-1].T)
        model.heads.bias.copy_(solved[-1])
    return model


def score(model: Articulator, takes: Sequence[OwnTake], columns: Columns, delay: int) -> Scores:
    """Return how well a network plays takes."""
    made = np.concatenate([answer(model, take, delay).moves[:, 0].numpy() for take in takes])
    true = np.concatenate([columns.labels(take.unit) for take in takes])
    weight = 1 / np.maximum(true.std(axis=0), 0.05) ** 2
    moved = float((true.var(axis=0) * weight).sum())
    missed = float((((made - true) ** 2).mean(axis=0) * weight).sum())
    return Scores(missed / max(moved, 1e-6), channel_correlations(made, true, columns.keys))


def tune(
    base: Restored,
    learn: Sequence[OwnTake],
    held: Sequence[OwnTake],
    columns: Columns,
    checkpoint: Path,
    *,
    plan: Plan,
    start: Articulator | None,
    device: str,
    after_epoch: Callable[[int, float, Scores, Articulator], bool],
) -> None:
    """Train, or go on with it; ``after_epoch`` keeps the best network and says when to stop.

    Args:
        base: the shipped engine.
        learn: takes to learn from.
        held: takes to measure by.
        columns: what is learned.
        checkpoint: written after every epoch.
        plan: how long and how hard.
        start: what to begin with, as `begin` makes it; None begins at random weights.
        device: cpu, cuda, ...
        after_epoch: told the epoch (the first is 1), the loss, the held-out scores and the network.

    """
    takes = [as_take(take, columns, base) for take in learn]
    shape = base.model.shape
    own = Shape(shape.inputs, len(columns), 1, shape.width, shape.dilations)

    def told(epoch: int, loss: float, model: Articulator) -> bool:
        made = [model] if start is None else [between(start, model, share) for share in SHARES]
        scored = [(score(one, held, columns, plan.delay), one) for one in made]
        best, chosen = min(scored, key=lambda pair: pair[0].error)
        return after_epoch(epoch, loss, best, chosen)

    train(
        takes,
        plan,
        checkpoint,
        shape=own,
        names=columns.loss_names,
        start=start,
        device=device,
        after_epoch=told,
    )


def between(start: Articulator, end: Articulator, share: float) -> Articulator:
    """Return the network whose weights lie ``share`` of the way from ``start`` to ``end``."""
    if share == 1:
        return end
    made = Articulator(end.shape)
    first, last = start.state_dict(), end.state_dict()
    mixed = {
        name: torch.lerp(first[name].to(value), value, share) if value.is_floating_point() else value
        for name, value in last.items()
    }
    made.load_state_dict(mixed)
    made.to(next(end.parameters()).device).eval()
    return made


def jaw_before(base: Restored, takes: Sequence[OwnTake], columns: Columns) -> float | None:
    """Return the correlation of the shipped engine's jaw with that of takes; None if they show no jaw."""
    moves = list(base.manifest["moves"])
    if "jawOpen" not in columns.loss_names or "jawOpen" not in moves:
        return None
    table = torch.tensor(base.manifest["styles"][base.manifest["default_style"]])
    place, mine = moves.index("jawOpen"), columns.loss_names.index("jawOpen")
    said = [answer(base.model, take, base.delay).moves[:, :, place] for take in takes]
    made = [(heads * table[:, place]).sum(1) for heads in said]
    true = [columns.labels(take.unit)[:, mine] for take in takes]
    found = correlation(as_float32(torch.cat(made).numpy()), np.concatenate(true))
    return found if np.isfinite(found) else None
