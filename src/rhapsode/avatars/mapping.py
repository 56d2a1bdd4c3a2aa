"""How the 61 values of a face move an avatar: morph target weights and turns of bones.

`ChannelMap` is the result, `rhapsode.avatars.finding.map_channels` finds it in any avatar, and
`rhapsode.avatars.remembered.load_mapping` prefers the one that the user wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.bones import Jaw
from rhapsode.avatars.mouth import ATOMS, Mouth, Pairs, opening
from rhapsode.performance import Float32
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.gaze import EYES as EYE_ANGLES
from rhapsode.rigs.gaze import eye_angles
from rhapsode.rotations import turn

Eyes = Literal["morphs", "bones", "none"]

EYES: tuple[Eyes, ...] = ("morphs", "bones", "none")
LOOK = tuple(name for name in BLENDSHAPES if name.startswith("eyeLook"))
"""Channels of gaze."""

_LOOK_AT = [BLENDSHAPES.index(name) for name in LOOK]
_COUNT = len(BLENDSHAPES)


@dataclass(frozen=True)
class ChannelMap:
    """What each face value does to one avatar.

    Args:
        morphs: the avatar's morph target names.
        found: channel to (morph target, gain) pairs of the very shape.
        stood_in: channel to pairs that come near it; a negative gain takes from what other channels give.
        mouth: what speaks where ARKit's mouth is not there.
        jaw: the bone that opens the mouth, if a bone does.
        eyes: whether morph targets or bones turn the eyes.
        bones: node index of "head", "neck", "leftEye" and "rightEye" as far as the avatar has them.
        eye_gain: share of a real eye's turn that the eye bones make.
        origin: "found" by names, or "file" where a person wrote it.
        empty: morph targets that move nothing, and so play nothing.

    """

    morphs: tuple[str, ...]
    found: Mapping[str, Pairs]
    stood_in: Mapping[str, Pairs]
    mouth: Mouth = field(default_factory=Mouth)
    jaw: Jaw | None = None
    eyes: Eyes = "none"
    bones: Mapping[str, int] = field(default_factory=dict)
    origin: Literal["found", "file"] = "found"
    empty: tuple[str, ...] = ()
    eye_gain: float = 1.0

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels that nothing on the avatar plays."""
        by_bones: tuple[str, ...] = ("jawOpen", "jawLeft", "jawRight", "mouthClose") if self.jaw else ()
        by_bones += LOOK if self.eyes == "bones" else ()
        played = {*self.found, *self.stood_in, *self.mouth.channels, *by_bones}
        return tuple(name for name in BLENDSHAPES if name not in played)

    def drives(self, channel: str) -> dict[str, float]:
        """Return the morph targets that ``channel`` moves, and how much where nothing else plays."""
        made: dict[str, float] = {}
        for table in (self.found, self.stood_in):
            for morph, gain in table.get(channel, ()):
                made[morph] = made.get(morph, 0.0) + gain
        for shape, pairs in self.mouth.shapes.items():
            share = ATOMS[self.mouth.kind][shape].get(channel, 0.0)
            for morph, gain in pairs if share else ():
                made[morph] = made.get(morph, 0.0) + gain * share * self.mouth.gain
        return made

    @cached_property
    def matrix(self) -> Float32:
        """(52, M) float32: what each channel adds to the morph targets, to first order."""
        made = np.zeros((_COUNT, len(self.morphs)), np.float32)
        for index, channel in enumerate(BLENDSHAPES):
            for morph, gain in self.drives(channel).items():
                made[index, self._place[morph]] = gain
        return made

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.morphs)}

    @cached_property
    def _linear(self) -> Float32:
        """(52, M): the channels that play by themselves."""
        made = np.zeros((_COUNT, len(self.morphs)), np.float32)
        for table in (self.found, self.stood_in):
            for channel, pairs in table.items():
                for morph, gain in pairs:
                    made[BLENDSHAPES.index(channel), self._place[morph]] += gain
        if self.eyes != "morphs":
            made[_LOOK_AT] = 0.0
        return made

    @cached_property
    def _spoken(self) -> Float32:
        """(S, M): what the shapes of the mouth are made of."""
        made = np.zeros((len(self.mouth.shapes), len(self.morphs)), np.float32)
        for row, pairs in zip(made, self.mouth.shapes.values(), strict=True):
            for morph, gain in pairs:
                row[self._place[morph]] += gain
        return made

    def morph_weights(self, values: NDArray[np.floating]) -> Float32:
        """Return morph target weights in [0, 1], (M,) or (T, M) float32.

        Args:
            values: (C,) or (T, C) of `rhapsode.rigs.FACE`; C is 61, or 52 without the angles.

        """
        face = np.asarray(values, np.float32)
        rows = np.atleast_2d(face)[:, :_COUNT]
        made = rows @ self._linear
        if self.mouth.shapes:
            made = made + self.mouth.weights(rows) @ self._spoken
        made = np.asarray(np.clip(made, 0.0, 1.0), np.float32)
        return made if face.ndim == 2 else made[0]

    def bone_angles(self, values: NDArray[np.floating]) -> dict[str, Float32]:
        """Return yaw, pitch and roll of jaw and eye bones by humanoid name, (T, 3) radians.

        Signs are those of `rhapsode.rigs.arkit`: yaw to the character's right, pitch down. Faces that have
        only eyeLook weights turn their eyes by these.

        Args:
            values: (T, 61) of `rhapsode.rigs.FACE`.

        """
        rows, made = np.asarray(values, np.float32), {}
        if self.jaw is not None:
            made["jaw"] = self._jaw_angles(rows, self.jaw)
        if self.eyes == "bones":
            turns = rows.copy()
            turns[:, EYE_ANGLES] = eye_angles(rows)
            turns = turns[:, _COUNT + 3 :] * np.float32(self.eye_gain)
            made["leftEye"], made["rightEye"] = turns[:, :3], turns[:, 3:]
        return made

    def bone_rotations(self, values: NDArray[np.floating]) -> dict[str, Float32]:
        """Return `bone_angles` as unit quaternions x, y, z, w, (T, 4), in the avatar's axes, on its rest."""
        angles = self.bone_angles(values)
        return {bone: turn(rows.astype(np.float64)).astype(np.float32) for bone, rows in angles.items()}

    def _jaw_angles(self, rows: Float32, jaw: Jaw) -> Float32:
        made = np.zeros((len(rows), 3), np.float32)
        if self.mouth.kind == "opening":
            share = opening(rows) * self.mouth.gain
        else:
            share = rows[:, FACE.index("jawOpen")].astype(np.float64)
            if "mouthClose" not in self.found:
                share = share - rows[:, FACE.index("mouthClose")]
        made[:, 1] = share.clip(0.0, 1.0) * jaw.open_rad
        for sign, name in ((1.0, "jawRight"), (-1.0, "jawLeft")):
            if name not in self.found:
                made[:, 0] += sign * rows[:, FACE.index(name)].clip(0.0, 1.0) * jaw.side_rad
        return made

    @property
    def nodes(self) -> dict[str, int]:
        """Nodes that `bone_angles` turn, by humanoid bone name."""
        made = {"jaw": self.jaw.node} if self.jaw else {}
        if self.eyes == "bones":
            made.update({bone: self.bones[bone] for bone in ("leftEye", "rightEye")})
        return made

    def report(self) -> dict[str, Any]:
        """Return the coverage as a JSON document, see `rhapsode.avatars.coverage.coverage`."""
        from rhapsode.avatars.coverage import coverage

        return coverage(self)
