"""FACEGOOD's two networks after Karras et al., "Audio-Driven Facial Animation by Joint End-to-End Learning of
Pose and Emotion" (SIGGRAPH 2017): the model and its three losses.

The formant network looks along the coefficients of one sub-frame, the articulation network along the 64
sub-frames of an image; an emotion vector is put beside the answer of every articulation layer. The formant
network sees each sub-frame on its own, so neighbouring images share its answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rhapsode.face.features_lpc import ORDER

EMOTION = 16
"""Numbers in an emotion vector."""

DETAIL = 150
"""Numbers that the shapes are a linear basis of."""

NOISE = 1.4
"""The paper's multiplicative noise: each feature map times NOISE ** N(0, 1)."""

TAPS_ALONG_FORMANTS, TAPS_ALONG_TIME = (3, 3, 3, 3, 2), (3, 3, 3, 3, 4)
"""Kernels of the layers. Three taps step by two with a zero on each side, the others by their own length."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks.

    Args:
        shapes: channels that come out.
        formant: filters of the five layers along the coefficients.
        articulation: filters of each of the five layers along time.

    """

    shapes: int
    formant: tuple[int, ...] = (36, 54, 81, 122, 128)
    articulation: int = 128


class ArticulationNet(nn.Module):  # type: ignore[misc]
    """Formant network, articulation network and output basis; convolutions as products over their taps.

    Args:
        shape: sizes.
        noise: base of the multiplicative noise in training; 1 is none.

    """

    def __init__(self, shape: Shape, *, noise: float = NOISE, dropout: float = 0.2) -> None:
        super().__init__()
        self.shape, self.noise = shape, noise
        widths = (1, *shape.formant)
        self.formant = nn.ModuleList(
            nn.Linear(tap * before, after)
            for tap, before, after in zip(TAPS_ALONG_FORMANTS, widths, shape.formant, strict=False)
        )
        wide = shape.articulation + EMOTION
        entering = (shape.formant[-1], wide, wide, wide, wide)
        self.articulation = nn.ModuleList(
            nn.Linear(tap * before, shape.articulation)
            for tap, before in zip(TAPS_ALONG_TIME, entering, strict=True)
        )
        self.detail = nn.Linear(wide, DETAIL)
        self.dropout = nn.Dropout(dropout)
        self.basis = nn.Linear(DETAIL, shape.shapes)
        for layer in (*self.formant, *self.articulation):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def formants(self, columns: Tensor) -> Tensor:
        """Return (S, C, formant[-1]) for (S, C, 32) sub-frames of S sounds."""
        sounds, count, _ = columns.shape
        x = columns.reshape(sounds * count, ORDER, 1)
        for layer, tap in zip(self.formant, TAPS_ALONG_FORMANTS, strict=True):
            x = torch.relu(layer(_taps(x, tap)))
            x = self._noisy(x, sounds)
        return x.reshape(sounds, count, -1)

    def forward(self, columns: Tensor, windows: Tensor, emotion: Tensor) -> Tensor:
        """Return the shapes of T curve frames of each of S sounds.

        Args:
            columns: (S, C, 32) sub-frames.
            windows: (T, 64) which sub-frames make up each image.
            emotion: (S, T, 16), or (S, 1, 16) for one vector per sound.

        Returns:
            (S, T, shapes), not clipped.

        """
        sounds, frames = len(columns), len(windows)
        x = self.formants(columns)[:, windows].flatten(0, 1)
        beside = emotion.expand(sounds, frames, EMOTION).reshape(sounds * frames, 1, EMOTION)
        for layer, tap in zip(self.articulation, TAPS_ALONG_TIME, strict=True):
            x = torch.relu(layer(_taps(x, tap)))
            x = self._noisy(x, sounds)
            x = torch.cat([x, beside.expand(-1, x.shape[1], -1)], dim=2)
        made: Tensor = self.basis(self.dropout(self.detail(x[:, 0])))
        return made.reshape(sounds, frames, -1)

    def _noisy(self, x: Tensor, sounds: int) -> Tensor:
        """Return ``x`` times noise that all curve frames of a sound share, so that motion means the same."""
        if not self.training or self.noise == 1:
            return x
        factor = self.noise ** torch.randn(sounds, 1, 1, x.shape[2])
        return (x.reshape(sounds, -1, *x.shape[1:]) * factor).reshape(x.shape)


def _taps(x: Tensor, count: int) -> Tensor:
    """Return the taps of a convolution side by side: 3 with stride 2 and one zero on each side, 2 with
    stride 2, or 4 with stride 4; (rows, positions, channels) in, (rows, fewer, taps * channels) out.
    """
    if count != 3:
        return x.reshape(x.shape[0], x.shape[1] // count, -1)
    padded = nn.functional.pad(x, (0, 0, 1, 1))
    return torch.cat([padded[:, 0:-2:2], padded[:, 1:-1:2], padded[:, 2::2]], dim=2)


class Normalised:
    """The paper's normalisation of a loss term: over the root of a running mean of its square."""

    decay = 0.99

    def __init__(self) -> None:
        self.square, self.steps = 0.0, 0

    def __call__(self, term: Tensor) -> Tensor:
        """Return the term over its running size; gradients pass the term only."""
        self.steps += 1
        self.square = self.decay * self.square + (1 - self.decay) * float(term.detach()) ** 2
        size: float = (self.square / (1 - self.decay**self.steps)) ** 0.5
        return term / (size + 1e-8)


@dataclass(frozen=True)
class Terms:
    """The three losses of the paper, each a scalar.

    Args:
        position: mean square of the error.
        motion: twice the mean square of the error's change from one curve frame to the next.
        emotion: how fast the emotion vectors change, over how large they are.

    """

    position: Tensor
    motion: Tensor
    emotion: Tensor

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.position, self.motion, self.emotion))


def losses(made: Tensor, wanted: Tensor, emotion: Tensor, columns: Tensor) -> Terms:
    """Return the paper's terms (its equations 3 to 6) of consecutive curve frames.

    Args:
        made: (S, T, shapes).
        wanted: likewise.
        emotion: (S, T, 16) the vectors of the database that belong to the curve frames.
        columns: (shapes,) how much each shape weighs.

    """
    error = (made - wanted) * columns.sqrt()
    change = error[:, 1:] - error[:, :-1]
    drift = (emotion[:, 1:] - emotion[:, :-1]).square().mean()
    return Terms(
        error.square().mean(), 2 * change.square().mean(), 2 * drift / (emotion.square().mean() + 1e-8)
    )
