from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import RigError
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT, FACE, ChannelMap, Rig, RigMap, Term, maps
from rhapsode.rigs.facegood import ARKIT_TO_FACEGOOD, FACEGOOD, FACEGOOD_TO_ARKIT
from rhapsode.rigs.projection import onto_simplex
from rhapsode.rigs.visemes import ARKIT_TO_VISEMES, OCULUS, REST, VISEME_SETS, VISEMES_TO_ARKIT
from rhapsode.rigs.vrm import _MOUTH, ARKIT_TO_VRM0, ARKIT_TO_VRM1, VRM0, VRM1, VRM1_TO_ARKIT, vrm_name

IN, OUT = Rig("in", ("a", "b", "c"), "test"), Rig("out", ("x", "y", "yaw"), "test", ("yaw",))


def random_values(width: int, *, frames: int = 40, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).random((frames, width)).astype(np.float32)


def test_terms_add_take_the_largest_and_clip_all_but_angles() -> None:
    made = ChannelMap(
        IN,
        OUT,
        (
            Term("x", {"a": 0.5, "b": -1.0}),
            Term("y", {"a": 1.0, "b": 2.0}, "max"),
            Term("y", {"c": 0.25}),
            Term("yaw", {"b": -3.0}),
        ),
    ).apply(np.array([[0.8, 0.2, 0.4], [0.2, 0.5, 1.0]], np.float32))
    np.testing.assert_allclose(made, [[0.2, 0.9, -0.6], [0.0, 1.0, -1.5]], atol=1e-6)


def test_a_term_of_no_channel_is_refused() -> None:
    with pytest.raises(RigError, match="rig 'in' has no channel 'aa'; nearest: a"):
        ChannelMap(IN, OUT, (Term("x", {"aa": 1.0}),))
    with pytest.raises(RigError, match="rig 'out' has no channel 'z'"):
        ChannelMap(IN, OUT, (Term("z", {"a": 1.0}),))


@pytest.mark.parametrize("rig_map", maps().values(), ids=lambda m: f"{m.source.name}-{m.target.name}")
class TestEveryMap:
    def test_weights_stay_in_range(self, rig_map: RigMap) -> None:
        made = rig_map.apply(random_values(len(rig_map.source)))
        assert made.shape == (40, len(rig_map.target))
        assert made.dtype == np.float32
        assert made.min() >= 0
        assert made.max() <= 1 + 1e-6

    def test_rest_gives_rest(self, rig_map: RigMap) -> None:
        made = rig_map.apply(np.zeros((3, len(rig_map.source)), np.float32))
        expected = np.zeros_like(made)
        if rig_map.target.name in REST:
            expected[:, rig_map.target.index(REST[rig_map.target.name])] = 1
        np.testing.assert_allclose(made, expected, atol=1e-5)

    def test_slices_give_slices(self, rig_map: RigMap) -> None:
        values = random_values(len(rig_map.source))
        parts = [rig_map.apply(values[k : k + 7]) for k in range(0, 40, 7)]
        np.testing.assert_allclose(np.concatenate(parts), rig_map.apply(values), atol=1e-5)

    def test_no_frames_and_wrong_widths(self, rig_map: RigMap) -> None:
        width = len(rig_map.source)
        assert rig_map.apply(np.zeros((0, width), np.float32)).shape == (0, len(rig_map.target))
        with pytest.raises(RigError, match=rf"needs values of shape \(T, {width}\), got \(2, {width + 1}\)"):
            rig_map.apply(np.zeros((2, width + 1), np.float32))


def test_face_and_livelink_round_trip_exactly() -> None:
    values = random_values(len(FACE)) * 2 - 1
    values[:, :52] = abs(values[:, :52])
    for name in ("livelink", "livelink-udp"):
        there, back = maps()["face", name], maps()[name, "face"]
        np.testing.assert_allclose(back.apply(there.apply(values)), values, atol=1e-7)


def test_arkit_to_facegood_and_back_keeps_all_but_the_tongue() -> None:
    values = random_values(len(ARKIT))
    back = FACEGOOD_TO_ARKIT.apply(ARKIT_TO_FACEGOOD.apply(values))
    values[:, ARKIT.index("tongueOut")] = 0
    np.testing.assert_allclose(back, values, atol=1e-6)


def test_facegood_takes_the_largest_lip_and_folds_oh_and_oo() -> None:
    take = np.zeros((3, len(FACEGOOD)), np.float32)
    take[0, FACEGOOD.index("mouth_funnel_ul")] = 0.7
    take[0, FACEGOOD.index("mouth_funnel_dr")] = 0.4
    take[1, FACEGOOD.index("mouth_oh_c")] = 1.0
    take[2, FACEGOOD.index("mouth_oo_c")] = 0.8
    face = FACEGOOD_TO_ARKIT.apply(take)
    assert face[0, ARKIT.index("mouthFunnel")] == pytest.approx(0.7)
    assert face[1, ARKIT.index("jawOpen")] > 0.2
    assert face[1, ARKIT.index("mouthFunnel")] > 0.3
    assert face[2, ARKIT.index("mouthPucker")] > 0.4


