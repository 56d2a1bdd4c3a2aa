"""Controls: each does what it says and only that, closures survive, files and names are read."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.errors import RigError, SettingError
from rhapsode.face.controls import RANGES, Controls, load_controls, read_controls
from rhapsode.face.controls_stream import ControlStage
from rhapsode.face.direction import Direction
from rhapsode.face.shaping import ShapingStream
from rhapsode.face.shaping_settings import MOUTH, UPPER_FACE
from rhapsode.face.stream import FaceStream
from rhapsode.performance import Float32, join
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from tests.face.test_shaping import only, syllables, walk

WIDTH = len(ARKIT)


def turn(face: Float32, **given: Any) -> Float32:
    return ControlStage(Controls(**given)).push(face, last=True)


def whole(weights: Float32) -> Float32:
    angles = np.full((len(weights), len(FACE) - WIDTH), 0.1, np.float32)
    return np.concatenate([weights, angles], axis=1)


def moved(before: Float32, after: Float32) -> set[str]:
    changed = np.abs(after.astype(np.float64) - before).max(axis=0) > 1e-6
    return {FACE.channels[k] for k in np.flatnonzero(changed)}


def faces() -> Float32:
    """Faces with open lips, so that nothing has to be kept closed."""
    raw = 0.1 + 0.3 * walk(120, seed=3)
    raw[:, ARKIT.index("jawOpen")] += 0.3
    raw[:, ARKIT.index("mouthClose")] = 0.05
    return whole(raw)


LIDS = {f"eye{part}{side}" for part in ("Blink", "Wide") for side in ("Left", "Right")}


@pytest.mark.parametrize(
    ("given", "reach"),
    [
        ({"upper_strength": 1.5}, UPPER_FACE),
        ({"upper_smoothing": 0.8}, UPPER_FACE),
        ({"lower_strength": 0.5}, MOUTH),
        ({"blink_strength": 0.2}, {n for n in LIDS if "Blink" in n}),
        ({"eyelid_offset": 0.4}, {n for n in LIDS if "Wide" in n}),
        ({"eyelid_offset": -0.4}, LIDS),
        ({"tongue_strength": 2.0}, {"tongueOut"}),
        ({"gains": {"jawOpen": 1.2}}, {"jawOpen"}),
        ({"offsets": {"browInnerUp": 0.1}}, {"browInnerUp"}),
    ],
)
def test_each_control_moves_its_own_and_nothing_else(given: dict[str, Any], reach: set[str]) -> None:
    before = faces()
    assert moved(before, turn(before, **given)) == set(reach)


def test_strengths_are_factors() -> None:
    before = faces()
    brow = ARKIT.index("browInnerUp")
    for control, channel in (("upper_strength", brow), ("lower_strength", ARKIT.index("jawOpen"))):
        np.testing.assert_allclose(
            turn(before, **{control: 0.5})[:, channel], 0.5 * before[:, channel], atol=1e-6
        )
    assert not turn(before, lower_strength=0.0)[:, [ARKIT.index(n) for n in MOUTH]].any()
    blink = ARKIT.index("eyeBlinkLeft")
    assert not turn(before, blink_strength=0.0)[:, blink].any()


def test_lids() -> None:
    face = whole(only(2, eyeBlinkLeft=np.array([0.1, 1.0])))
    blink, wide = ARKIT.index("eyeBlinkLeft"), ARKIT.index("eyeWideLeft")
    opened, closed = turn(face, eyelid_offset=0.5), turn(face, eyelid_offset=-1.0)
    assert opened[0, wide] == pytest.approx(0.45)
    assert opened[1, wide] == 0  # a blink still closes
    assert opened[1, blink] == 1
    assert (closed[:, blink] == 1).all()


EXTREMES: list[dict[str, Any]] = [
    {name: value}
    for name, (low, high) in RANGES.items()
    for value in (low, high)
    if name != "prediction_offset" and (name, value) != ("lip_close_offset", low)
]
_TABLES = {"gains": (0.0, 4.0), "offsets": (-1.0, 1.0)}
_LIPS = sorted(MOUTH | {"noseSneerLeft"})
EXTREMES += [{t: {name: value}} for t, ends in _TABLES.items() for name in _LIPS for value in ends]


@pytest.mark.parametrize("given", EXTREMES, ids=str)
def test_closures_survive_every_extreme(given: dict[str, Any]) -> None:
    raw, _ = syllables(5, noise=0.02)
    raw[:, ARKIT.index("noseSneerRight")] = 0.2
    closed = lip_gap(raw) < CLOSED_GAP
    assert 0.1 < closed.mean() < 0.6
    direction = Direction(style="cartoon", controls=given)
    shaped = ShapingStream(direction.played_shaping()).push(raw, np.ones(len(raw), np.float32))
    made = ControlStage(direction.played_controls()).push(whole(shaped))
    assert lip_gap(made[:, :WIDTH])[closed].max() < CLOSED_GAP
    assert made[:, :WIDTH].min() >= 0
    assert made[:, :WIDTH].max() <= 1


def test_lip_close_offset_opens_and_closes() -> None:
    raw = only(40, jawOpen=0.2, mouthClose=0.2)
    gaps = []
    for offset in (-0.3, 0.0, 0.3):
        shaping = Direction(controls={"lip_close_offset": offset}).played_shaping()
        gaps.append(float(lip_gap(ShapingStream(shaping).push(raw, np.ones(40, np.float32)))[-1]))
    assert gaps[0] > 0.5 > CLOSED_GAP > gaps[1] > gaps[2]


@pytest.mark.parametrize("shift", [-0.06, 0.0, 0.04, 0.5])
@pytest.mark.parametrize("size", [1, 3, 40])
def test_chunks_equal_whole(size: int, shift: float) -> None:
    given: dict[str, Any] = {
        "prediction_offset": shift,
        "upper_smoothing": 0.6,
        "lower_strength": 1.4,
        "eyelid_offset": 0.1,
    }
    face = whole(walk(100))
    stage = ControlStage(Controls(**given))
    parts = [stage.push(face[at : at + size], last=at + size >= 100) for at in range(0, 100, size)]
    np.testing.assert_array_equal(np.concatenate(parts), turn(face, **given))


@pytest.mark.parametrize("shift", [-0.5, -0.06, 0.04, 0.5])
@pytest.mark.parametrize("count", [1, 10, 60])
def test_prediction_offset_moves_the_face_in_time(shift: float, count: int) -> None:
    face, frames = whole(walk(count)), round(shift * 50)
    made = turn(face, prediction_offset=shift)
    np.testing.assert_array_equal(made, face[np.clip(np.arange(count) - frames, 0, count - 1)])


def test_at_rest_controls_change_nothing() -> None:
    face = whole(walk(50))
    assert ControlStage().push(face) is face


def test_a_control_wins_over_the_style() -> None:
    direction = Direction(style="serious", controls={"lower_smoothing": 0.1, "overall_strength": 0.5})
    shaping = direction.played_shaping()
    assert shaping.smoothing == 0.1
    assert shaping.strength == pytest.approx(0.45)
    assert shaping.upper_face == Direction(style="serious").played_shaping().upper_face


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.1])
def test_the_face_listens(shift: float) -> None:
    sound = np.random.default_rng(0).normal(0, 0.05, 16_000 + 7).astype(np.float32)
    given = Controls(offsets={"browInnerUp": 0.5}, prediction_offset=shift)
    stream = FaceStream(16_000, direction=Direction(controls=given))
    curves = join([stream.push(sound[:5000]), stream.push(sound[5000:]), stream.finish()])
    assert len(curves) == 51
    assert curves["browInnerUp"].min() >= 0.5
    plain = FaceStream(16_000)
    assert stream.look_ahead_samples - plain.look_ahead_samples == (1600 if shift < 0 else 0)


# settings and files


def test_bad_controls_are_refused() -> None:
    for part in fields(Controls):
        if part.name in ("gains", "offsets"):
            continue
        for value in (-9.0, 9.0, float("nan"), "x", True):
            with pytest.raises(SettingError, match=rf"'{part.name}' must lie in \[.*\], got"):
                Controls(**{part.name: value})  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"gains\[jawOpen\]"):
        Controls(gains={"jawOpen": 5})
    with pytest.raises(SettingError, match=r"offsets\[jawOpen\]"):
        Controls(offsets={"jawOpen": -2})
    with pytest.raises(RigError, match="nearest: jawOpen"):
        Controls(offsets={"jawopen": 0.1})
    with pytest.raises(SettingError, match="no control 'lower'; controls are overall_strength"):
        Direction(controls={"lower": 1})
    with pytest.raises(SettingError, match="'gains' must hold channels"):
        read_controls({"gains": 3})
    with pytest.raises(SettingError, match="got list"):
        read_controls([1])  # type: ignore[arg-type]


def test_controls_travel_to_other_processes() -> None:
    given = Controls(gains={"jawOpen": 1.2})
    assert pickle.loads(pickle.dumps(given)) == given
    assert isinstance(hash(given), int)


def test_a_file_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"lower_strength": 1.2, "gains": {"jawOpen": 1.1}}))
    assert load_controls(path) == (Controls(lower_strength=1.2, gains={"jawOpen": 1.1}), ())


def test_a_configuration_of_audio2face(tmp_path: Path) -> None:
    path = tmp_path / "a2f.yaml"
    path.write_text(
        "face_parameters:\n  lowerFaceStrength: 1.3\n  upperFaceSmoothing: 0.05\n  lipOpenOffset: -0.03\n"
        "  eyelidOpenOffset: 0.06\n  blinkStrength: 0.9\n  tongueStrength: 1.5\n  skinStrength: 1.1\n"
        "blendshape_parameters:\n  multipliers:\n    JawOpen: 1.2\n  offsets:\n    BrowInnerUp: 0.1\n"
    )
    pytest.importorskip("yaml")
    found, ignored = load_controls(path)
    assert ignored == ("skinStrength",)
    assert found == Controls(
        lower_strength=1.3,
        upper_smoothing=0.5,
        lip_close_offset=0.03,
        eyelid_offset=0.06,
        blink_strength=0.9,
        tongue_strength=1.5,
        gains={"jawOpen": 1.2},
        offsets={"browInnerUp": 0.1},
    )


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"lower": 1}', '{"face_parameters": 3}', '{"lowerFaceStrength": "a"}']
)
def test_bad_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(SettingError):
        load_controls(path)
    with pytest.raises(SettingError, match="cannot be read"):
        load_controls(tmp_path / "none.json")
