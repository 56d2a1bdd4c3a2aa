"""Columns that a network of one's own learns: the user's channels, and the ARKit channels they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhapsode.errors import InputError
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.own.rig import OwnRig
from rhapsode.train.own.takes import OwnTake

_MOVES = 2e-3
"""Spread above which a channel counts as moving."""


@dataclass(frozen=True)
class Columns:
    """What each column of the network's answer is.

    A channel of the user's that is an ARKit channel by another name is one column; a map that adds up or
    takes the largest is learned as columns of its own, so that any map can be.

    Args:
        rig: the user's.
        own: column by channel of the rig that is learned; first in order.
        arkit: ARKit channels learned beside them, in order.
        routes: per column the ARKit channels that it drives.
        still: learned channels of the rig that never move.

    """

    rig: OwnRig
    own: tuple[str, ...]
    arkit: tuple[str, ...]
    routes: tuple[tuple[str, ...], ...]
    still: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.own) + len(self.arkit)

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Per column the ARKit channel that it is, else its own name."""
        named = [
            route[0] if len(route) == 1 else name for name, route in zip(self.keys, self.routes, strict=True)
        ]
        return tuple(named)

    @property
    def keys(self) -> tuple[str, ...]:
        """Per column a unique name."""
        return (*self.own, *(f"arkit.{name}" if name in self.own else name for name in self.arkit))

    @property
    def moves(self) -> dict[str, tuple[str, ...]]:
        """For the manifest: each column with the ARKit channels that it drives, which may be none."""
        return dict(zip(self.keys, self.routes, strict=True))

    def labels(self, unit: Float32) -> Float32:
        """Return (T, len(self)) float32 of (T, C) fractions of the rig's ranges."""
        places = [self.rig.names.index(name) for name in self.own]
        shown = self.rig.to_arkit(unit)[:, [ARKIT.index(name) for name in self.arkit]]
        return as_float32(np.concatenate([unit[:, places], shown], axis=1))


def choose(rig: OwnRig, takes: Sequence[OwnTake]) -> Columns:
    """Return the columns that takes of a rig give reason to learn.

    Raises:
        InputError: no learned channel moves.

    """
    unit = np.concatenate([take.unit for take in takes])
    spread = unit.std(axis=0)
    learned = [k for k, channel in enumerate(rig.channels) if channel.learn]
    own = [k for k in learned if spread[k] > _MOVES]
    if not own:
        names = ", ".join(rig.names[k] for k in learned[:4])
        raise InputError(
            f"no channel moves in {len(takes)} takes, expected curves of a speaking face; "
            f"{len(learned)} channels are constant ({names or 'none is learned'}): check what was exported"
        )
    sources: dict[str, list[int]] = {}
    for k in own:
        for target, _ in rig.channels[k].arkit:
            sources.setdefault(target, []).append(k)
    same: dict[int, str] = {}
    for target, from_ in sources.items():
        given = rig.channels[from_[0]].arkit
        if len(from_) == 1 and given == ((target, 1.0),):
            same[from_[0]] = target
    driven = rig.to_arkit(unit)
    arkit = [
        name
        for k, name in enumerate(ARKIT.channels)
        if driven[:, k].std() > _MOVES and name not in same.values() and not name.startswith(("eye", "brow"))
    ]
    return Columns(
        rig,
        tuple(rig.names[k] for k in own),
        tuple(arkit),
        (*((same[k],) if k in same else () for k in own), *((name,) for name in arkit)),
        tuple(rig.names[k] for k in learned if k not in own),
    )
