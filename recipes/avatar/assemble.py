"""All parts of one person."""

from __future__ import annotations

from recipes.avatar.anatomy import base_part, islands, visible
from recipes.avatar.bones import Skeleton
from recipes.avatar.clothes import OUTFITS, clothes_parts
from recipes.avatar.eyes import eye_parts
from recipes.avatar.face_map import head_uv
from recipes.avatar.hair import hair_parts, scalp_mask
from recipes.avatar.lashes import lash_parts
from recipes.avatar.mouth import mouth_parts
from recipes.avatar.occlusion import shaded
from recipes.avatar.people import Person
from recipes.avatar.piece import Look, Part
from recipes.avatar.skin import body_texture, head_texture
from recipes.avatar.source import Array, Source


def parts_of(source: Source, points: Array, bones: Skeleton, person: Person) -> list[Part]:
    """Return everything that is drawn of ``person``, in the source's frame and pose."""
    found = islands(source)
    clothes, hidden = clothes_parts(source, points, bones, OUTFITS[person.outfit])
    scalp = scalp_mask(source, points, person)
    head = Look("skin-head", "skin", head_texture(source, points, person, scalp), roughness=0.55)
    body = Look("skin-body", "skin", body_texture(source, points, person), roughness=0.6)
    seen = visible(source, found["body"], hidden)
    parts = [
        base_part(source, points, found["head"], head, name="head", moves=True, uv=head_uv(source)),
        base_part(source, points, seen, body, name="body", moves=False),
        *eye_parts(source, points, person.iris, person.skin),
        *mouth_parts(source, points),
        *lash_parts(source, points, person.hair_colour, woman=person.liner > 0),
        *hair_parts(source, points, person),
        *clothes,
    ]
    return shaded(source, parts)