@pytest.mark.parametrize("viseme", OCULUS.channels)
def test_a_viseme_shown_on_a_face_is_found_again(viseme: str) -> None:
    shown = np.zeros((1, len(OCULUS)), np.float32)
    shown[0, OCULUS.index(viseme)] = 1
    found = ARKIT_TO_VISEMES["oculus"].apply(VISEMES_TO_ARKIT["oculus"].apply(shown))[0]
    assert OCULUS.channels[int(found.argmax())] == viseme
    assert found.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", VISEME_SETS)
def test_projected_visemes_look_like_the_face_they_came_from(name: str) -> None:
    """Worst case 0.07: half of what Azure's diphthongs are made of is found as its parts."""
    faces = VISEMES_TO_ARKIT[name].apply(np.eye(len(VISEME_SETS[name]), dtype=np.float32))
    again = VISEMES_TO_ARKIT[name].apply(ARKIT_TO_VISEMES[name].apply(faces))
    assert abs(again - faces).max() < 0.1


def test_half_a_vowel_is_half_silence() -> None:
    half = np.zeros((1, len(OCULUS)), np.float32)
    half[0, OCULUS.index("aa")] = 0.5
    found = ARKIT_TO_VISEMES["oculus"].apply(VISEMES_TO_ARKIT["oculus"].apply(half))[0]
    assert 0.2 < found[OCULUS.index("sil")] < 0.6
    assert found[OCULUS.index("aa")] > 0.25


def test_a_smile_is_no_vowel() -> None:
    face = np.zeros((1, 52), np.float32)
    face[0, [ARKIT.index("mouthSmileLeft"), ARKIT.index("mouthSmileRight")]] = 0.8
    assert ARKIT_TO_VISEMES["oculus"].apply(face)[0, 0] == pytest.approx(1, abs=1e-4)
    assert ARKIT_TO_VRM1.apply(face).max() < 1e-4


@pytest.mark.parametrize("name", ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "lookUp", "lookLeft"])
def test_vrm_presets_come_back(name: str) -> None:
    shown = np.zeros((1, len(VRM1)), np.float32)
    shown[0, VRM1.index(name)] = 1
    found = ARKIT_TO_VRM1.apply(VRM1_TO_ARKIT.apply(shown))
    np.testing.assert_allclose(found, shown, atol=0.06)


@pytest.mark.parametrize("mood", ["happy", "angry", "sad", "surprised"])
def test_a_full_mood_is_found(mood: str) -> None:
    shown = np.zeros((1, len(VRM1)), np.float32)
    shown[0, VRM1.index(mood)] = 1
    found = ARKIT_TO_VRM1.apply(VRM1_TO_ARKIT.apply(shown))[0]
    assert VRM1.channels[int(found.argmax())] == mood
    assert found.max() > 0.7


def test_a_blink_is_shared_between_both_eyes_and_each() -> None:
    face = np.zeros((1, 52), np.float32)
    face[0, ARKIT.index("eyeBlinkLeft")], face[0, ARKIT.index("eyeBlinkRight")] = 0.9, 0.4
    for made, rig, names in (
        (ARKIT_TO_VRM1.apply(face)[0], VRM1, ("blink", "blinkLeft", "blinkRight")),
        (ARKIT_TO_VRM0.apply(face)[0], VRM0, ("blink", "blink_l", "blink_r")),
    ):
        np.testing.assert_allclose([made[rig.index(n)] for n in names], [0.4, 0.5, 0.0], atol=1e-6)


def test_vrm_names_of_either_version() -> None:
    assert [vrm_name(n, 0) for n in ("happy", "ih", "blinkRight", "Joy", "lookUp")] == [
        *("joy", "i", "blink_r", "joy", "lookup")
    ]
    assert [vrm_name(n, 1) for n in ("fun", "A", "Blink_L", "surprised")] == [
        *("relaxed", "aa", "blinkLeft", "surprised")
    ]
    with pytest.raises(RigError, match="VRM 0 has no preset for 'surprised'; its presets: joy"):
        vrm_name("surprised", 0)
    with pytest.raises(RigError, match="VRM 1 has no preset for 'wink'"):
        vrm_name("wink", 1)


@settings(max_examples=50)
@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=8))
def test_simplex_projection_is_nearest(point: list[float]) -> None:
    row = np.array([point])
    made = onto_simplex(row)
    assert made.min() >= 0
    assert made.sum() == pytest.approx(1, abs=1e-6)
    others = np.random.default_rng(0).dirichlet(np.ones(len(point)), 100)
    assert ((row - made) ** 2).sum() <= ((row - others) ** 2).sum(axis=1).min() + 1e-9
    np.testing.assert_allclose(onto_simplex(made), made, atol=1e-9)


def test_few_shapes_are_found_exactly_where_descent_leads() -> None:
    mouth = np.random.default_rng(0).random((500, len(_MOUTH._used)))
    # Worst measured: 2e-5, of 200 steps of descent.
    np.testing.assert_allclose(_MOUTH._exact(mouth), _MOUTH._descent(mouth), atol=1e-4)
