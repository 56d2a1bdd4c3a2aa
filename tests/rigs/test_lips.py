"""The lips of a real head: one table, seen by blendshape, by name without a side, and by pose."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import DROP, EFFECTS, GAP, REST_GAP, gap_effects, lip_gap, lower_lip_drop, mouth_width


def pose(**weights: float) -> Float32:
    made = np.zeros((1, len(ARKIT)), np.float32)
    for name, weight in weights.items():
        made[0, ARKIT.index(name)] = weight
    return made


def test_the_columns_are_the_tables():
    for name, effect in EFFECTS.items():
        assert (GAP[ARKIT.index(name)], DROP[ARKIT.index(name)]) == (effect.gap, effect.drop)
    assert np.count_nonzero(GAP) == len(EFFECTS) == 27
    assert GAP.shape == DROP.shape == (len(ARKIT),)


def test_both_sides_do_the_same():
    for name, effect in EFFECTS.items():
        if name.endswith("Left") and name != "mouthLeft":
            assert EFFECTS[name.removesuffix("Left") + "Right"] == effect


def test_a_name_without_a_side_is_both():
    one, both, whole, none = gap_effects(["mouthUpperUpLeft", "mouthUpperUp", "jawOpen", "eyeBlink"])
    assert both == pytest.approx(2 * one)
    assert whole == pytest.approx(3.259)
    assert none == 0


def test_distances_of_a_pose():
    assert lip_gap(pose()) == pytest.approx([REST_GAP])
    said = pose(jawOpen=0.5, mouthClose=0.25, mouthPucker=1.0)
    assert lip_gap(said) == pytest.approx([REST_GAP + 0.5 * 3.259 - 0.25 * 3.851 - 0.104])
    assert lower_lip_drop(said) == pytest.approx([0.5 * 3.507 - 0.25 * 3.783 - 0.054])
    assert mouth_width(said) == pytest.approx([-0.5 * 0.406 + 0.25 * 0.211 - 0.830])
