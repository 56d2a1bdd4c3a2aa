from __future__ import annotations

import contextlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import PacketError
from rhapsode.protocols.openseeface import FEATURES, SIZE, OpenSeeFaceDecoder, parse
from rhapsode.rigs import FACE

AHEAD = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""Columns: where the face's right, up and forward lie in the camera's down, image right and forward."""


def turned(axis: int, angle: float) -> np.ndarray:
    """A rotation about an axis of the model (right, up, forward), by the plain formula."""
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    made = np.eye(3)
    made[a, a] = made[b, b] = math.cos(angle)
    made[b, a], made[a, b] = math.sin(angle), -math.sin(angle)
    return made


def quaternion(matrix: np.ndarray) -> tuple[float, ...]:
    """x, y, z, w as the tracker makes it: of the transposed matrix; by way of the eigenvector."""
    m = matrix.T
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    return tuple(np.linalg.eigh(k)[1][:, -1].tolist())


def packet(
    face: int = 0,
    *,
    tracked: bool = True,
    opened: tuple[float, float] = (1.0, 1.0),
    head: np.ndarray = AHEAD,
    pupils: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
    **features: float,
) -> bytes:
    """One face, field by field; ``opened`` and ``pupils`` (to the face's right, up) are right before left."""
    points = np.zeros((70, 3))
    for eye, ((right, up), x) in enumerate(zip(pupils, (0.26, -0.26), strict=True)):
        # In the model: X right, Y up, Z forward; the tracker sends Y and Z negated.
        points[68 + eye] = (x, 0.27, -0.32)
        points[66 + eye] = points[68 + eye] + (right, up, 0.1)
    points *= (1, -1, -1)
    made = b"".join(
        [
            struct.pack("<d", 12.5),
            struct.pack("<i", face),
            struct.pack("<2f", 640, 360),
            struct.pack("<2f", *opened),
            struct.pack("<B", tracked),
            struct.pack("<f", 0.01),
            struct.pack("<4f", *quaternion(head)),
            struct.pack("<3f", 180, 0, 90),
            struct.pack("<3f", 0, 0, 4),
            struct.pack("<68f", *[0.9] * 68),
            struct.pack("<136f", *[100.0] * 136),
            struct.pack("<210f", *points.reshape(-1)),
            struct.pack("<14f", *(features.get(name, 0.0) for name in FEATURES)),
        ]
    )
    assert len(made) == SIZE
    return made


def values(**settings: object) -> dict[str, float]:
    made = OpenSeeFaceDecoder().decode(packet(**settings))  # type: ignore[arg-type]
    assert made is not None
    assert made.found
    return {name: made[name] for name in FACE.channels if abs(made[name]) > 1e-6}


def test_a_face_that_looks_into_the_camera_is_at_rest() -> None:
    assert values() == {}


class TestHead:
    def test_turned_to_its_right_the_nose_points_to_the_left_of_the_picture(self) -> None:
        head = AHEAD @ turned(1, 0.4)
        nose = head @ (0, 0, 1)
        assert nose[1] < -0.3
        assert values(head=head) == {"headYaw": pytest.approx(0.4, abs=1e-6)}

    def test_bowed_the_nose_points_down_in_the_picture(self) -> None:
        head = AHEAD @ turned(0, 0.4)
        assert (head @ (0, 0, 1))[0] > 0.3
        assert values(head=head) == {"headPitch": pytest.approx(0.4, abs=1e-6)}

    def test_tipped_to_its_right_the_crown_moves_to_the_left_of_the_picture(self) -> None:
        head = AHEAD @ turned(2, -0.4)
        assert (head @ (0, 1, 0))[1] < -0.3
        assert values(head=head) == {"headRoll": pytest.approx(0.4, abs=1e-6)}

    def test_all_three_together(self) -> None:
        head = AHEAD @ turned(1, 0.3) @ turned(0, -0.2) @ turned(2, -0.1)
        made = values(head=head)
        assert made["headYaw"] == pytest.approx(0.3, abs=1e-6)
        assert made["headPitch"] == pytest.approx(-0.2, abs=1e-6)
        assert made["headRoll"] == pytest.approx(0.1, abs=1e-6)


class TestEyes:
    def test_pupils_to_the_right_and_up(self) -> None:
        made = values(pupils=((0.02, 0.01), (0.02, 0.01)))
        for side in ("left", "right"):
            assert made[f"{side}EyeYaw"] == pytest.approx(math.atan(0.2), abs=1e-5)
            assert made[f"{side}EyePitch"] == pytest.approx(-math.atan(0.1 / math.hypot(1, 0.2)), abs=1e-5)
            assert made[f"eyeLookUp{side.capitalize()}"] == pytest.approx(0.1777, abs=1e-3)
        assert made["eyeLookInLeft"] == pytest.approx(0.329, abs=1e-3)
        assert made["eyeLookOutRight"] == pytest.approx(0.329, abs=1e-3)
        assert not [name for name in made if name.startswith(("eyeLookDown", "eyeLookOutLeft"))]

    def test_each_eye_has_its_own(self) -> None:
        made = values(pupils=((-0.02, 0.0), (0.0, 0.0)), opened=(0.25, 1.0), eye_r=-0.75, eye_l=0.5)
        assert made["rightEyeYaw"] < 0
        assert "leftEyeYaw" not in made
        assert made["eyeLookInRight"] > 0.3
        assert made["eyeBlinkRight"] == 0.75
        assert "eyeBlinkLeft" not in made
        assert made["eyeWideLeft"] == 0.5

    def test_wild_pupils_stay_in_the_head(self) -> None:
        made = values(pupils=((5.0, 0.0), (0.0, -5.0)))
        assert made["rightEyeYaw"] == pytest.approx(0.6)
        assert made["leftEyePitch"] == pytest.approx(0.6)
        assert max(made.values()) <= 1


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"mouth_open": 0.5}, {"jawOpen": 0.5}),
        ({"mouth_open": -0.5}, {}),
        ({"mouth_wide": -0.5}, {"mouthPucker": 0.5}),
        ({"mouth_wide": -0.5, "mouth_open": 0.5}, {"mouthPucker": 0.25, "mouthFunnel": 0.25, "jawOpen": 0.5}),
        ({"mouth_corner_updown_l": -0.5}, {"mouthSmileLeft": 0.5}),
        ({"mouth_corner_updown_r": 0.5}, {"mouthFrownRight": 0.5}),
        ({"eyebrow_updown_l": 0.5}, {"browInnerUp": 0.25, "browOuterUpLeft": 0.5}),
        ({"eyebrow_updown_r": -0.5}, {"browDownRight": 0.5}),
        ({"mouth_open": 7.0}, {"jawOpen": 1.0}),
        (
            {"mouth_wide": 0.5},
            {
                "mouthSmileLeft": pytest.approx(0.15),
                "mouthSmileRight": pytest.approx(0.15),
                "mouthStretchLeft": 0.25,
                "mouthStretchRight": 0.25,
            },
        ),
    ],
)
def test_features(features: dict[str, float], expected: dict[str, float]) -> None:
    assert values(**features) == expected


