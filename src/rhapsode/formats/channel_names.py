"""Which rig the channels of a foreign file belong to, however they are spelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Curves
from rhapsode.rigs import BLENDSHAPES, Rig, retarget, rigs

FEWEST = 5
"""Channels of a rig that must be there, unless all of them are."""


def key(name: str) -> str:
    """Return ``name`` in one spelling: lower case, Left and Right written out, no separators or prefixes.

    >>> key("Face.mouthSmile_L"), key("viseme_PP"), key("JawOpen")
    ('mouthsmileleft', 'pp', 'jawopen')
    """
    for ending, side in (("_L", "Left"), ("_R", "Right"), (".L", "Left"), (".R", "Right")):
        if name.endswith((ending, ending.lower())):
            name = name[: -len(ending)] + side
    tail = name.rpartition(".")[2].lower().removeprefix("viseme_").removeprefix("blendshape")
    return "".join(letter for letter in tail if letter.isalnum())


def rig_like(names: Mapping[str, Any]) -> tuple[Rig, dict[str, str]] | None:
    """Return the rig that most of ``names`` belong to, and the name of each channel that it has there.

    None where no rig has `FEWEST` channels among them.
    """
    spelled = {key(name): name for name in reversed(list(names))}
    best: tuple[Rig, dict[str, str]] | None = None
    for rig in rigs().values():
        found = {channel: spelled[key(channel)] for channel in rig.channels if key(channel) in spelled}
        enough = len(found) >= min(FEWEST, len(rig))
        if enough and (best is None or len(found) > len(best[1])):
            best = rig, found
    return best


def face_of(values: Mapping[str, NDArray[np.float64]], count: int, rate: Fraction) -> Curves | None:
    """Return curves of all ``face`` channels from the channels of a file, None where they are no rig's.

    Args:
        values: (count,) by the name that the file has; what is missing is 0.
        count: of curve frames.
        rate: curve frames per second.

    """
    found = rig_like(values)
    if found is None:
        return None
    rig, names = found
    given = Curves(tuple(names), np.stack([values[name] for name in names.values()], axis=1), rate)
    if set(names) <= set(BLENDSHAPES):
        rig = rigs()["arkit"]
    made = retarget(given.select(rig.channels, fill=0), "face")
    return replace(made, values=np.ascontiguousarray(made.values.reshape(count, len(made.names))))
