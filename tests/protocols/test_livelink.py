from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.livelink import LiveLinkDecoder, LiveLinkEncoder, LiveLinkPacket
from rhapsode.rigs import FACE
from tests.protocols.faces import face, random_face


def by_hand() -> bytes:
    """A packet put together field by field from the specification."""
    values = [0.0] * 61
    values[17], values[52], values[53] = 0.5, 0.25, -0.125
    return b"".join(
        [
            b"\x06",
            b"\x00\x00\x00\x24" + b"DC9D5A0D-DD42-4A2C-A2D5-2E2C9E4BBC10",
            b"\x00\x00\x00\x06" + b"iPhone",
            b"\x00\x00\x10\x00" + b"\x3f\x00\x00\x00",
            b"\x00\x00\x00\x3c" + b"\x00\x00\x00\x01",
            b"\x3d",
            *(struct.pack(">f", value) for value in values),
        ]
    )


def test_the_layout_by_hand_both_ways() -> None:
    packet = LiveLinkPacket.parse(by_hand())
    assert (packet.device, packet.subject) == ("DC9D5A0D-DD42-4A2C-A2D5-2E2C9E4BBC10", "iPhone")
    assert (packet.frame, packet.sub_frame, packet.rate) == (4096, 0.5, (60, 1))
    assert bytes(packet) == by_hand()
    made = LiveLinkDecoder().decode(by_hand())
    assert made is not None
    assert (made["jawOpen"], made["headYaw"], made["headPitch"]) == (0.5, 0.25, -0.125)
    assert made.found


class TestPyLiveLinkFace:
    def test_reads_what_is_sent_here(self) -> None:
        frame = random_face(sample_index=16_000 * 3600 + 160)
        [data] = LiveLinkEncoder("Mira", rate=Fraction(60)).encode(frame)
        assert len(data) == 310
        found, theirs = PyLiveLinkFace.decode(data)
        assert found
        assert theirs.name == "Mira"
        assert theirs.fps == 60
        assert theirs._frames == 3600 * 60
        for name in FACE.channels:
            shape = FaceBlendShape[name[:1].upper() + name[1:]]
            assert theirs.get_blendshape(shape) == frame[name]

    def test_sees_no_face_where_none_is_sent(self) -> None:
        [data] = LiveLinkEncoder().encode(FaceFrame(0, REST.values, found=False))
        assert PyLiveLinkFace.decode(data)[0] is False

    def test_is_read_here(self) -> None:
        frame = random_face(1)
        theirs = PyLiveLinkFace("Studio", uuid="DC9D5A0D-DD42-4A2C-A2D5-2E2C9E4BBC10", fps=60)
        for name, value in zip(FACE.channels, frame.values.tolist(), strict=True):
            theirs.set_blendshape(FaceBlendShape[name[:1].upper() + name[1:]], value, no_filter=True)
        decoder = LiveLinkDecoder()
        made = decoder.decode(theirs.encode())
        assert made is not None
        np.testing.assert_array_equal(made.values, frame.values)
        assert decoder.packet is not None
        assert decoder.packet.subject == "Studio"
        assert decoder.packet.device == "DC9D5A0D-DD42-4A2C-A2D5-2E2C9E4BBC10"
        assert decoder.packet.rate == (60, 1)


