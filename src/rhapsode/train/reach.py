"""A network that is not sure answers between its choices, so its movements are too small: give them back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rhapsode.face.features import log_mel
from rhapsode.face.features_level import WIDTH, RunningLevel, level_free
from rhapsode.performance import HOP, as_float32
from rhapsode.train.loop import DELAY
from rhapsode.train.model import Articulator
from rhapsode.train.takes import MOVES, Take

STRETCHED = ("mouthFunnel", "mouthPucker")
"""Moves that are stretched: a stretched jaw would close in vowels."""

MOST = 1.8
"""A move that would have to be stretched further is too uncertain to be shown larger."""

SPEAKING = 0.9
"""How sure of speech the network must be for a curve frame to count."""


def restore_reach(
    model: Articulator, takes: Sequence[Take], *, style: int, delay: int = DELAY
) -> dict[str, list[float]]:
    """Stretch the moves of a style, in place, to the mean and spread that they have in ``takes``.

    Only the last layer changes: the speech gate still rests the face.

    Args:
        model: trained, in evaluation mode.
        takes: of that style, as they are.
        style: the head.
        delay: rows by which the network answers late.

    Returns:
        The gain and the offset of each of `STRETCHED`.

    """
    made, wanted = [], []
    for take in takes:
        count = len(take.labels)
        y = np.zeros((count + delay) * HOP, np.float32)
        y[: len(take.y)] = take.y
        rows = level_free(log_mel(y), RunningLevel()).reshape(-1, WIDTH)
        with torch.no_grad():
            answer = model(torch.from_numpy(as_float32(rows))[None])
        sure = answer.speaking[0, delay:].sigmoid().numpy() > SPEAKING
        made.append(answer.moves[0, delay:, style].numpy()[:count][sure[:count]])
        wanted.append(take.labels[sure[:count]])
    ours, theirs = np.concatenate(made).astype(np.float64), np.concatenate(wanted).astype(np.float64)
    chosen = np.isin(list(MOVES), STRETCHED)
    ratio = theirs.std(axis=0) / np.maximum(ours.std(axis=0), 1e-6)
    gain = np.where(chosen, np.clip(ratio, 1, MOST), 1)
    offset = np.where(chosen, theirs.mean(axis=0) - gain * ours.mean(axis=0), 0)
    columns = slice(style * model.shape.moves, (style + 1) * model.shape.moves)
    with torch.no_grad():
        scale = torch.from_numpy(gain).float()
        model.heads.weight[columns] *= scale[:, None]
        model.heads.bias[columns] = model.heads.bias[columns] * scale + torch.from_numpy(offset).float()
    named = zip(MOVES, gain.round(3).tolist(), offset.round(3).tolist(), strict=True)
    return {move: [g, o] for move, g, o in named if move in STRETCHED}
