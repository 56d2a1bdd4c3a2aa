"""Hair styles by name."""

from __future__ import annotations

from collections.abc import Callable

from recipes.avatar.hair_long import bob, bun
from recipes.avatar.hair_short import cropped, short
from recipes.avatar.people import Person, Rgb
from recipes.avatar.piece import Part
from recipes.avatar.scalp import Scalp
from recipes.avatar.source import Array, Source

STYLES: dict[str, Callable[[Scalp, Rgb], list[Part]]] = {
    "bob": bob,
    "bun": bun,
    "short": short,
    "cropped": cropped,
}
"""Style name -> how it is made."""


def hair_parts(source: Source, points: Array, person: Person) -> list[Part]:
    """Return the hair of ``person``: bound to the head, in the source's frame."""
    return STYLES[person.hair](Scalp(source, points, person.hair), person.hair_colour)


def scalp_mask(source: Source, points: Array, person: Person) -> Array:
    """Return how much of the hair's colour is painted on every base point, (19158,) from 0 to 1."""
    return Scalp(source, points, person.hair).mask()
