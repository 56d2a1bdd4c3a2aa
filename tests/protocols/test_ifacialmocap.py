from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.ifacialmocap import (
    NAMES,
    IFacialMocapDecoder,
    IFacialMocapEncoder,
    asked_version,
    handshake,
)
from tests.protocols.faces import face, random_face

CAPTURE = (
    "trackingStatus-1|mouthSmile_R-12|eyeLookOut_L-0|jawOpen-100|jawLeft-7|mouthLeft-3|tongueOut-0|"
    "browInnerUp-5|eyeBlink_L-140|hapihapi-0|FM_newShape-3|"
    "=head#-5.5,10.25,-1.5,-0.0022,-0.026,-0.553|rightEye#6.5,2.75,0.25|leftEye#6.5,-1.5,-0.25|"
)
"""Put together by hand after the developer's page: unknown names, a weight over 100, eyes that converge."""


def decoded(text: str | bytes) -> FaceFrame:
    made = IFacialMocapDecoder().decode(text if isinstance(text, bytes) else text.encode())
    assert made is not None
    return made


@pytest.mark.parametrize("version", [1, 2])
def test_a_capture(version: int) -> None:
    text = CAPTURE
    if version == 2:
        weights, turns = text.split("=")
        text = weights.replace("-", "&") + "=" + turns
    made = decoded(text)
    assert made["mouthSmileRight"] == pytest.approx(0.12)
    assert (made["jawOpen"], made["eyeBlinkLeft"], made["mouthSmileLeft"]) == (1, 1, 0)
    assert made["jawLeft"] == pytest.approx(0.07)
    assert made["mouthLeft"] == pytest.approx(0.03)
    assert made["headPitch"] == pytest.approx(math.radians(-5.5))
    assert made["headYaw"] == pytest.approx(math.radians(-10.25))
    assert made["headRoll"] == pytest.approx(math.radians(-1.5))
    assert made.head_position == (-0.0022, -0.026, -0.553)
    assert made.found


def test_eyes_that_converge_look_inwards_and_down() -> None:
    made = decoded(CAPTURE)
    # Yaw is positive to the right: inwards for the left eye, outwards for the right.
    assert made["leftEyeYaw"] == pytest.approx(math.radians(1.5))
    assert made["rightEyeYaw"] == pytest.approx(math.radians(-2.75))
    assert made["leftEyePitch"] == made["rightEyePitch"] == pytest.approx(math.radians(6.5))


def test_all_names() -> None:
    assert len(set(NAMES)) == 52
    for name in ("eyeBlink_L", "mouthSmile_R", "browOuterUp_L", "jawLeft", "mouthRight", "mouthFunnel"):
        assert name in NAMES
    assert not [name for name in NAMES if name.endswith(("eft", "ight"))][4:]


@pytest.mark.parametrize("version", [1, 2])
class TestEncoder:
    def test_the_text(self, version: int) -> None:
        frame = FaceFrame(
            0,
            face(jawOpen=0.126, mouthSmileRight=1.7, headYaw=0.5, headPitch=0.25, leftEyeRoll=0.125).values,
            head_position=(0.5, 0.25, -0.125),
        )
        mark = "-" if version == 1 else "&"
        items = IFacialMocapEncoder(version).encode(frame)[0].decode().split("|")
        assert f"jawOpen{mark}13" in items
        assert f"mouthSmile_R{mark}100" in items
        assert f"mouthSmile_L{mark}0" in items
        assert "=head#14.32394,-28.64789,0.00000,0.500000,0.250000,-0.125000" in items
        assert "leftEye#0.00000,0.00000,7.16197" in items
        assert len(items) == 52 + 3 + 1
        assert items[-1] == ""

    def test_round_trip(self, version: int) -> None:
        frame = random_face(version)
        [data] = IFacialMocapEncoder(version).encode(frame)
        assert len(data) < 1400
        made = decoded(data)
        # Half of a hundredth; angles have five decimals of a degree.
        np.testing.assert_allclose(made.weights, frame.weights, atol=0.00501)
        np.testing.assert_allclose(made.angles, frame.angles, atol=2e-7)

    def test_a_lost_face(self, version: int) -> None:
        assert not decoded(
            IFacialMocapEncoder(version).encode(FaceFrame(0, REST.values, found=False))[0]
        ).found

    def test_nan_is_refused(self, version: int) -> None:
        with pytest.raises(PacketError, match="iFacialMocap needs finite values"):
            IFacialMocapEncoder(version).encode(face(jawOpen=math.nan))
        with pytest.raises(PacketError, match="in head_position"):
            IFacialMocapEncoder(version).encode(FaceFrame(0, REST.values, head_position=(0.0, math.inf, 0.0)))


def test_handshakes() -> None:
    assert handshake(1) == b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
    assert handshake(2) == handshake(1) + b"|sendDataVersion=v2"
    assert asked_version(handshake(1)) == 1
    assert asked_version(handshake(2)) == 2
    assert asked_version(b"jawOpen-1|") is None
    assert IFacialMocapDecoder().decode(handshake(2)) is None
    for version in (0, 3):
        with pytest.raises(SettingError, match="versions 1 and 2"):
            handshake(version)
        with pytest.raises(SettingError, match="versions 1 and 2"):
            IFacialMocapEncoder(version)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "0 bytes without a name of a face"),
        (b"\xff\xfe|", "expected text"),
        (b"hello|world-3|", "14 bytes without a name"),
        (b"jawOpen-|", "'' for jawOpen, expected a number"),
        (b"jawOpen&wide|", "'wide' for jawOpen"),
        (b"jawOpen-nan|", "at most a million"),
        (b"jawOpen-1e400|", "at most a million"),
        (b"=head#1,2|", "2 numbers for head"),
        (b"=head#1,2,x|", "'x' for head"),
        (b"trackingStatus-|", "for trackingStatus"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, what: str) -> None:
    with pytest.raises(PacketError, match=what):
        IFacialMocapDecoder().decode(data)


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode())))
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    for start in (b"", b"jawOpen-", b"jawOpen&1|=head#", b"leftEye#1,2,3,4,5,"):
        with contextlib.suppress(PacketError):
            IFacialMocapDecoder().decode(start + data)


def test_truncated_packets_raise_nothing_else() -> None:
    for end in range(len(CAPTURE)):
        with contextlib.suppress(PacketError):
            made = IFacialMocapDecoder().decode(CAPTURE[:end].encode())
            assert made is not None
            assert np.isfinite(made.values).all()
