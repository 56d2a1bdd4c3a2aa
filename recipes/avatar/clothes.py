"""Clothes: shells off the body's surface, cut along fields, hemmed with tubes; and what they hide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.avatar.anatomy import SKIN_POINTS, base_part, islands, triangles
from recipes.avatar.bones import Skeleton
from recipes.avatar.people import Rgb
from recipes.avatar.piece import Look, Part
from recipes.avatar.shoes import shoes
from recipes.avatar.source import Array, Source
from recipes.avatar.surface import (
    Field,
    clipped,
    edge_loops,
    evened,
    joined,
    merged,
    point_normals,
    smoothed,
    tube,
)
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

HIDDEN_DEPTH = 0.12
"""Decimetres inside a garment's edge from where the body below is left out."""


@dataclass(frozen=True)
class Outfit:
    """Colours (sRGB) and cut.

    Args:
        top: colour of the sweater or shirt.
        trousers: colour of the trousers.
        shoes: colour of the shoes' upper.
        neck: how far below the base of the neck the neckline lies at the front, dm.
        collar: radius of the neck band, dm.
        under: colour of a T-shirt that shows at the neck, or None.
        loose: how far the trousers stand off the legs, dm.

    """

    top: Rgb
    trousers: Rgb
    shoes: Rgb
    neck: float = 0.3
    collar: float = 0.05
    under: Rgb | None = None
    loose: float = 0.06


OUTFITS = {
    "sweater-teal": Outfit((42, 112, 118), (52, 54, 66), (232, 230, 226), neck=0.42),
    "sweater-burgundy": Outfit((122, 40, 54), (44, 46, 54), (60, 50, 48), neck=0.38),
    "sweater-navy": Outfit(
        (46, 62, 92), (120, 112, 100), (236, 234, 230), neck=0.3, under=(236, 236, 232), loose=0.14
    ),
    "shirt-olive": Outfit(
        (92, 98, 66), (48, 56, 76), (88, 66, 50), neck=0.32, under=(58, 60, 62), loose=0.14
    ),
}


def clothes_parts(
    source: Source, points: Array, bones: Skeleton, outfit: Outfit
) -> tuple[list[Part], NDArray[np.bool_]]:
    """Return the garments, and the base points that they hide (19158,) bool."""
    body = Body(source, points, bones)
    top, legs, feet = _top_field(body, outfit.neck), _trouser_field(bones), _shoe_field(bones)
    shell = merged(
        base_part(
            source,
            points,
            source.mesh.groups["helper-tights"],
            _fabric("x", (0, 0, 0)),
            name="x",
            moves=False,
        )
    )
    skin = merged(
        base_part(source, points, islands(source)["body"], _fabric("x", (0, 0, 0)), name="x", moves=False)
    )
    parts = [
        _garment(
            body,
            skin,
            top,
            _fabric("top", outfit.top, knit=True),
            0.09,
            outfit.collar,
            name="top",
            over=0.05 + outfit.loose,
        ),
        _garment(
            body, shell, legs, _fabric("trousers", outfit.trousers), outfit.loose, 0.03, name="trousers"
        ),
        shoes(source, points, bones, _shoe_look(outfit.shoes)),
    ]
    if outfit.under is not None:
        inner = _top_field(body, outfit.neck - 0.12)
        neck = bones.heads[bones.index("neck")][1]

        def under(points: Array) -> Array:
            return np.maximum(inner(points), neck - 0.9 - points[:, 1])

        parts.append(
            _garment(
                body,
                skin,
                under,
                _fabric("under", outfit.under),
                0.04,
                0.025,
                name="under",
                hems_above=neck - 0.8,
            )
        )
    hidden = np.minimum(np.minimum(top(points), legs(points)), feet(points)) < -HIDDEN_DEPTH
    return parts, hidden


