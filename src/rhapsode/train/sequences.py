"""Training sequences drawn from takes, fresh in every epoch, and the batches that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from rhapsode.train.augment import Example, make_sequence, plain_sequence
from rhapsode.train.noises import room_tones
from rhapsode.train.takes import UNKNOWN, Take


def chances(takes: Sequence[Take], style_chances: Sequence[float]) -> NDArray[np.float64]:
    """Return the chance of drawing each take: its style's share, by duration within the style."""
    weight = np.array([len(take.y) for take in takes], np.float64)
    styles = np.array([take.style for take in takes])
    every = [*enumerate(style_chances), (UNKNOWN, 1 - sum(style_chances))]
    for style, chance in every:
        of_style = styles == style
        if of_style.any():
            weight[of_style] *= chance / weight[of_style].sum()
    return np.asarray(weight / weight.sum(), np.float64)


class Source:
    """Draws sequences from takes.

    Args:
        takes: to draw from.
        style_chances: how often a take of each style is drawn; those of unknown style get what is left.
        plain: share of the sequences that hold a take as it is; the others are bent and mixed.

    """

    def __init__(self, takes: Sequence[Take], style_chances: Sequence[float], *, plain: float) -> None:
        self._takes, self._plain = takes, plain
        self._chances = chances(takes, style_chances)
        self._room = room_tones(takes)

    def draw(self, rng: Generator, count: int) -> list[Example]:
        """Return ``count`` fresh sequences."""
        return [self._one(rng) for _ in range(count)]

    def _one(self, rng: Generator) -> Example:
        if rng.uniform() < self._plain:
            return plain_sequence(rng, self._takes[rng.choice(len(self._takes), p=self._chances)])
        return make_sequence(rng, self._takes, self._chances, self._room)


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
    """The batches of an epoch; they depend on the seed and their number only, whoever makes them.

    Args:
        source: of the sequences.
        steps: batches in the epoch.
        batch: sequences in each.
        seed: of the training, and the number of the epoch; the first is 0.

    """

    def __init__(self, source: Source, *, steps: int, batch: int, seed: tuple[int, int]) -> None:
        self._source, self._steps, self._batch, self._seed = source, steps, batch, seed

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        if step >= len(self):
            raise IndexError(step)
        made = self._source.draw(np.random.default_rng([*self._seed, step]), self._batch)
        labels = [example.labels for example in made]
        return Batch(
            _stacked([example.rows for example in made]),
            _stacked([own.moves for own in labels]),
            _stacked([own.closed for own in labels]),
            _stacked([own.style for own in labels]),
            _stacked([own.heard for own in labels]),
            _stacked([own.stress for own in labels]),
        )


def _stacked(arrays: Sequence[NDArray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
