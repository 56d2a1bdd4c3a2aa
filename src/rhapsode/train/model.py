"""The articulation network: a causal temporal convolution network with one output head per label style."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    width: int = 128
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)


class Answer(NamedTuple):
    """What the network says about each row.

    Args:
        moves: (B, T, styles, moves).
        speaking: (B, T) logit of speech.
        closed: (B, T) logit of touching lips.
        bitten: (B, T) logit of a lower lip at the teeth.
        heard: (B, T, classes) logits of the phone; they teach the channels inside and are not exported.

    """

    moves: Tensor
    speaking: Tensor
    closed: Tensor
    bitten: Tensor
    heard: Tensor


class CausalBlock(nn.Module):  # type: ignore[misc]
    """x + relu(norm(conv(x))): a dilated convolution over this row and the past."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.past = (KERNEL - 1) * dilation
        self.conv = nn.Conv1d(width, width, KERNEL, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, width, T)."""
        made: Tensor = self.norm(self.conv(nn.functional.pad(x, (self.past, 0))))
        dropped: Tensor = self.drop(made.relu())
        return x + dropped


class Articulator(nn.Module):  # type: ignore[misc]
    """Rows of level-free log-mel in, moves per style out, one row late.

    The output at row p belongs to curve frame p - 1. Batch normalisation only: it has no memory of the
    clip once trained, unlike any normalisation over time.
    """

    def __init__(self, shape: Shape, *, dropout: float = 0.05) -> None:
        super().__init__()
        self.shape = shape
        self.enter_norm = nn.BatchNorm1d(shape.inputs)
        self.enter = nn.Conv1d(shape.inputs, shape.width, 1)
        self.blocks = nn.ModuleList(CausalBlock(shape.width, d, dropout) for d in shape.dilations)
        self.heads = nn.Conv1d(shape.width, shape.styles * shape.moves, 1)
        nn.init.normal_(self.heads.weight, std=0.01)
        self.speaking = nn.Conv1d(shape.width, 1, 1)
        self.closed = nn.Conv1d(shape.width, 1, 1)
        self.bitten = nn.Conv1d(shape.width, 1, 1)
        self.heard = nn.Conv1d(shape.width, len(CLASSES), 1)

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
        x = self.enter(self.enter_norm(rows.transpose(1, 2))).relu()
        for block in self.blocks:
            x = block(x)
        speaking, closed = self.speaking(x), self.closed(x)
        moves = self.heads(x).transpose(1, 2).unflatten(2, (self.shape.styles, self.shape.moves))
        gate = speaking.sigmoid().transpose(1, 2).unsqueeze(2)
        heard = self.heard(x).transpose(1, 2)
        return Answer(moves * gate, speaking[:, 0], closed[:, 0], self.bitten(x)[:, 0], heard)


def widened(start: Articulator, *, like: int = 0) -> Articulator:
    """Return ``start`` with one more style, which begins as a copy of style ``like``."""
    shape = replace(start.shape, styles=start.shape.styles + 1)
    state = dict(start.state_dict())
    for part in ("heads.weight", "heads.bias"):
        copied = state[part][like * shape.moves : (like + 1) * shape.moves]
        state[part] = torch.cat([state[part], copied])
    model = Articulator(shape)
    model.load_state_dict(state)
    return model
