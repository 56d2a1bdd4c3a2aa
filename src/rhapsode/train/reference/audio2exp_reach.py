"""A network that is not sure answers between its choices: give its rounding the reach of the faces it saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rhapsode.face.features import log_mel
from rhapsode.face.features_level import WIDTH, RunningLevel, level_free
from rhapsode.face.reference.basis import SPEECH, Basis
from rhapsode.performance import HOP, as_float32
from rhapsode.train.reach import MOST, SPEAKING, STRETCHED
from rhapsode.train.reference.audio2exp import DELAY, Audio2Exp, speech_rows
from rhapsode.train.takes import MOVES, Take


def restore_reach(
    model: Audio2Exp, takes: Sequence[Take], basis: Basis, *, style: int
) -> dict[str, list[float]]:
    """Stretch the rounding moves of a style, in place, to the mean and spread that they have in ``takes``.

    Only the last layer changes: the speech gate still rests the face. A stretch of moves is a linear map of
    the coefficients, because the speech axes are an orthonormal turn of the moves.

    Args:
        model: trained, in evaluation mode.
        takes: of that style, as they are.
        basis: of the coefficients.
        style: the head.

    Returns:
        The gain and the offset of each move that is stretched; 1 and 0 where nothing is surely speech.

    """
    turn = speech_rows(basis)
    made, wanted = [], []
    for take in takes:
        count = len(take.labels)
        y = np.zeros((count + DELAY) * HOP, np.float32)
        y[: len(take.y)] = take.y
        rows = level_free(log_mel(y), RunningLevel()).reshape(-1, WIDTH)
        with torch.no_grad():
            answer = model(torch.from_numpy(as_float32(rows))[None])
        sure = answer.speaking[0, DELAY:].sigmoid().numpy() > SPEAKING
        made.append((answer.coefficients[0, DELAY:, style].numpy() @ turn)[:count][sure[:count]])
        wanted.append(take.labels[sure[:count]])
    ours, theirs = np.concatenate(made).astype(np.float64), np.concatenate(wanted).astype(np.float64)
    if not len(theirs):
        return {move: [1.0, 0.0] for move in STRETCHED}
    chosen = np.isin(list(MOVES), STRETCHED)
    ratio = theirs.std(axis=0) / np.maximum(ours.std(axis=0), 1e-6)
    gain = np.where(chosen, np.clip(ratio, 1, MOST), 1)
    offset = np.where(chosen, theirs.mean(axis=0) - gain * ours.mean(axis=0), 0)
    mixed = torch.from_numpy(turn @ np.diag(gain) @ turn.T).float()
    rows_of = slice(style * SPEECH, (style + 1) * SPEECH)
    with torch.no_grad():
        model.heads.weight[rows_of] = mixed.T @ model.heads.weight[rows_of]
        model.heads.bias[rows_of] = (
            mixed.T @ model.heads.bias[rows_of] + torch.from_numpy(turn @ offset).float()
        )
    named = zip(MOVES, gain.round(3).tolist(), offset.round(3).tolist(), strict=True)
    return {move: [g, o] for move, g, o in named if move in STRETCHED}