class TestDatagrams:
    def test_the_first_or_the_chosen_face(self) -> None:
        data = packet(4, mouth_open=0.25) + packet(7, mouth_open=0.75)
        assert [face.face for face in parse(data)] == [4, 7]
        for chosen, expected in ((None, 0.25), (4, 0.25), (7, 0.75)):
            made = OpenSeeFaceDecoder(face=chosen).decode(data)
            assert made is not None
            assert made["jawOpen"] == expected
        assert OpenSeeFaceDecoder(face=0).decode(data) is None

    def test_a_lost_pose(self) -> None:
        made = OpenSeeFaceDecoder().decode(packet(tracked=False, mouth_open=1.0))
        assert made is not None
        assert not made.found
        assert not made.values.any()

    @pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE + 1, 2 * SIZE - 1])
    def test_other_sizes_are_refused(self, size: int) -> None:
        with pytest.raises(PacketError, match=f"got {size} bytes, expected a multiple of 1785"):
            parse((packet() * 2)[:size])

    @pytest.mark.parametrize("place", [20, 33, SIZE - 56 - 12, SIZE - 4])
    def test_nan_is_refused(self, place: int) -> None:
        data = bytearray(packet(3))
        data[place : place + 4] = struct.pack("<f", math.nan)
        with pytest.raises(PacketError, match="OpenSeeFace face 3: got NaN"):
            parse(bytes(data))

    @settings(max_examples=50)
    @given(st.binary(min_size=50, max_size=50), st.integers(0, SIZE - 50))
    def test_damaged_packets_raise_nothing_else(self, noise: bytes, place: int) -> None:
        data = bytearray(packet())
        data[place : place + 50] = noise
        with contextlib.suppress(PacketError):
            made = OpenSeeFaceDecoder().decode(bytes(data))
            assert made is not None
            assert np.isfinite(made.values).all()

    @given(st.binary(max_size=200))
    def test_random_bytes_raise_nothing_else(self, data: bytes) -> None:
        with contextlib.suppress(PacketError):
            OpenSeeFaceDecoder().decode(data)
