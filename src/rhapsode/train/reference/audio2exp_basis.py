"""Fit the published expression basis to the faces that the network learns from, and write its file.

Speech axes: the first five are the principal components of the moves about the neutral face (no mean is
taken away: 0 stays neutral), every source of labels with the same say; a varimax rotation of what is left
makes the other ten easy to name. All fifteen are orthonormal in the moves, so decoding is well conditioned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.reference.basis import FORMAT, SPEECH
from rhapsode.rigs import ARKIT
from rhapsode.train.takes import MOVES, Take

Float64 = NDArray[np.float64]

PRINCIPAL = 5
MOVING = 0.02
"""A face whose largest move is below this rests, and says nothing about the axes."""

MARGIN = 0.1
"""How far a range goes beyond what was seen, as a part of its width."""

OPPOSED = {"mouthSide": ("mouthLeft", "mouthRight"), "jawSide": ("jawLeft", "jawRight")}
SINGLE = ("jawForward", "cheekPuff", "tongueOut")
UPPER = (
    *("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide"),
    *("browDown", "browInnerUp", "browOuterUp", "cheekSquint", "noseSneer"),
)

SPEECH_NAMES = {
    "opening": "the jaw opens, the lips with it: the loud part of every syllable",
    "rounding": "the lips pucker while the jaw closes: w, o, u; below 0 the open, spread a",
    "funnel": "the lips turn out to a funnel: sh, ch, r",
    "lipParting": "both lips part from the teeth without the jaw: s, th, sh, f",
    "lipPress": "the lips roll in, press and close: m, p",
    "upperLipRoll": "the upper lip rolls in without pressing",
    "lowerLipRoll": "the lower lip rolls in without pressing: f, v; below 0 the pressed m, p",
    "lipSeal": "the lips close over an open jaw without pressing: w, r",
    "smile": "the mouth corners go up and out",
    "upperLipLift": "the upper lip goes up more than the lower one goes down: f, s",
    "stretch": "the mouth corners go straight out: e, i",
    "dimple": "the mouth corners go back: e, i",
    "chinRaise": "chin and lower lip push up: f",
    "upperLipShrug": "the upper lip is pushed up",
    "frown": "the mouth corners go down",
}
"""Names of the speech axes in their order, written after looking at what the fit gave."""


def moments(takes: Sequence[Take]) -> Float64:
    """Return the mean product of every two moves, (15, 15), every style with the same trace."""
    total = np.zeros((len(MOVES), len(MOVES)))
    styles = sorted({take.style for take in takes if take.style >= 0})
    for style in styles:
        labels = np.concatenate([take.labels for take in takes if take.style == style]).astype(np.float64)
        moving = labels[labels.max(axis=1) > MOVING]
        product = moving.T @ moving
        total += product / np.trace(product)
    return total / len(styles)


def speech_axes(product: Float64, *, principal: int = PRINCIPAL) -> Float64:
    """Return (15, 15) orthonormal rows over `MOVES`: principal components, then a varimax rotation.

    H. F. Kaiser, "The varimax criterion for analytic rotation in factor analysis", Psychometrika 23 (1958).
    """
    _, vectors = np.linalg.eigh(product)
    vectors = vectors[:, ::-1]
    axes = np.concatenate([vectors[:, :principal], _varimax(vectors[:, principal:])], axis=1).T
    power = np.einsum("ki,ij,kj->k", axes, product, axes)
    order = [*range(principal), *(principal + np.argsort(-power[principal:], kind="stable")).tolist()]
    axes = axes[order]
    largest = np.abs(axes).argmax(axis=1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), largest])[:, None], np.float64)


def _varimax(loadings: Float64, *, rounds: int = 1000) -> Float64:
    rotation = np.eye(loadings.shape[1])
    for _ in range(rounds):
        turned = loadings @ rotation
        left, _, right = np.linalg.svd(loadings.T @ (turned**3 - turned * (turned**2).mean(axis=0)))
        rotation = left @ right
    return np.asarray(loadings @ rotation, np.float64)


def _pair(name: str) -> tuple[int, ...]:
    one = [ARKIT.index(name)] if name in ARKIT.channels else []
    return tuple(one or [ARKIT.index(f"{name}{side}") for side in ("Left", "Right")])


def matrices(axes: Float64) -> tuple[list[str], list[str], Float64, Float64]:
    """Return names and meanings of the 50 coefficients, (50, 52) to weights and (52, 50) back."""
    names, meanings, out, back = list(SPEECH_NAMES), list(SPEECH_NAMES.values()), [], []
    to_moves = np.zeros((len(MOVES), len(ARKIT)))
    for row, channels in enumerate(MOVES.values()):
        to_moves[row, [ARKIT.index(channel) for channel in channels]] = 1
    out += [*(axes @ to_moves)]
    back += [*(axes @ (to_moves / to_moves.sum(axis=1, keepdims=True)))]

    def add(name: str, meaning: str, effect: dict[int, float], reading: dict[int, float]) -> None:
        names.append(name)
        meanings.append(meaning)
        for rows, given in ((out, effect), (back, reading)):
            row = np.zeros(len(ARKIT))
            row[list(given)] = list(given.values())
            rows.append(row)

    def side(name: str) -> None:
        left, right = _pair(name)
        half = {left: 0.5, right: -0.5}
        add(f"{name}Side", f"half of {name}Left less {name}Right", {left: 1.0, right: -1.0}, half)

    for name in MOVES:
        if len(_pair(name)) == 2:
            side(name)
    for name, (one, other) in OPPOSED.items():
        signed = {ARKIT.index(one): 1.0, ARKIT.index(other): -1.0}
        add(name, f"{one} above 0, {other} below", signed, signed)
    for name in (*SINGLE, *UPPER):
        columns = _pair(name)
        mean = dict.fromkeys(columns, 1 / len(columns))
        what = name if len(columns) == 1 else f"mean of {name}Left and {name}Right"
        add(name, what, dict.fromkeys(columns, 1.0), mean)
        if len(columns) == 2:
            side(name)
    return names, meanings, np.stack(out), np.stack(back, axis=1)


def _allowed(back: Float64) -> tuple[Float64, Float64]:
    """Return the least and the greatest value of each coefficient over weights in [0, 1]."""
    return np.minimum(back, 0).sum(axis=0), np.maximum(back, 0).sum(axis=0)


def _seen(takes: Sequence[Take], axes: Float64) -> tuple[Float64, Float64]:
    """Return what the lowest and highest frames of any style reach, all but one in five thousand."""
    reached = []
    for style in sorted({take.style for take in takes if take.style >= 0}):
        labels = np.concatenate([take.labels for take in takes if take.style == style])
        reached.append(np.percentile(labels.astype(np.float64) @ axes.T, [0.02, 99.98], axis=0))
    return np.min(reached, axis=0)[0], np.max(reached, axis=0)[1]


def write_basis(takes: Sequence[Take], path: Path, *, recipe: str, sources: Sequence[dict[str, str]]) -> None:
    """Fit the basis to ``takes`` and write its file."""
    product = moments(takes)
    axes = speech_axes(product)
    names, meanings, out, back = matrices(axes)
    low, high = _allowed(back)
    least, most = _seen(takes, axes)
    width = most - least
    low[:SPEECH] = np.maximum(least - MARGIN * width, low[:SPEECH])
    high[:SPEECH] = np.minimum(most + MARGIN * width, high[:SPEECH])
    power = np.einsum("ki,ij,kj->k", axes, product, axes)
    share = [*(power / power.sum()).tolist(), *[None] * (len(names) - SPEECH)]
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "meaning": meaning,
            "low": round(float(low[k]), 4) + 0.0,
            "high": round(float(high[k]), 4),
            "share": None if share[k] is None else round(float(share[k]), 5),
        }
        for k, (name, meaning) in enumerate(zip(names, meanings, strict=True))
    ]
    made = {
        "format": FORMAT,
        "name": "expression50",
        "licence": "Apache-2.0",
        "recipe": recipe,
        "data": list(sources),
        "channels": list(ARKIT.channels),
        "coefficients": rows,
        "to_weights": (np.round(out, 8) + 0.0).tolist(),
        "to_coefficients": (np.round(back, 8) + 0.0).tolist(),
    }
    lines = json.dumps(made, indent=None, separators=(", ", ": "))
    for key in ('"coefficients": [', '"to_weights": [', '"to_coefficients": ['):
        lines = lines.replace(key, f"\n{key}\n")
    lines = lines.replace("], [", "],\n[").replace("}, {", "},\n{")
    path.write_text(lines + "\n", "utf-8")