class TestEncoder:
    @pytest.mark.parametrize("rate", [Fraction(60), Fraction(30), Fraction(30_000, 1001), Fraction(50)])
    def test_frame_numbers_follow_the_clock(self, rate: Fraction) -> None:
        encoder = LiveLinkEncoder(rate=rate)
        for sample in (0, 320, 16_000, 16_000 * 7200 + 320 * 3, 16_000 * 86_399):
            packet = LiveLinkPacket.parse(encoder.encode(face(sample))[0])
            exact = Fraction(sample, 16_000) * rate
            assert packet.frame == int(exact)
            assert 0 <= packet.sub_frame < 1
            assert packet.sub_frame == pytest.approx(float(exact - int(exact)), abs=1e-6)
            assert packet.rate == (rate.numerator, rate.denominator)

    def test_the_day_starts_again_and_time_of_day_is_added(self) -> None:
        [data] = LiveLinkEncoder(start_s=86_399).encode(face(32_000))
        assert LiveLinkPacket.parse(data).frame == 60
        [data] = LiveLinkEncoder(start_s=3600).encode(face(0))
        assert LiveLinkPacket.parse(data).frame == 3600 * 60

    def test_angles_can_be_scaled_both_ways(self) -> None:
        [data] = LiveLinkEncoder(angle_scale=1 / math.pi).encode(face(headYaw=0.5, jawOpen=0.5))
        sent = LiveLinkPacket.parse(data).values
        assert sent is not None
        assert sent[52] == pytest.approx(math.degrees(0.5) / 180)
        assert sent[17] == 0.5
        made = LiveLinkDecoder(angle_scale=1 / math.pi).decode(data)
        assert made is not None
        assert made["headYaw"] == pytest.approx(0.5)

    def test_the_device_has_36_characters_of_its_subject(self) -> None:
        ids = [LiveLinkPacket.parse(LiveLinkEncoder(name).encode(REST)[0]).device for name in "aab"]
        assert ids[0] == ids[1] != ids[2]
        assert len(ids[0]) == 36

    def test_settings_are_checked(self) -> None:
        with pytest.raises(SettingError, match="subject needs 1 to 255 bytes"):
            LiveLinkEncoder("")
        with pytest.raises(SettingError, match="device id needs 1 to 255 bytes"):
            LiveLinkEncoder(device="x" * 256)
        with pytest.raises(SettingError, match="got 0"):
            LiveLinkEncoder(rate=Fraction(0))
        with pytest.raises(SettingError, match="positive number, got nan"):
            LiveLinkEncoder(angle_scale=math.nan)

    def test_nan_is_refused(self) -> None:
        with pytest.raises(PacketError, match=r"Live Link Face needs finite values.* in tongueOut"):
            LiveLinkEncoder().encode(face(tongueOut=math.inf))

    def test_values_come_back_and_the_frame_stays_as_it_was(self) -> None:
        frame = random_face(5)
        before = frame.values.copy()
        [data] = LiveLinkEncoder("ミラ", angle_scale=2.0).encode(frame)
        decoder = LiveLinkDecoder(subject="ミラ", angle_scale=2.0)
        made = decoder.decode(data)
        assert made is not None
        np.testing.assert_array_equal(made.values, frame.values)
        np.testing.assert_array_equal(frame.values, before)


class TestDecoder:
    @pytest.mark.parametrize("end", [51, 67, 68])
    def test_packets_without_a_face(self, end: int) -> None:
        data = by_hand()[: min(end, 67)] + b"\0" * (end - 67)
        made = LiveLinkDecoder().decode(data)
        assert made is not None
        assert not made.found
        assert not made.values.any()

    def test_other_subjects_are_passed_over(self) -> None:
        decoder = LiveLinkDecoder(subject="Mira")
        assert decoder.decode(by_hand()) is None
        assert decoder.packet is None
        assert decoder.decode(LiveLinkEncoder("Mira").encode(REST)[0]) is not None

    def test_names_with_a_nul_at_their_end(self) -> None:
        packet = replace(LiveLinkPacket.parse(by_hand()), subject="Unreal\0")
        assert LiveLinkPacket.parse(bytes(packet)).subject == "Unreal"

    def test_weights_are_clipped_and_angles_are_not(self) -> None:
        packet = LiveLinkPacket.parse(by_hand())
        assert packet.values is not None
        packet.values[:] = 1.5
        made = LiveLinkDecoder().decode(bytes(packet))
        assert made is not None
        assert made["jawOpen"] == 1
        assert made["headRoll"] == 1.5

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"", "empty"),
            (b"\x05" + by_hand()[1:], "got version 5, expected 6; update the Live Link Face app"),
            (b"\x06\x00\x00", "got 3 bytes, expected at least 5; the packet is cut off"),
            (b"\x06\xff\xff\xff\xff" + bytes(9), "a device id of -1 bytes"),
            (b"\x06\x7f\xff\xff\xff" + bytes(9), "a device id of 2147483647 bytes"),
            (b"\x06\0\0\0\2\xff\xff" + bytes(9), "expected UTF-8"),
            (by_hand()[:60], "got 60 bytes, expected at least 67"),
            (by_hand()[:-1], "got 311 bytes, expected 312"),
            (by_hand() + b"\0", "got 313 bytes, expected 312"),
            (by_hand().replace(b"\x3d", b"\x34", 1), "got 52 values, expected 61"),
            (by_hand()[:-4] + b"\x7f\xc0\0\0", "NaN or infinity in rightEyeRoll"),
            (by_hand()[:67] + b"\0\1", "1 bytes behind a count of 0"),
        ],
    )
    def test_what_is_wrong_is_named(self, data: bytes, what: str) -> None:
        with pytest.raises(PacketError, match=what):
            LiveLinkDecoder().decode(data)

    @given(st.binary(max_size=400))
    def test_random_bytes_raise_nothing_else(self, data: bytes) -> None:
        for start in (b"", b"\x06\0\0\0\1a\0\0\0\1b", by_hand()[:68]):
            with contextlib.suppress(PacketError):
                LiveLinkDecoder().decode(start + data)

    def test_truncated_packets_never_hold_a_face(self) -> None:
        for end in range(len(by_hand())):
            with contextlib.suppress(PacketError):
                made = LiveLinkDecoder().decode(by_hand()[:end])
                assert made is not None
                assert not made.found
