"""The user's rig: its channels, their ranges, and what each of them is on an ARKit face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

import numpy as np

from rhapsode.errors import RigError
from rhapsode.performance import Float32, as_float32, as_rate
from rhapsode.rigs import ANGLES, ARKIT, maps, rig_named, rigs

_ENOUGH = 0.8
"""Share of the channels that must be those of a known rig for its map to count."""


@dataclass(frozen=True)
class OwnChannel:
    """A channel of the user's rig.

    Args:
        name: as the files say it.
        low: of its range.
        high: of its range; what is learned is the value over the larger of both.
        arkit: weight by ARKit channel; empty where no ARKit channel is like it.
        learn: whether sound is to move it.

    """

    name: str
    low: float = 0.0
    high: float = 1.0
    arkit: tuple[tuple[str, float], ...] = ()
    learn: bool = True

    @property
    def scale(self) -> float:
        """What a learned value of 1 stands for."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True)
class OwnRig:
    """The channels of the user's rig, in their order.

    Args:
        name: of the rig and of the engine.
        channels: all of them.
        like: the known rig whose map to ARKit counts; None takes the channels' own.
        symmetric: whether left and right are learned as one.
        fps: of curves that do not say it; None if the rig does not either.

    """

    name: str
    channels: tuple[OwnChannel, ...]
    like: str | None = None
    symmetric: bool = False
    fps: Fraction | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the channels."""
        return tuple(channel.name for channel in self.channels)

    @property
    def unshown(self) -> tuple[str, ...]:
        """Learned channels that no ARKit channel is like: an ARKit avatar does not show them."""
        return tuple(channel.name for channel in self.channels if channel.learn and not channel.arkit)

    def unit(self, values: Float32) -> Float32:
        """Return (T, C) values in the rig's own units as fractions of their ranges."""
        return as_float32(values / np.array([channel.scale for channel in self.channels], np.float32))

    def to_arkit(self, unit: Float32) -> Float32:
        """Return (T, 52) ARKit weights in [0, 1] of (T, C) fractions; the largest source counts."""
        made = np.zeros((len(unit), len(ARKIT)), np.float32)
        if self.like is not None:
            known = rig_named(self.like)
            full = np.zeros((len(unit), len(known)), np.float32)
            for column, name in enumerate(self.names):
                if name in known.channels:
                    full[:, known.index(name)] = unit[:, column]
            made = maps()[(self.like, ARKIT.name)].apply(full)
        for column, channel in enumerate(self.channels):
            if self.like is not None and channel.name in rig_named(self.like).channels:
                continue
            for target, weight in channel.arkit:
                place = ARKIT.index(target)
                made[:, place] = np.maximum(made[:, place], weight * unit[:, column])
        return np.asarray(made.clip(0, 1), np.float32)

    def mirrored(self) -> list[tuple[int, int]]:
        """Return the columns of left and right partners."""
        place = {_spelled(name): k for k, name in enumerate(self.names)}
        return [
            (k, place[other])
            for key, k in place.items()
            if key.endswith("left") and (other := f"{key.removesuffix('left')}right") in place
        ]


def make_rig(found: Sequence[str], described: Mapping[str, Any] | None, *, name: str, top: float) -> OwnRig:
    """Return the rig of a data folder.

    Args:
        found: names of the channels in the files.
        described: as `rhapsode.train.own.rig_file.read_rig` returns it; None takes the channels of the files.
        name: of the rig if nothing names it.
        top: the largest value in the files: above 1.5 a rig that nobody described counts to 100.

    Raises:
        RigError: the rig names no channel of the files, or one that looks misspelt.

    """
    given = described or {}
    listed: Mapping[str, Mapping[str, Any]] = given.get("channels") or {key: {} for key in found}
    _check_names(list(listed), found)
    like = given.get("like") or _known(list(listed))
    common = given.get("range") or ((0.0, 100.0) if top > 1.5 and described is None else (0.0, 1.0))
    swap = given.get("sides") == "viewer"
    channels = []
    for channel, entry in listed.items():
        arkit = entry["arkit"] if "arkit" in entry else _guess(channel, like, swap=swap)
        low, high = entry.get("range") or common
        learn = entry.get("learn", not _is_upper(channel, arkit))
        channels.append(OwnChannel(channel, low, high, tuple(arkit.items()), bool(learn)))
    fps = as_rate(given["fps"]) if given.get("fps") else None
    described_like = None if any("arkit" in entry for entry in listed.values()) or swap else like
    title = str(given.get("name", name))
    return OwnRig(title, tuple(channels), described_like, bool(given.get("symmetric", False)), fps)


def _check_names(listed: list[str], found: Sequence[str]) -> None:
    missing = [name for name in listed if name not in found]
    for name in missing:
        near = get_close_matches(name, found, n=3, cutoff=0.8)
        if near or len(missing) == len(listed):
            nearest = near or get_close_matches(name, found, n=3, cutoff=0) or list(found[:3])
            raise RigError(
                f"no file has the rig's channel '{name}'; nearest: {', '.join(nearest)}; correct the rig"
            )


def _known(names: Sequence[str]) -> str | None:
    """Return the rig with a map to ARKit whose channels these are, for the most part."""
    for rig in rigs().values():
        if (rig.name, ARKIT.name) in maps() and rig.name not in ("arkit", "face"):
            share = sum(name in rig.channels for name in names) / len(names)
            if share >= _ENOUGH:
                return rig.name
    return None


def _guess(name: str, like: str | None, *, swap: bool) -> dict[str, float]:
    """Return what a channel drives on ARKit by a known rig's map, or by its own name."""
    if like is not None and name in rig_named(like).channels:
        known = rig_named(like)
        probe = np.zeros((1, len(known)), np.float32)
        probe[0, known.index(name)] = 1
        # A map to visemes or the like may give a channel at rest something to do.
        driven = maps()[(like, ARKIT.name)].apply(probe)[0]
        rest = maps()[(like, ARKIT.name)].apply(0 * probe)[0]
        return {ARKIT.channels[k]: float(driven[k]) for k in np.flatnonzero(driven - rest > 1e-4)}
    key = _spelled(name)
    if swap:
        sides = {"left": "right", "right": "left"}
        key = next((key.removesuffix(a) + b for a, b in sides.items() if key.endswith(a)), key)
    same = [channel for channel in ARKIT.channels if channel.lower() == key]
    if not same:
        same = [channel for channel in ARKIT.channels if channel.lower() in (f"{key}left", f"{key}right")]
    return dict.fromkeys(same, 1.0)


def _is_upper(name: str, arkit: Mapping[str, float]) -> bool:
    """Say whether a channel moves only what sound does not tell: eyes, brows, head."""
    if name in ANGLES or _spelled(name) in [angle.lower() for angle in ANGLES]:
        return True
    return bool(arkit) and all(target.startswith(("eye", "brow")) for target in arkit)


def _spelled(name: str) -> str:
    """Return a name in one spelling: lower case, no separators, sides written out behind."""
    plain = name.rpartition(".")[2]
    for mark, side in (("l", "left"), ("r", "right")):
        for separator in "_-. ":
            if plain.lower().endswith(f"{separator}{mark}"):
                plain = f"{plain[:-2]}{side}"
            elif plain.lower().startswith(f"{mark}{separator}"):
                plain = f"{plain[2:]}{side}"
    return "".join(letter for letter in plain.lower() if letter.isalnum())
