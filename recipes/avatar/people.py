"""Who is built: shapes, skin, eyes, hair and clothes of every default avatar, as tables."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Person:
    """One default avatar.

    Args:
        name: file name and avatar name.
        title: one line for people.
        macro: values in [0, 1] of the macro axes.
        details: detail targets and their weights; "b:" stands for left and right.
        skin: base skin colour, sRGB.
        lips: lip colour, sRGB, and how much of it covers the skin.
        iris: iris colour, sRGB.
        hair: style name of `hair.hair_parts`.
        hair_colour: sRGB.
        outfit: name of an outfit of `clothes.clothes_parts`.
        beard: strength of a beard shadow, 0 to 1.
        liner: strength of the eye liner, 0 to 1.

    """

    name: str
    title: str
    macro: dict[str, float]
    details: dict[str, float]
    skin: Rgb
    lips: tuple[Rgb, float]
    iris: Rgb
    hair: str
    hair_colour: Rgb
    outfit: str
    beard: float = 0.0
    liner: float = 0.0


_WOMAN = {"gender": 0.95, "age": 0.70, "muscle": 0.5, "weight": 0.42, "height": 0.45, "proportions": 0.0}
_WOMAN |= {"cupsize": 0.35, "firmness": 0.6}
_MAN = {"gender": 0.12, "age": 0.70, "muscle": 0.55, "weight": 0.36, "height": 0.45, "proportions": 0.0}

_WOMAN_FACE = {
    "head/head-oval": 0.5,
    "head/head-scale-vert-decr": 0.1,
    "head/head-scale-horiz-decr": 0.15,
    "forehead/forehead-scale-vert-decr": 0.3,
    "cheek/b:cheek-volume-incr": 0.2,
    "cheek/b:cheek-bones-incr": 0.25,
    "eyes/b:eye-scale-incr": 0.75,
    "eyes/b:eye-corner2-up": 0.15,
    "eyebrows/eyebrows-trans-up": 0.2,
    "ears/b:ear-scale-decr": 0.35,
    "ears/b:ear-wing-decr": 0.4,
    "nose/nose-scale-depth-decr": 0.25,
    "nose/nose-scale-horiz-decr": 0.35,
    "nose/nose-scale-vert-decr": 0.15,
    "nose/nose-volume-decr": 0.2,
    "nose/nose-point-up": 0.3,
    "nose/nose-hump-decr": 0.3,
    "mouth/mouth-angles-up": 0.55,
    "mouth/mouth-upperlip-volume-incr": 0.5,
    "mouth/mouth-lowerlip-volume-incr": 0.4,
    "mouth/mouth-scale-horiz-incr": 0.15,
    "chin/chin-width-decr": 0.45,
    "chin/chin-prominent-incr": 0.15,
    "neck/neck-scale-horiz-decr": 0.25,
    "neck/neck-scale-depth-decr": 0.2,
}
_MAN_FACE = {
    "head/head-oval": 0.35,
    "head/head-rectangular": 0.1,
    "head/head-scale-horiz-decr": 0.45,
    "head/head-scale-vert-decr": 0.45,
    "head/head-fat-decr": 0.2,
    "forehead/forehead-scale-vert-decr": 0.6,
    "forehead/forehead-temple-decr": 0.15,
    "eyes/b:eye-scale-incr": 0.75,
    "eyebrows/eyebrows-trans-up": 0.25,
    "ears/b:ear-scale-decr": 0.35,
    "ears/b:ear-wing-decr": 0.5,
    "cheek/b:cheek-bones-incr": 0.35,
    "cheek/b:cheek-volume-incr": 0.15,
    "nose/nose-scale-horiz-decr": 0.3,
    "nose/nose-volume-decr": 0.2,
    "nose/nose-scale-vert-decr": 0.25,
    "nose/nose-point-up": 0.2,
    "mouth/mouth-angles-up": 0.55,
    "mouth/mouth-lowerlip-volume-incr": 0.25,
    "mouth/mouth-upperlip-volume-incr": 0.3,
    "chin/chin-prominent-incr": 0.25,
    "chin/chin-width-incr": 0.2,
    "chin/chin-jaw-drop-decr": 0.3,
    "chin/chin-height-decr": 0.25,
    "neck/neck-scale-horiz-decr": 0.15,
    "eyes/b:eye-height1-incr": 0.15,
    "eyes/b:eye-height2-incr": 0.28,
    "eyes/b:eye-height3-incr": 0.15,
}

PEOPLE: dict[str, Person] = {
    person.name: person
    for person in (
        Person(
            "mira",
            "A woman with a chestnut bob and a teal sweater",
            {**_WOMAN, "african": 0.15, "asian": 0.3, "caucasian": 0.55},
            _WOMAN_FACE,
            skin=(224, 176, 150),
            lips=((182, 84, 82), 0.8),
            iris=(104, 124, 74),
            hair="bob",
            hair_colour=(112, 66, 40),
            outfit="sweater-teal",
            liner=0.6,
        ),
        Person(
            "noor",
            "A woman with dark hair gathered back and a burgundy sweater",
            {**_WOMAN, "african": 0.35, "asian": 0.4, "caucasian": 0.25},
            {**_WOMAN_FACE, "nose/nose-scale-horiz-decr": 0.25, "cheek/b:cheek-volume-incr": 0.3},
            skin=(182, 130, 98),
            lips=((150, 70, 68), 0.75),
            iris=(82, 52, 32),
            hair="bun",
            hair_colour=(44, 30, 24),
            outfit="sweater-burgundy",
            liner=0.7,
        ),
        Person(
            "teo",
            "A man with short side-parted hair and a navy sweater",
            {**_MAN, "african": 0.2, "asian": 0.2, "caucasian": 0.6},
            _MAN_FACE,
            skin=(206, 156, 128),
            lips=((164, 92, 82), 0.5),
            iris=(112, 88, 52),
            hair="short",
            hair_colour=(62, 42, 30),
            outfit="sweater-navy",
            beard=0.35,
        ),
        Person(
            "kofi",
            "A man with cropped hair and an olive shirt",
            {**_MAN, "african": 0.75, "asian": 0.1, "caucasian": 0.15},
            {**_MAN_FACE, "nose/nose-scale-horiz-decr": 0.15},
            skin=(140, 94, 70),
            lips=((124, 70, 62), 0.5),
            iris=(62, 40, 26),
            hair="cropped",
            hair_colour=(46, 36, 31),
            outfit="shirt-olive",
            beard=0.25,
        ),
    )
}

REST = {
    "mouthClose": 0.05,
    **{f"eyeBlink{side}": 0.07 for side in ("Left", "Right")},
    **{f"mouthSmile{side}": 0.2 for side in ("Left", "Right")},
    **{f"cheekSquint{side}": 0.15 for side in ("Left", "Right")},
    **{f"eyeSquint{side}": 0.12 for side in ("Left", "Right")},
}
"""The friendly rest pose: added at run time, never baked."""

LIMITS = {"jawOpen": 0.6, "mouthRollLower": 0.6, "mouthRollUpper": 0.6}
"""How far speech may move a channel: jawOpen 1 opens the mouth by 38 mm."""
