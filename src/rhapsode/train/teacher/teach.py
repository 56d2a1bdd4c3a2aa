"""From phones with their times to 52 ARKit curves: what a network learns from when no camera was there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs.arkit import BLENDSHAPES
from rhapsode.rigs.lips import EFFECTS, REST_GAP
from rhapsode.train.teacher.blend import ARTICULATORS, Dynamics, Part, TimedPhone, mixing, parts, smooth
from rhapsode.train.teacher.contact import contact, resting
from rhapsode.train.teacher.phones import REST, SHAPES, STRENGTHS

VOWELS = frozenset(("vowel", "rounded"))
INNER_HZ = 200
"""Rate at which the movements are computed."""

SMOOTHED_S = 0.04
"""Width of the window over the mixed shapes."""


@dataclass(frozen=True)
class Manner:
    """How a speaker articulates.

    Args:
        fitted: 0 follows the hand-written table, 1 what was fitted to a real speaker.
        effort: scales jaw and lip opening.
        lips: scales rounding, funnel and spread.
        loudness_gain: how much 10 dB above the median open the mouth further.
        stress_gain: how much a primary stress opens a vowel further.

    """

    fitted: float = 0.5
    effort: float = 1.0
    lips: float = 1.0
    loudness_gain: float = 0.12
    stress_gain: float = 0.1


@dataclass(frozen=True)
class _Table:
    """Dynamics by articulator, and (phones, articulators) targets."""

    dynamics: dict[str, Dynamics]
    targets: dict[str, NDArray[np.float64]] = field(repr=False)


PUCKER, FUNNEL = 0.9, 0.85
"""Weights of a full rounding and a full funnel."""

SPREAD = {"mouthStretch": 0.28, "mouthSmile": 0.2, "mouthDimple": 0.1}
SPREAD_CM = 0.6
"""How much wider a full spread makes the mouth; a full rounding makes it 1 cm narrower."""

PRESSED = {"mouthPress": 0.22, "mouthRollLower": 0.12, "mouthRollUpper": 0.1}
BITTEN = {"mouthRollLower": 0.3, "mouthShrugLower": 0.1}
LIP_RAISED_CM = 0.18
"""How far [f] lifts the upper lip off the teeth that the lower one touches."""

CLOSED_CM = -0.02
"""Gap that a closure aims at: a little less than nothing."""

JAW_PER_CLOSE = 0.97
"""A closing mouthClose takes back at least this part of jawOpen: on some rigs 1 undoes 1."""

PARTED = (0.55, 0.45)
"""Shares of a gap beyond the jaw's that the lower and the upper lip make."""

MOST_PARTED = 0.45


def teach(
    phones: Sequence[TimedPhone],
    duration_s: float,
    *,
    loudness: NDArray | None = None,
    manner: Manner | None = None,
    rate_hz: float = CURVE_HZ,
) -> Float32:
    """Return (T, 52) ARKit curves of a mouth that says ``phones``; curve frame k is at k / rate_hz seconds.

    Lips touch in every bilabial and at rest, the lower lip touches the teeth in every labiodental, whatever
    stands beside them; see `rhapsode.rigs.lips` for the geometry.

    Args:
        phones: in order of time.
        duration_s: length of the sound.
        loudness: (T,) contour from `rhapsode.train.teacher.loudness`, at ``rate_hz``.
        manner: how the speaker articulates.
        rate_hz: curve frames a second.

    Raises:
        KeyError: a phone is not in the table.

    """
    manner = manner or Manner()
    count = int(np.ceil(round(duration_s * rate_hz, 6)))
    inner = np.arange(int(np.ceil(duration_s * INNER_HZ)) + 1) / INNER_HZ
    timeline = parts(phones, duration_s)
    gain = np.ones(len(inner))
    if loudness is not None and len(loudness):
        gain += manner.loudness_gain * np.interp(inner * rate_hz, np.arange(len(loudness)), loudness)
    shapes = _mixed(timeline, inner, manner)
    shapes[:, :2] *= (manner.effort * gain)[:, None]
    shapes[:, 2:] *= manner.lips
    shapes = smooth(shapes, INNER_HZ, SMOOTHED_S)
    weights = _weights(shapes, timeline, inner)
    at = np.arange(count) / rate_hz
    return as_float32(np.stack([np.interp(at, inner, column) for column in weights.T], axis=1))


def _mixed(timeline: Sequence[Part], times: NDArray, manner: Manner) -> NDArray[np.float64]:
    """Return (T, articulators) the mixed targets."""
    table = _table(manner.fitted)
    stress = 1 + manner.stress_gain * np.asarray(
        [part.stress * (SHAPES[part.name].hold in VOWELS) for part in timeline]
    )
    columns = []
    for k, articulator in enumerate(ARTICULATORS):
        wanted = np.asarray([table.targets[part.name][k] for part in timeline])
        if articulator in ("jaw", "gap"):
            wanted = wanted * stress
        columns.append(mixing(timeline, times, table.dynamics[articulator]) @ wanted)
    return np.stack(columns, axis=1)


