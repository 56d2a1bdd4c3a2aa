"""One spelling for every program's names."""

from __future__ import annotations

import pytest

from rhapsode.avatars.names import BONES, MOODS, OPEN, SIDED, SINGLE, VISEMES, VOWELS
from rhapsode.avatars.spelling import Index, key, keys
from rhapsode.rigs import BLENDSHAPES
from rhapsode.rigs.visemes import OCULUS_SHAPES


@pytest.mark.parametrize("channel", BLENDSHAPES)
def test_every_spelling_of_a_channel_is_found(channel: str) -> None:
    import re

    words = re.findall(r"[a-z]+|[A-Z][a-z]*", channel)
    base, side = words[:-1], words[-1]
    spellings = [
        channel,
        channel.upper(),
        channel[0].upper() + channel[1:],
        "_".join(words).lower(),
        "-".join(words).lower(),
        " ".join(words),
        f"blendShape1.{channel}",
        f"Head|{channel}",
        f"{channel}.001",
        f"CC_Base_{channel}",
    ]
    if side in ("Left", "Right"):
        letter, plain = side[0], "".join(base)
        spellings += [f"{plain}_{letter}", f"{plain}.{letter}", f"{plain}{letter}", f"{letter}_{plain}"]
        spellings += [f"{plain}_{letter.lower()}", f"{side} {plain}", f"Face.{plain}_{letter}"]
    for spelling in spellings:
        assert Index([spelling, "other"]).find(channel.lower()) == (spelling,), spelling


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("Face.M_F00_000_00_Fcl_MTH_A", "mtha"),
        ("M_F00_000_00_Fcl_EYE_Close_L", "eyecloseleft"),
        ("vrc.v_aa", "vaa"),
        ("Face.A", "a"),
        ("mixamorig:LeftEye", "eyeleft"),
        ("mixamorigLeftEye", "eyeleft"),
        ("J_Adj_L_FaceEye", "faceeyeleft"),
        ("左目", "目left"),
        ("ｳｨﾝｸ２右", "ウィンク2right"),
        ("V_Explosive", "vexplosive"),
    ],
)
def test_prefixes_fall_away(name: str, spelling: str) -> None:
    assert spelling in {found for _, found in keys(name)}


def test_one_letter_counts_only_as_a_whole() -> None:
    assert Index(["Fcl_ALL_A", "part_i"]).find("a") == ()
    assert Index(["part_i"]).find("i") == ()
    assert Index(["A", "mouth.I"]).find("i") == ("mouth.I",)


def test_the_nearest_name_wins_and_namespaces_join() -> None:
    names = ["old_jawOpen", "jawOpen", "face.jawOpen", "teeth.jawOpen"]
    assert Index(names).find("jawopen") == ("jawOpen", "face.jawOpen", "teeth.jawOpen")
    assert Index(names).find("mouthopen") == ()


@pytest.mark.parametrize("name", ["", "  ", "..", "_", "L", "Left", "\u0000", "右"])
def test_odd_names_do_no_harm(name: str) -> None:
    assert isinstance(key(name), str)
    assert Index([name]).find("jawopen") == ()


def test_tables_are_spelled_as_names_are_looked_up() -> None:
    tables = [*VOWELS.values(), *VISEMES.values(), *BONES.values(), OPEN]
    tables += [tuple(row) for table in (SIDED, SINGLE, MOODS) for row in table.values()]
    for words in tables:
        for word in words:
            assert key(word) == word, word


def test_tables_name_real_channels() -> None:
    sides = {name.removesuffix("Left") for name in BLENDSHAPES if name.endswith("Left")}
    assert set(SIDED) <= sides
    assert set(SINGLE) <= set(BLENDSHAPES)
    assert set(MOODS) <= sides | set(BLENDSHAPES)
    assert set(VISEMES) == {name for name, shape in OCULUS_SHAPES.items() if shape}
