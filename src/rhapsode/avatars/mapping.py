"""Which of an avatar's morph targets play which face channel, and how well.

Order of preference for each ARKit channel: a VRM expression of that name (the "perfect sync" convention),
a morph target of that name (case does not matter; ``_L`` and ``_R`` stand for Left and Right), and at last
a mix of the VRM presets that come near it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.avatar import Avatar
from rhapsode.rigs import BLENDSHAPES

_PRESETS: dict[str, dict[str, float]] = {
    "eyeBlinkLeft": {"blinkLeft": 1.0},
    "eyeBlinkRight": {"blinkRight": 1.0},
    "jawOpen": {"aa": 1.6},
    "mouthFunnel": {"oh": 0.8},
    "mouthPucker": {"ou": 0.9},
    "mouthStretchLeft": {"ih": 0.5},
    "mouthStretchRight": {"ih": 0.5},
    "mouthLowerDownLeft": {"ee": 0.35},
    "mouthLowerDownRight": {"ee": 0.35},
    "mouthSmileLeft": {"happy": 0.2, "relaxed": 0.2},
    "mouthSmileRight": {"happy": 0.2, "relaxed": 0.2},
    "mouthFrownLeft": {"sad": 0.3},
    "mouthFrownRight": {"sad": 0.3},
    "browDownLeft": {"angry": 0.3},
    "browDownRight": {"angry": 0.3},
}
_BOTH_EYES = {"eyeBlinkLeft": {"blink": 0.5}, "eyeBlinkRight": {"blink": 0.5}}


@dataclass(frozen=True)
class ChannelMap:
    """How the 52 ARKit channels move an avatar's morph targets.

    Args:
        morphs: the avatar's morph target names.
        found: channel to (morph target, gain) pairs of the very shape.
        stood_in: channel to pairs that come near it.

    """

    morphs: tuple[str, ...]
    found: Mapping[str, tuple[tuple[str, float], ...]]
    stood_in: Mapping[str, tuple[tuple[str, float], ...]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels that nothing on the avatar plays."""
        return tuple(name for name in BLENDSHAPES if name not in self.found and name not in self.stood_in)

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """(52, M) float32: morph target weights that each channel adds at 1."""
        made = np.zeros((len(BLENDSHAPES), len(self.morphs)), np.float32)
        place = {name: index for index, name in enumerate(self.morphs)}
        for table in (self.found, self.stood_in):
            for channel, pairs in table.items():
                for morph, gain in pairs:
                    made[BLENDSHAPES.index(channel), place[morph]] += gain
        return made

    def morph_weights(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return morph target weights in [0, 1], (M,) or (T, M), of ARKit weights (52,) or (T, 52)."""
        return np.asarray(np.clip(np.asarray(channels, np.float32) @ self.matrix, 0.0, 1.0), np.float32)

    def report(self) -> dict[str, Any]:
        """Return the coverage: channels found, stood_in and missing, each a list of names."""
        return {
            "found": [name for name in BLENDSHAPES if name in self.found],
            "stood_in": [name for name in BLENDSHAPES if name in self.stood_in],
            "missing": list(self.missing),
        }


def map_channels(avatar: Avatar) -> ChannelMap:
    """Find the morph targets of ``avatar`` that play each of the 52 ARKit channels.

    Example:
        map_channels(load("mira")).report()["missing"]

    """
    morphs = {_key(name): name for name in reversed(avatar.morph_names)}
    custom = {_key(name): row for name, row in avatar.expressions.items() if row.binds}
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    stood_in: dict[str, tuple[tuple[str, float], ...]] = {}
    for channel in BLENDSHAPES:
        key = _key(channel)
        if key in custom:
            found[channel] = custom[key].binds
        elif key in morphs:
            found[channel] = ((morphs[key], 1.0),)
        else:
            pairs = _stand_in(avatar, channel)
            if pairs:
                stood_in[channel] = pairs
    return ChannelMap(avatar.morph_names, found, stood_in)


def _key(name: str) -> str:
    """Return ``name`` in one spelling: lower case, Left and Right written out, no separators."""
    for ending, side in (("_L", "Left"), ("_R", "Right"), (".L", "Left"), (".R", "Right")):
        if name.endswith((ending, ending.lower())):
            name = name[: -len(ending)] + side
    tail = name.rpartition(".")[2]
    return "".join(letter for letter in tail.lower() if letter.isalnum())


def _stand_in(avatar: Avatar, channel: str) -> tuple[tuple[str, float], ...]:
    for table in (_PRESETS, _BOTH_EYES):
        mix: dict[str, float] = {}
        for preset, gain in table.get(channel, {}).items():
            row = avatar.expressions.get(preset)
            for morph, weight in row.binds if row else ():
                mix[morph] = mix.get(morph, 0.0) + gain * weight
        if mix:
            return tuple(mix.items())
    return ()
