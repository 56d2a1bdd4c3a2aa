"""The articulation network: a causal temporal convolution network with one output head per label style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rhapsode.train.teacher import CLASSES

KERNEL = 3


@dataclass(frozen=True)
class Shape:
    """The sizes of an `Articulator`.

    Args:
        inputs: numbers per row.
        moves: columns per head.
        styles: heads.
        width: channels inside.
        dilations: one residual convolution of kernel 3 each.

    """

    inputs: int
    moves: int
    styles: int
    width: int = 192
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)


class Answer(NamedTuple):
    """What the network says about each row.

    Args:
        moves: (B, T, styles, moves).
        speaking: (B, T) logit of a moving mouth.
        closed: (B, T) logit of touching lips.
        bitten: (B, T) logit of a lower lip at the teeth.
        stress: (B, T) logit of standing out in loudness and pitch.
        heard: (B, T, classes) logits of the phone.

    """

    moves: Tensor
    speaking: Tensor
    closed: Tensor
    bitten: Tensor
    stress: Tensor
    heard: Tensor


class CausalBlock(nn.Module):  # type: ignore[misc]
    """x + relu(norm(conv(x))): a dilated convolution over this row and the past.

    The convolution is one product over the three rows side by side, which is how the exported network
    computes it and what a CPU does fastest.
    """

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.taps = nn.Linear(KERNEL * width, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, T, width)."""
        count, back = x.shape[1], self.dilation
        padded = nn.functional.pad(x, (0, 0, (KERNEL - 1) * back, 0))
        rows = torch.cat([padded[:, k * back : k * back + count] for k in range(KERNEL)], dim=2)
        made: Tensor = self.norm(self.taps(rows).flatten(0, 1)).view_as(x).relu()
        dropped: Tensor = self.drop(made.transpose(1, 2)).transpose(1, 2)
        return x + dropped


class Articulator(nn.Module):  # type: ignore[misc]
    """Rows of level-free log-mel in, moves per style out, some rows late.

    With a delay of d rows, the output at row p belongs to curve frame p - d. Batch normalisation only: it
    has no memory of the clip once trained, unlike any normalisation over time.
    """

    def __init__(self, shape: Shape, *, dropout: float = 0.05) -> None:
        super().__init__()
        self.shape = shape
        self.enter_norm = nn.BatchNorm1d(shape.inputs)
        self.enter = nn.Linear(shape.inputs, shape.width)
        self.blocks = nn.ModuleList(CausalBlock(shape.width, d, dropout) for d in shape.dilations)
        self.heads = nn.Linear(shape.width, shape.styles * shape.moves)
        nn.init.normal_(self.heads.weight, std=0.01)
        self.sure = nn.Linear(shape.width, 4)
        self.heard = nn.Linear(shape.width, len(CLASSES))

    def freeze_norms(self) -> None:
        """Normalise by the running statistics from now on, in training too, until `train` is called."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()

    def forward(self, rows: Tensor) -> Answer:
        """Return what is to be said about each row.

        Args:
            rows: (B, T, inputs).

        """
        x = self.enter(self.enter_norm(rows.flatten(0, 1)).view_as(rows)).relu()
        for block in self.blocks:
            x = block(x)
        moves = self.heads(x).unflatten(2, (self.shape.styles, self.shape.moves)).float()
        sure = self.sure(x).float()
        gated = moves * sure[:, :, :1, None].sigmoid()
        moving, closed, bitten, stress = sure.unbind(2)
        return Answer(gated, moving, closed, bitten, stress, self.heard(x).float())
