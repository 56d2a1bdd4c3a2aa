"""One drawable piece of an avatar: geometry in the source's frame and pose, its looks, how it moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.avatar.source import Array, Index
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Look:
    """What a renderer needs to know of a surface.

    Args:
        name: material name.
        shading: skin, eye, hair, cloth, mouth or lash.
        texture: base colour (sRGB), RGBA or RGB; None is plain ``colour``.
        colour: linear base colour factor, RGBA.
        roughness: 0 to 1.
        alpha: "OPAQUE", "MASK" or "BLEND".
        double_sided: whether back faces are drawn.

    """

    name: str
    shading: str
    texture: Image.Image | None = None
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    roughness: float = 0.6
    alpha: str = "OPAQUE"
    double_sided: bool = False


@dataclass(frozen=True)
class Part:
    """A piece of surface with one look.

    Args:
        name: "head", "body", "eyes", "teeth", "tongue", "lashes", "hair", "top", "trousers", "shoes", ...
        points: (V, 3) dm in the source's frame and A-pose, before the T-pose is baked.
        faces: (F, 3) point indices.
        uv: (V, 2), v upwards (as in the source's obj).
        look: its material.
        source: (V, S) sparse rows of weights over the 19,158 points of the base mesh, each row summing to 1:
            where bone weights (and face actions, if ``moves``) are taken from. Rows of a point that *is* a
            base point are one-hot; a point that lies on a face has its barycentric weights.
        moves: whether the 52 face actions move it (taken through ``source``).
        bone: bind everything to this one bone instead ("head" for hair).
        colours: (V, 3) linear vertex colours in [0, 1] that multiply the texture (occlusion), or None.
        extra_moves: face action -> (V, 3) dm, added to what comes through ``source``.

    """

    name: str
    points: Array
    faces: Index
    uv: Array
    look: Look
    source: csr_array | None = None
    moves: bool = False
    bone: str | None = None
    colours: Array | None = None
    extra_moves: dict[str, Array] = field(default_factory=dict)

    def kept(self, faces: NDArray[np.bool_]) -> Part:
        """Return the part with only the faces where ``faces`` is true, and the points they use."""
        used, compact = np.unique(self.faces[faces], return_inverse=True)
        return replace(
            self,
            points=self.points[used],
            faces=compact.reshape(-1, 3),
            uv=self.uv[used],
            source=None if self.source is None else self.source[used],
            colours=None if self.colours is None else self.colours[used],
            extra_moves={name: deltas[used] for name, deltas in self.extra_moves.items()},
        )
