"""The audio2exp network: mel, light Transformer encoder, LSTM, expression coefficients; with its losses.

The layout is that of the lip-sync stage in FaceFusion-like pipelines: an encoder that sees half a second,
a recurrent layer that makes the movement steady, and a small expression space with bounds. The encoder is
causal with a bounded window (Vaswani et al., "Attention is all you need", 2017; distances as a learned bias
per head), so that keys and values can be kept from row to row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rhapsode.face.features_level import WIDTH
from rhapsode.face.reference.basis import SPEECH, Basis
from rhapsode.rigs import ARKIT
from rhapsode.train.takes import MOVES
from rhapsode.train.teacher import CLASSES

DELAY = 2
"""Rows by which the network answers late: row p speaks of curve frame p - 2, 60 ms of look-ahead."""

SMOOTHING = (0.25, 0.5, 0.25)
"""Weights of a row and the two before it in the coefficients that leave the network."""


@dataclass(frozen=True)
class Shape:
    """The sizes of an `Audio2Exp`.

    Args:
        styles: heads, one per label style.
        width: channels inside.
        layers: of the encoder.
        attending: attention heads per layer.
        window: rows that an attention head sees: this one and those before it.
        stem: rows that the first layer sees.
        inputs: numbers per row.

    """

    styles: int = 3
    width: int = 128
    layers: int = 3
    attending: int = 4
    window: int = 32
    stem: int = 5
    inputs: int = WIDTH


class Answer(NamedTuple):
    """What the network says about each row.

    Args:
        coefficients: (B, T, styles, 15), smoothed: the speech coefficients of the basis.
        speaking: (B, T) logit of speech.
        closed: (B, T) logit of touching lips.
        bitten: (B, T) logit of a lower lip at the teeth.
        heard: (B, T, classes) logits of the phone.

    """

    coefficients: Tensor
    speaking: Tensor
    closed: Tensor
    bitten: Tensor
    heard: Tensor


class WindowAttention(nn.Module):  # type: ignore[misc]
    """Attention over the last rows. Before the beginning of a sound lie keys and values of zero."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attending, self.window = shape.attending, shape.window
        self.ask = nn.Linear(shape.width, 3 * shape.width)
        self.leave = nn.Linear(shape.width, shape.width)
        slopes = torch.tensor([0.5, 0.25, 0.1, 0.0])[torch.arange(shape.attending) % 4]
        # Entry d of a head is the bias at a distance of d rows.
        self.bias = nn.Parameter(-slopes[:, None] * torch.arange(shape.window))
        query, key = torch.arange(shape.window)[:, None], torch.arange(2 * shape.window - 1)
        distance = query + shape.window - 1 - key
        outside = (distance < 0) | (distance >= shape.window)
        self.register_buffer("distance", distance.clamp(0, shape.window - 1), persistent=False)
        self.register_buffer("outside", outside, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, T, width): blocks of queries, each with its own and the block before it."""
        count, width = x.shape[1:]
        window = self.window
        padded = nn.functional.pad(self.ask(x), (0, 0, 0, -count % window))
        query, key, value = padded.unflatten(2, (3, self.attending, -1)).unbind(2)
        blocks = query.unflatten(1, (-1, window)).transpose(2, 3)
        past = (0, 0, 0, 0, window - 1, 0)
        keys, values = (
            nn.functional.pad(part, past).unfold(1, 2 * window - 1, window) for part in (key, value)
        )
        scores = blocks @ keys * (width // self.attending) ** -0.5 + self.bias[:, self.distance]
        share = scores.masked_fill(self.outside, -torch.inf).softmax(-1)
        seen = (share @ values.transpose(3, 4)).transpose(2, 3).flatten(3).flatten(1, 2)
        made: Tensor = self.leave(seen[:, :count])
        return made


class EncoderLayer(nn.Module):  # type: ignore[misc]
    """x + attention(norm(x)), then x + feed-forward(norm(x)). Norms are over one row: they see no time."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attention = WindowAttention(shape)
        self.widen = nn.Linear(shape.width, 2 * shape.width)
        self.narrow = nn.Linear(2 * shape.width, shape.width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, T, width)."""
        x = x + self.drop(self.attention(self.first_norm(x)))
        made: Tensor = x + self.drop(self.narrow(self.widen(self.second_norm(x)).relu()))
        return made


class Audio2Exp(nn.Module):  # type: ignore[misc]
    """Rows of level-free log-mel in, expression coefficients per style out, `DELAY` rows late."""

    def __init__(self, shape: Shape | None = None, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        self.stem = nn.Conv1d(shape.inputs, shape.width, shape.stem)
        self.encoder = nn.ModuleList(EncoderLayer(shape, dropout) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.memory = nn.LSTM(shape.width, shape.width, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.heads = nn.Linear(shape.width, shape.styles * SPEECH)
        nn.init.normal_(self.heads.weight, std=0.01)
        self.contacts = nn.Linear(shape.width, 3)
        self.heard = nn.Linear(shape.width, len(CLASSES))
        self.register_buffer("smoothing", torch.tensor(SMOOTHING[::-1]), persistent=False)

    def forward(self, rows: Tensor) -> Answer:
        """Return what is to be said about each row.

        Args:
            rows: (B, T, inputs).

        """
        past = (self.shape.stem - 1, 0)
        x = self.stem(nn.functional.pad(rows.transpose(1, 2), past)).relu().transpose(1, 2)
        for layer in self.encoder:
            x = layer(x)
        x = self.norm(x)
        x = self.drop(x + self.memory(x)[0])
        speaking, closed, bitten = self.contacts(x).unbind(2)
        raw = self.heads(x) * speaking.sigmoid()[:, :, None]
        taps = len(SMOOTHING)
        smooth = nn.functional.pad(raw, (0, 0, taps - 1, 0)).unfold(1, taps, 1) @ self.smoothing
        coefficients = smooth.unflatten(2, (self.shape.styles, SPEECH))
        return Answer(coefficients, speaking, closed, bitten, self.heard(x))


def speech_rows(basis: Basis) -> np.ndarray:
    """Return (15, len(MOVES)) float64: what a speech coefficient of 1 does to each move; orthonormal."""
    columns = [ARKIT.index(channels[0]) for channels in MOVES.values()]
    return np.asarray(basis.to_weights[:SPEECH, columns], np.float64)