class Body:
    """The body under the clothes: keeps cloth off the skin, and knows how thick the neck is."""

    def __init__(self, source: Source, points: Array, bones: Skeleton) -> None:
        faces = triangles(source.mesh.quads[source.mesh.groups["body"]], points)
        self.bones = bones
        self._points = points[:SKIN_POINTS]
        self._normals = point_normals(points, faces)[:SKIN_POINTS]
        self._near = cKDTree(self._points)
        neck = bones.heads[bones.index("neck")]
        ring = self._points[np.abs(self._points[:, 1] - neck[1] - 0.3) < 0.12]
        ring = ring[np.abs(ring[:, 0]) < 1.2]
        self.neck_width = float(np.abs(ring[:, 0]).max())
        self.neck_front, self.neck_back = float(ring[:, 2].max()), float(ring[:, 2].min())

    def off_skin(self, points: Array, clearance: float | Array) -> Array:
        """Push ``points`` out until they are ``clearance`` dm off the skin."""
        _, nearest = self._near.query(points, k=4)
        normals = self._normals[nearest].mean(axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        height = ((points - self._points[nearest].mean(axis=1)) * normals).sum(axis=1)
        return points + np.maximum(clearance - height, 0)[:, None] * normals


def _top_field(body: Body, low: float) -> Field:
    """Below zero: from hips to wrists, below a tilted ring around the neck that dips ``low`` dm in front."""
    bones = body.bones
    neck, hips = bones.heads[bones.index("neck")], bones.heads[bones.index("hips")]
    middle, half_depth = (body.neck_front + body.neck_back) / 2, (body.neck_front - body.neck_back) / 2

    def field(points: Array) -> Array:
        depth = (points[:, 2] - middle) / half_depth
        dip = np.logaddexp(0, 6 * depth) / 6
        ring = neck[1] + 0.1 - (low + 0.1) * np.minimum(dip, 1.6) - 0.25 * np.clip(depth, -1, 0)
        oval = np.hypot(points[:, 0] / body.neck_width, depth)
        above = np.minimum(points[:, 1] - ring, (2.1 - oval) * body.neck_width)
        below = hips[1] - 0.25 - points[:, 1]
        return np.maximum.reduce(
            [above, below, *(_beyond_wrist(bones, side, points) for side in ("left", "right"))]
        )

    return field


def _beyond_wrist(bones: Skeleton, side: str, points: Array) -> Array:
    """Decimetres beyond the wrist along the forearm; far below zero off the arm."""
    elbow, wrist = (bones.heads[bones.index(side + name)] for name in ("LowerArm", "Hand"))
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    t = (points - wrist) @ along
    off = np.linalg.norm(points - wrist - np.outer(t, along), axis=1)
    return np.where((off < 1.6) & (np.abs(points[:, 0]) > np.abs(elbow[0]) * 0.9), t + 0.08, -9.0)


def _trouser_field(bones: Skeleton) -> Field:
    """Below zero: from the waist to the ankles."""
    hips, foot = bones.heads[bones.index("hips")], bones.heads[bones.index("leftFoot")]
    knee = bones.heads[bones.index("leftLowerLeg")]

    def field(points: Array) -> Array:
        arms = np.abs(points[:, 0]) - (np.abs(knee[0]) + 1.3)
        return np.maximum.reduce([points[:, 1] - (hips[1] + 0.25), foot[1] + 0.05 - points[:, 1], arms])

    return field


def _shoe_field(bones: Skeleton) -> Field:
    """Below zero: below the ankle bone."""
    foot = bones.heads[bones.index("leftFoot")]
    return lambda points: points[:, 1] - (foot[1] + 0.12)


def _garment(
    body: Body,
    shell: Part,
    field: Field,
    look: Look,
    out: float,
    hem: float,
    *,
    name: str,
    over: float = 0.0,
    hems_above: float = -np.inf,
) -> Part:
    """Push the shell out, smooth it, keep it off the skin, cut it, and lay a tube along each cut edge.

    ``over`` widens it by so much towards the hips, to hang over the trousers; edges below ``hems_above`` get
    no tube.
    """
    hips = body.bones.heads[body.bones.index("hips")][1]
    room = out + over * np.clip((hips + 1.1 - shell.points[:, 1]) / 0.9, 0, 1)
    normals = point_normals(shell.points, shell.faces)
    loose = smoothed(shell.points + room[:, None] * normals, shell.faces, 12)
    worn = smoothed(body.off_skin(loose, room), shell.faces, 4)
    worn = body.off_skin(worn, 0.8 * room)
    cloth = clipped(replace(shell, points=worn, look=look, name=name), field)
    loops = [loop for loop in edge_loops(cloth.faces) if len(loop) > 12]
    cloth = evened(cloth, loops)
    seen = [loop for loop in loops if cloth.points[loop, 1].mean() > hems_above]
    return joined(name, [cloth, *(tube(cloth, loop, hem, flat=0.8, name=name) for loop in seen)])


def _fabric(name: str, colour: Rgb, *, knit: bool = False) -> Look:
    """Return cloth of one colour with a fine weave, or the ribs of a fine knit."""
    rng = np.random.default_rng(3)
    size = 512
    grain = gaussian_filter(rng.standard_normal((size, size)), 0.8, mode="wrap")
    cloud = gaussian_filter(rng.standard_normal((size, size)), 40, mode="wrap")
    shade = 1 + 0.03 * grain / grain.std() + 0.02 * cloud / cloud.std()
    if knit:
        across = np.arange(size) / size * 2 * np.pi
        shade = shade + 0.035 * np.sin(across * 128)[None, :] * np.cos(across * 96)[:, None]
    picture = np.clip(np.array(colour) * shade[..., None], 0, 255).astype(np.uint8)
    return Look(name, "cloth", texture=Image.fromarray(picture), roughness=0.9, double_sided=True)


def _shoe_look(colour: Rgb) -> Look:
    """Return a look whose texture's height is the shoe's: a light sole below, the upper above."""
    rows = np.linspace(1, 0, 128)[:, None, None]
    sole = np.array([236, 233, 226])
    picture = np.where(rows < 0.2, sole * (0.88 + 0.5 * rows), np.array(colour) * (0.85 + 0.15 * rows))
    texture = Image.fromarray(np.clip(np.repeat(picture, 16, axis=1), 0, 255).astype(np.uint8))
    return Look("shoes", "cloth", texture=texture, roughness=0.7)
