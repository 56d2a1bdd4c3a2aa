"""The table of rigs, and the one function that carries curves to any of them by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from rhapsode.errors import RigError
from rhapsode.performance import Curves
from rhapsode.rigs.arkit import ANGLES, ARKIT, BLENDSHAPES, FACE
from rhapsode.rigs.facegood import ARKIT_TO_FACEGOOD, FACEGOOD, FACEGOOD_TO_ARKIT
from rhapsode.rigs.livelink import (
    FACE_TO_LIVELINK_CSV,
    FACE_TO_LIVELINK_UDP,
    LIVELINK_CSV,
    LIVELINK_CSV_TO_FACE,
    LIVELINK_UDP,
    LIVELINK_UDP_TO_FACE,
)
from rhapsode.rigs.maps import RigMap, convert, renaming
from rhapsode.rigs.metahuman import FACE_TO_METAHUMAN, METAHUMAN, METAHUMAN_TO_FACE
from rhapsode.rigs.rig import Rig
from rhapsode.rigs.visemes import ARKIT_TO_VISEMES, VISEME_SETS, VISEMES_TO_ARKIT
from rhapsode.rigs.vrm import (
    ARKIT_TO_VRM0,
    ARKIT_TO_VRM1,
    VRM0,
    VRM0_TO_ARKIT,
    VRM0_TO_VRM1_MAP,
    VRM1,
    VRM1_TO_ARKIT,
    VRM1_TO_VRM0_MAP,
)

_RIGS: tuple[Rig, ...] = (
    *(ARKIT, FACE, FACEGOOD, LIVELINK_CSV, LIVELINK_UDP),
    *(*VISEME_SETS.values(), VRM0, VRM1, METAHUMAN),
)
_SAME = {name: name for name in BLENDSHAPES}
_MAPS: tuple[RigMap, ...] = (
    *(renaming(ARKIT, FACE, _SAME), renaming(FACE, ARKIT, _SAME)),
    *(ARKIT_TO_FACEGOOD, FACEGOOD_TO_ARKIT, ARKIT_TO_VRM0, ARKIT_TO_VRM1, VRM0_TO_ARKIT, VRM1_TO_ARKIT),
    *(VRM0_TO_VRM1_MAP, VRM1_TO_VRM0_MAP),
    *(FACE_TO_LIVELINK_CSV, FACE_TO_LIVELINK_UDP, LIVELINK_CSV_TO_FACE, LIVELINK_UDP_TO_FACE),
    *(FACE_TO_METAHUMAN, METAHUMAN_TO_FACE),
    *VISEMES_TO_ARKIT.values(),
    *ARKIT_TO_VISEMES.values(),
)


def rigs() -> dict[str, Rig]:
    """Return every known rig by the name that ``--rig`` takes."""
    return {rig.name: rig for rig in _RIGS}


def rig_named(name: str) -> Rig:
    """Return the rig called ``name``.

    Raises:
        RigError: there is none of that name; the message lists the known.

    """
    known = rigs()
    if name not in known:
        raise RigError(f"a rig must be one of: {', '.join(known)}; got '{name}'; choose one of them")
    return known[name]


def maps() -> dict[tuple[str, str], RigMap]:
    """Return every map by the names of its source and its target rig."""
    return {(m.source.name, m.target.name): m for m in _MAPS}


def rig_of(names: Iterable[str]) -> Rig:
    """Return the rig that channel names belong to, in whatever order they stand.

    Names of ARKit with some of the nine angles count as ``face``.

    Raises:
        RigError: they are not exactly the channels of a known rig.

    """
    given = frozenset(names)
    found = next((rig for rig in _RIGS if given == frozenset(rig.channels)), None)
    if found is None and frozenset(BLENDSHAPES) <= given <= frozenset(FACE.channels):
        found = FACE
    if found is not None:
        return found
    near = max(
        _RIGS, key=lambda rig: len(given & frozenset(rig.channels)) / len(given | frozenset(rig.channels))
    )
    missing, extra = [n for n in near.channels if n not in given], sorted(given - frozenset(near.channels))
    wrong = f"missing: {', '.join(missing[:4]) or 'none'}; unknown: {', '.join(extra[:4]) or 'none'}"
    raise RigError(
        f"channels must be those of a known rig; nearest is '{near.name}' with {len(near)}, "
        f"got {len(given)} ({wrong}); use Curves.select(names, fill=0) to complete them"
    )


def retarget(curves: Curves, rig: str, *, angles: bool = False) -> Curves:
    """Return ``curves`` on the rig called ``rig``, each curve frame on its own.

    The way goes over the shortest chain of maps, at most through ARKit. The nine head and eye angles
    reach the rigs that have them (``face`` and Live Link; 0 where the source has none); on every other rig
    they are dropped, or appended behind its channels if ``angles`` is true.

    Args:
        curves: on any known rig, channels in any order.
        rig: name of the rig to give, one of `rigs`.
        angles: keep the nine angles on a rig that has none.

    Raises:
        RigError: the rig or the channels are unknown, or ``angles`` is asked of a source without them.

    Example:
        >>> from rhapsode.rigs import ARKIT
        >>> rest = Curves(ARKIT.channels, np.zeros((50, 52)))
        >>> retarget(rest, "oculus")["sil"].min() > 0.99
        np.True_

    """
    target, source = rig_named(rig), rig_of(curves.names)
    made = curves.select(source.channels, fill=0 if source is FACE else None)
    for step in _route(source.name, target.name):
        made = convert(made, step)
    if not angles or target.angles:
        return made
    if not source.angles:
        raise RigError(
            f"angles=True needs curves with head and eye angles, got rig '{source.name}'; leave it out"
        )
    heads = retarget(curves, "face").select(ANGLES)
    return replace(
        made, names=made.names + ANGLES, values=np.concatenate([made.values, heads.values], axis=1)
    )


@cache
def _route(source: str, target: str) -> tuple[RigMap, ...]:
    """Return the shortest chain of maps from one rig to another."""
    reached: dict[str, tuple[RigMap, ...]] = {source: ()}
    waiting = [source]
    while waiting and target not in reached:
        here = waiting.pop(0)
        for (begin, end), step in maps().items():
            if begin == here and end not in reached:
                reached[end] = (*reached[here], step)
                waiting.append(end)
    return reached[target]
