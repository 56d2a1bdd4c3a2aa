"""From a table of macro values and details to a body: the shaped base mesh and its 52 face actions."""

from __future__ import annotations

from itertools import product

import numpy as np
from recipes.avatar.source import Array, Source

_AXES: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "age": ("baby", "child", "young", "old"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cupsize": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}
_RACES = ("african", "asian", "caucasian")
# Families of macro targets: the path pattern and the axes whose weights multiply.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("macrodetails/universal-{gender}-{age}-{muscle}-{weight}", ("gender", "age", "muscle", "weight")),
    (
        "macrodetails/height/{gender}-{age}-{muscle}-{weight}-{height}",
        ("gender", "age", "muscle", "weight", "height"),
    ),
    (
        "macrodetails/proportions/{gender}-{age}-{muscle}-{weight}-{proportions}",
        ("gender", "age", "muscle", "weight", "proportions"),
    ),
    (
        "breast/{gender}-{age}-{muscle}-{weight}-{cupsize}-{firmness}",
        ("gender", "age", "muscle", "weight", "cupsize", "firmness"),
    ),
)


def _weights(axis: str, value: float) -> dict[str, float]:
    """Linear interpolation weights between an axis' evenly spaced anchors."""
    names = _AXES[axis]
    anchors = np.linspace(0, 1, len(names))
    return {
        name: float(np.interp(value, anchors, row))
        for name, row in zip(names, np.eye(len(names)), strict=True)
    }


def macro_weights(macro: dict[str, float]) -> dict[str, float]:
    """Target path -> weight for a table of macro values in [0, 1]; missing ones are .5."""
    axis_weights = {axis: _weights(axis, macro.get(axis, 0.5)) for axis in _AXES}
    total = sum(macro.get(race, 0.0) for race in _RACES)
    out: dict[str, float] = {}
    for pattern, axes in _FAMILIES:
        for names in product(*(_AXES[axis] for axis in axes)):
            weight = float(
                np.prod([axis_weights[axis][name] for axis, name in zip(axes, names, strict=True)])
            )
            if weight > 0:
                out[pattern.format(**dict(zip(axes, names, strict=True)))] = weight
    for race, gender, age in product(_RACES, _AXES["gender"], _AXES["age"]):
        weight = macro.get(race, 0.0) / total * axis_weights["gender"][gender] * axis_weights["age"][age]
        if weight > 0:
            out[f"macrodetails/{race}-{gender}-{age}"] = weight
    return out


def detail_weights(details: dict[str, float]) -> dict[str, float]:
    """Target path -> weight; a name that starts with "b:" stands for its left and right twins."""
    out: dict[str, float] = {}
    for name, weight in details.items():
        folder, _, leaf = name.partition("/")
        leaves = [f"l-{leaf[2:]}", f"r-{leaf[2:]}"] if leaf.startswith("b:") else [leaf]
        out.update({f"{folder}/{each}": weight for each in leaves})
    return out


def shaped(source: Source, macro: dict[str, float], details: dict[str, float]) -> Array:
    """Points (19158, 3) in dm of the base mesh under macro values and detail targets."""
    points = source.mesh.points.copy()
    for name, weight in macro_weights(macro).items():
        if source.has_target(name):
            points += weight * source.target(name)
    for name, weight in detail_weights(details).items():
        points += weight * source.target(name)
    return points
