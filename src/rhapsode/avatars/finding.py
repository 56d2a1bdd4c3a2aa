"""Finds what plays the face of an avatar: its expressions, its morph targets by name, its bones."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import numpy as np

from rhapsode.avatars.avatar import Avatar
from rhapsode.avatars.bones import Jaw, bone_nodes, eye_gain, find_eyes, find_jaw
from rhapsode.avatars.mapping import LOOK, ChannelMap, Eyes
from rhapsode.avatars.mouth import OPEN, Mouth, Pairs
from rhapsode.avatars.names import LOOKS, MOODS, SIDED, SINGLE, VISEMES, VOWELS
from rhapsode.avatars.names import OPEN as OPEN_SPELLINGS
from rhapsode.avatars.spelling import Index, key
from rhapsode.rigs import BLENDSHAPES

_ROUND = ("mouthFunnel", "mouthPucker")
_LIPS = (
    *("mouthClose", "mouthStretchLeft", "mouthRollLower", "mouthRollUpper", "mouthPressLeft"),
    *("mouthLowerDownLeft", "mouthUpperUpLeft", "mouthShrugLower", *_ROUND),
)
_ENOUGH_LIPS = 4
_ENOUGH_LOOKS = 4  # eyes that look one way only would seem to squint
_ENOUGH_VISEMES = 6
_EMPTY = 1e-4  # of the size of its mesh: a shape that moves less is empty
_AA_JAW = 0.6  # jawOpen of a full "aa"

_known: WeakKeyDictionary[Avatar, ChannelMap] = WeakKeyDictionary()


def map_channels(avatar: Avatar) -> ChannelMap:
    """Find what plays each face channel on ``avatar``, by the names of its shapes and bones.

    An expression of a VRM comes before a morph target of the same name. Where ARKit's mouth is not there,
    visemes speak, else vowels, else a jaw bone or any one shape that opens the mouth.

    Example:
        map_channels(load("mira")).report()["missing"]

    """
    if avatar not in _known:
        _known[avatar] = _Search(avatar).result()
    return _known[avatar]


class _Search:
    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        self._living = living_morphs(avatar)
        self._expressions = {
            name: binds
            for name, row in avatar.expressions.items()
            if (binds := tuple(pair for pair in row.binds if pair[0] in self._living))
        }
        self._by_expression = Index(self._expressions)
        self._by_morph = Index(self._living)

    def result(self) -> ChannelMap:
        found = {name: pairs for name in BLENDSHAPES if (pairs := self._find(name.lower()))}
        stood_in = {name: pairs for name in BLENDSHAPES if name not in found and (pairs := self._near(name))}
        eyes, bones = self._eyes(found, stood_in)
        mouth, jaw = self._mouth(found)
        for name in mouth.channels:
            found.pop(name, None)
            stood_in.pop(name, None)
        if mouth.kind == "channels" and "mouthClose" not in found and "jawOpen" in found:
            stood_in["mouthClose"] = tuple((morph, -gain) for morph, gain in found["jawOpen"])
        gain = (
            eye_gain(self._avatar, {bone: bones[bone] for bone in ("leftEye", "rightEye")})
            if eyes == "bones"
            else 1.0
        )
        empty = tuple(name for name in self._avatar.morph_names if name not in self._living)
        morphs = self._avatar.morph_names
        return ChannelMap(morphs, found, stood_in, mouth, jaw, eyes, bones, empty=empty, eye_gain=gain)

    def _find(self, spelling: str) -> Pairs:
        """Return what one spelling names, as (morph target, gain) pairs."""
        expression = self._by_expression.find(spelling)
        if expression:
            return self._expressions[expression[0]]
        return tuple((name, 1.0) for name in self._by_morph.find(spelling))

    def _near(self, channel: str) -> Pairs:
        """Return what comes near a channel."""
        base = channel.removesuffix("Left").removesuffix("Right")
        if channel in SINGLE or base == channel:
            table = {channel.lower(): 1.0, **SINGLE.get(channel, {})}
            ways = [(self._middle(word), gain) for word, gain in table.items()]
        else:
            side = channel.removeprefix(base).lower()
            table = {base.lower(): 1.0, **SIDED.get(base, {})}
            ways = [(self._sided(word, side), gain) for word, gain in table.items()]
            ways += [(self._find(word), gain / 2) for word, gain in table.items()]
        share = 1.0 if channel in SINGLE else 0.5
        ways += [(self._mood(word), gain * share) for word, gain in MOODS.get(base, {}).items()]
        return next((_scaled(pairs, gain) for pairs, gain in ways if pairs), ())

    def _mood(self, spelling: str) -> Pairs:
        """Return what a mood does; names that only end like a mood are parts of a face, not moods."""
        names = (*self._expressions, *self._living)
        whole = next((name for name in names if key(name) == spelling), "")
        return self._expressions.get(whole, ((whole, 1.0),) if whole else ())

    def _middle(self, spelling: str) -> Pairs:
        return self._find(spelling) or (*self._find(f"{spelling}left"), *self._find(f"{spelling}right"))

    def _sided(self, spelling: str, side: str) -> Pairs:
        """Return what plays one side; of two shapes of which only one names its side the other is left."""
        named = self._find(spelling + side)
        other = side == "left" and self._find(f"{spelling}right")
        return named or (self._find(spelling) if other else ())

    def _eyes(self, found: dict[str, Pairs], stood_in: dict[str, Pairs]) -> tuple[Eyes, Mapping[str, int]]:
        """Decide what turns the eyes; channels of gaze that do not are taken out."""
        bones = dict(bone_nodes(self._avatar))
        if all(name in found for name in LOOK):
            return "morphs", bones
        turning = find_eyes(self._avatar)
        if turning:
            for name in LOOK:
                found.pop(name, None)
                stood_in.pop(name, None)
            return "bones", {**bones, **turning}
        for look, channels in LOOKS.items():
            pairs = self._find(look.lower())
            for name in channels if pairs else ():
                if name not in found:
                    stood_in[name] = _scaled(pairs, 0.5)
        if sum(name in found or name in stood_in for name in LOOK) >= _ENOUGH_LOOKS:
            return "morphs", bones
        for name in LOOK:
            found.pop(name, None)
            stood_in.pop(name, None)
        return "none", bones

    def _mouth(self, found: Mapping[str, Pairs]) -> tuple[Mouth, Jaw | None]:
        lips = sum(name in found for name in _LIPS)
        jaw = None if "jawOpen" in found else find_jaw(self._avatar)
        if lips >= _ENOUGH_LIPS and any(name in found for name in _ROUND) and ("jawOpen" in found or jaw):
            return Mouth("channels"), jaw
        visemes = self._shapes(VISEMES)
        if len(visemes) >= _ENOUGH_VISEMES and "aa" in visemes and ("oh" in visemes or "ou" in visemes):
            return Mouth("visemes", visemes), None
        vowels = self._shapes(VOWELS)
        if "aa" in vowels and len(vowels) > 1:
            return Mouth("vowels", vowels), None
        if jaw is not None:
            return Mouth("opening"), jaw
        single = found.get("jawOpen") or next((p for word in OPEN_SPELLINGS if (p := self._find(word))), ())
        if not single and (vowels or visemes):
            single = _scaled(vowels.get("aa") or visemes.get("aa") or (), 1 / _AA_JAW)
        return (Mouth("opening", {OPEN: single}) if single else Mouth("none")), None

    def _shapes(self, table: Mapping[str, tuple[str, ...]]) -> dict[str, Pairs]:
        """Return the shapes of a table that the avatar has."""
        made = {}
        for name, words in table.items():
            pairs = next((pairs for word in words if (pairs := self._find(word))), ())
            if pairs:
                made[name] = pairs
        return made


def living_morphs(avatar: Avatar) -> tuple[str, ...]:
    """Return the morph targets that move anything; exporters keep empty ones, which would play nothing."""
    living = set()
    for part in avatar.primitives:
        extent = float(np.ptp(part.positions, axis=0).max(initial=0.0))
        for name, row in part.morphs.items():
            if float(np.abs(row.offsets).max(initial=0.0)) > _EMPTY * extent:
                living.add(name)
    return tuple(name for name in avatar.morph_names if name in living)


def _scaled(pairs: Pairs, gain: float) -> Pairs:
    return tuple((morph, gain * weight) for morph, weight in pairs)
