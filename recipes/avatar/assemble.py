"""All parts of one person."""

from __future__ import annotations

import numpy as np

from recipes.avatar.anatomy import base_part, islands, visible
from recipes.avatar.bones import Skeleton
from recipes.avatar.clothes import OUTFITS, clothes_parts
from recipes.avatar.piece import Look, Part
from recipes.avatar.people import Person
from recipes.avatar.source import Array, Source


def parts_of(source: Source, points: Array, bones: Skeleton, person: Person) -> list[Part]:
    """Return everything that is drawn of ``person``, in the source's frame and pose."""
    found = islands(source)
    clothes, hidden = clothes_parts(source, points, bones, OUTFITS[person.outfit])
    tone = tuple((np.array(person.skin) / 255) ** 2.2) + (1.0,)
    skin = Look("skin-head", "skin", colour=tone, roughness=0.55)
    cavity = Look("mouth-cavity", "mouth", colour=(0.12, 0.02, 0.02, 1.0), roughness=0.4)
    parts = [
        base_part(source, points, found["head"], skin, name="head", moves=True),
        base_part(source, points, found["cavity"], cavity, name="cavity", moves=True),
        base_part(source, points, visible(source, found["body"], hidden), skin, name="body", moves=False),
    ]
    white = Look("eyes", "eye", colour=(0.8, 0.8, 0.8, 1), roughness=0.2)
    for side in ("l", "r"):
        parts.append(base_part(source, points, source.mesh.groups[f"helper-{side}-eye"], white, name=f"eye-{side}", moves=True))
    return [*parts, *clothes]