def _weights(shapes: NDArray, timeline: Sequence[Part], times: NDArray) -> NDArray[np.float64]:
    """Return (T, 52) weights from (T, articulators) shapes, with the contacts made."""
    rest = resting(timeline, times)
    lips = np.maximum(contact(timeline, times, frozenset(("lips",))), rest)
    near = contact(timeline, times, frozenset(("near",)))
    teeth = contact(timeline, times, frozenset(("teeth",)))
    free = 1 - np.maximum(lips, 0.6 * teeth)
    jaw, gap, rounding, funnel, spread = shapes.T
    jaw, spread = jaw * (1 - rest), spread * (1 - rest) * (1 - 0.5 * lips)
    rounding, funnel = rounding * (1 - rest), funnel * (1 - rest) * free
    jaw = jaw * (1 - 0.45 * teeth)
    gap = gap * (1 - np.maximum(near, teeth)) + np.maximum(near * 0.15, teeth * (0.1 + LIP_RAISED_CM))
    shut = CLOSED_CM + (REST_GAP - CLOSED_CM) * rest
    gap = gap * (1 - lips) + lips * shut

    curves = {name: np.zeros(len(times)) for name in BLENDSHAPES}
    curves["jawOpen"], curves["mouthPucker"], curves["mouthFunnel"] = jaw, PUCKER * rounding, FUNNEL * funnel
    _add(curves, SPREAD, spread)
    _add(curves, PRESSED, lips * (1 - rest))
    _add(curves, BITTEN, teeth)
    curves["tongueOut"] = _tongue(timeline, times)
    passive = REST_GAP + sum(EFFECTS[name].gap * curves[name] for name in EFFECTS)
    missing = np.maximum(gap - passive, 0)
    for share, move in zip(PARTED, ("mouthLowerDown", "mouthUpperUp"), strict=True):
        reach = EFFECTS[f"{move}Left"].gap + EFFECTS[f"{move}Right"].gap
        _add(curves, {move: 1.0}, np.minimum(share * missing / reach, MOST_PARTED))
    _add(curves, {"mouthUpperUp": 1.0}, teeth * LIP_RAISED_CM / 0.702)
    _close(curves, gap, lips)
    return np.asarray(np.clip(np.stack([curves[name] for name in BLENDSHAPES], axis=1), 0, 1), np.float64)


def _close(curves: dict[str, NDArray], gap: NDArray, lips: NDArray) -> None:
    """Set mouthClose so that the lips are ``gap`` cm apart, and surely together where ``lips`` is 1."""
    open_gap = REST_GAP + sum(EFFECTS[name].gap * curves[name] for name in EFFECTS if name != "mouthClose")
    wanted = np.maximum(open_gap - gap, 0) / -EFFECTS["mouthClose"].gap
    sure = np.where(lips > 0, lips**2 * JAW_PER_CLOSE * curves["jawOpen"], 0)
    curves["mouthClose"] = np.maximum(wanted, sure)


def _tongue(timeline: Sequence[Part], times: NDArray) -> NDArray[np.float64]:
    shown = np.asarray([SHAPES[part.name].tongue for part in timeline])
    dynamics = Dynamics(0.04, 0.04, {})
    return np.asarray(mixing(timeline, times, dynamics) @ shown, np.float64)


def _add(curves: dict[str, NDArray], amounts: dict[str, float], track: NDArray) -> None:
    for move, amount in amounts.items():
        for name in (move,) if move in curves else (f"{move}Left", f"{move}Right"):
            curves[name] = curves[name] + amount * track


@cache
def fitted() -> dict[str, Any]:
    """Return what recipes/corpus/fit_teacher.py found: dynamics, targets and the error that is left."""
    text = resources.files(__package__).joinpath("fitted.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _table(share: float) -> _Table:
    """Return the hand-written table moved by ``share`` towards the fitted one."""
    found = fitted()
    targets = {
        name: np.asarray([getattr(shape, articulator) for articulator in ARTICULATORS])
        for name, shape in SHAPES.items()
    }
    for k, articulator in enumerate(("jaw", "gap")):
        moved: dict[str, list[float]] = {}
        for name, value in found[articulator]["targets"].items():
            step = share * (value - targets[name][k])
            targets[name][k] += step
            moved.setdefault(SHAPES[name].hold, []).append(step)
        for name, shape in SHAPES.items():
            if name not in found[articulator]["targets"] and shape.hold in moved and name != REST:
                targets[name][k] = max(targets[name][k] + float(np.mean(moved[shape.hold])), 0.0)
    for name, width in found["width"]["targets"].items():
        if not SHAPES[name].contact:
            wide = np.asarray([max(-width, 0.0), targets[name][3], max(width, 0.0) / SPREAD_CM])
            targets[name][2:] += share * (wide - targets[name][2:])
    jaw, gap = _dynamics("jaw", found["jaw"], share), _dynamics("gap", found["gap"], share)
    lips = _dynamics("lips", found["width"], share)
    return _Table(dict(zip(ARTICULATORS, (jaw, gap, lips, lips, lips), strict=True)), targets)


def _dynamics(articulator: str, found: dict[str, Any], share: float) -> Dynamics:
    """Return the fitted time constants with dominances between the hand-written and the fitted ones."""
    fit = found["dynamics"]
    strength = {
        hold: by_hand ** (1 - share) * fit["strength"].get(hold, by_hand) ** share
        for hold, by_hand in STRENGTHS[articulator].items()
    }
    return Dynamics(fit["lead_s"], fit["trail_s"], strength, fit["power"])
