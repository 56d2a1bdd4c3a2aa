"""A walk over every name of every table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhapsode.rigs import ANGLES, ARKIT, BLENDSHAPES, FACE, Rig, maps, rigs
from rhapsode.rigs.facegood import FACEGOOD
from rhapsode.rigs.livelink import LIVELINK_CSV, LIVELINK_UDP
from rhapsode.rigs.visemes import OCULUS_SHAPES, OTHER_SPELLINGS, REST, SHAPES, VISEME_SETS
from rhapsode.rigs.vrm import VRM0, VRM0_CLIPS, VRM0_TO_VRM1, VRM1, VRM1_TO_VRM0

SHARED = Path(__file__).parents[2].parent / "shared"
COUNTS = {
    "arkit": 52,
    "face": 61,
    "facegood": 116,
    "livelink": 61,
    "livelink-udp": 61,
    "oculus": 15,
    "azure": 22,
    "polly": 17,
    "rhubarb": 9,
    "vrm0": 17,
    "vrm1": 18,
    "metahuman": 82,
}


def test_the_known_rigs_and_their_sizes() -> None:
    assert {name: len(rig) for name, rig in rigs().items()} == COUNTS


@pytest.mark.parametrize("rig", rigs().values(), ids=lambda rig: rig.name)
def test_names_are_unique_and_found(rig: Rig) -> None:
    assert len(set(rig.channels)) == len(rig.channels)
    assert [rig.index(name) for name in rig.channels] == list(range(len(rig)))
    assert all(name and name == name.strip() for name in rig.channels)
    assert rig.source


def test_arkit_comes_in_pairs() -> None:
    assert len(BLENDSHAPES) == 52
    assert (*BLENDSHAPES, *ANGLES) == FACE.channels
    for name in ARKIT.channels:
        if name.endswith("Left"):
            assert name.removesuffix("Left") + "Right" in ARKIT.channels


def test_facegood_order_is_that_of_the_takes() -> None:
    takes = sorted((SHARED / "data" / "facegood").glob("[23]_*.npz"))
    if not takes:
        pytest.skip("the FACEGOOD takes are not here")
    for take in takes:
        with np.load(take) as data:
            assert tuple(map(str, data["names"])) == FACEGOOD.channels


def test_facegood_known_places() -> None:
    assert FACEGOOD.channels[0] == "brow_lower_l"
    assert FACEGOOD.channels[-1] == "cheek_suck_l"
    assert FACEGOOD.index("mouth_stretch_c") == 74


def test_livelink_files_put_right_before_left_where_packets_do_not() -> None:
    assert LIVELINK_UDP.channels[14:18] == ("JawForward", "JawLeft", "JawRight", "JawOpen")
    assert LIVELINK_CSV.channels[14:18] == ("JawForward", "JawRight", "JawLeft", "JawOpen")
    assert LIVELINK_UDP.channels[21:23] == ("MouthLeft", "MouthRight")
    assert LIVELINK_CSV.channels[21:23] == ("MouthRight", "MouthLeft")
    assert sorted(LIVELINK_UDP.channels) == sorted(LIVELINK_CSV.channels)
    assert LIVELINK_CSV.channels[-9:] == tuple(a[0].upper() + a[1:] for a in ANGLES)
    differ = [a for a, b in zip(LIVELINK_CSV.channels, LIVELINK_UDP.channels, strict=True) if a != b]
    assert len(differ) == 4


def test_livelink_csv_order_is_that_of_real_captures() -> None:
    captures = [*SHARED.rglob("*_cal.csv"), *SHARED.rglob("*_raw.csv"), *SHARED.rglob("MySlate*.csv")]
    if not captures:
        pytest.skip("no Live Link capture is here")
    for capture in captures:
        header = capture.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
        assert tuple(header[2:]) == LIVELINK_CSV.channels


@pytest.mark.parametrize("name", VISEME_SETS)
def test_every_viseme_has_a_shape_on_arkit(name: str) -> None:
    rig = VISEME_SETS[name]
    assert set(SHAPES[name]) == set(rig.channels)
    assert not SHAPES[name][REST[name]]
    for viseme, shape in SHAPES[name].items():
        assert viseme == REST[name] or shape
        for channel, weight in shape.items():
            assert channel in ARKIT.channels
            assert 0 < weight <= 1
            if channel.endswith("Left"):
                assert shape[channel.removesuffix("Left") + "Right"] == weight
    assert set(OTHER_SPELLINGS[name].values()) <= set(rig.channels)
    assert not set(OTHER_SPELLINGS[name]) & set(rig.channels)


def test_shapes_make_phonetic_sense() -> None:
    def jaw(viseme: str) -> float:
        return OCULUS_SHAPES[viseme].get("jawOpen", 0.0)

    assert jaw("PP") == 0
    assert max(jaw(v) for v in OCULUS_SHAPES) == jaw("aa")
    assert max(jaw("SS"), jaw("FF"), jaw("CH")) < min(jaw("aa"), jaw("E"), jaw("oh"))
    assert {v for v, s in OCULUS_SHAPES.items() if s.get("mouthPucker", 0) > 0.3} == {"CH", "RR", "oh", "ou"}
    assert {v for v, s in OCULUS_SHAPES.items() if "tongueOut" in s} == {"TH"}


def test_vrm_names_translate_both_ways() -> None:
    assert set(VRM0_TO_VRM1) == set(VRM0.channels) == set(VRM0_CLIPS)
    assert set(VRM0_TO_VRM1.values()) == set(VRM1.channels) - {"surprised"}
    assert {VRM1_TO_VRM0[new] for new in VRM0_TO_VRM1.values()} == set(VRM0.channels)


def test_every_map_is_between_known_rigs() -> None:
    for (source, target), rig_map in maps().items():
        assert rigs()[source] is rig_map.source
        assert rigs()[target] is rig_map.target
    reached = {target for source, target in maps() if source in ("arkit", "face")}
    assert reached | {"arkit"} == set(rigs())
    assert {source for source, target in maps() if target in ("arkit", "face")} == set(rigs())
