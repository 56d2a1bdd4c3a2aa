"""Packets: the layout byte by byte, round trips, truncations."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.stage_packets import (
    HEADER,
    BonesPacket,
    CurvesFrameDecoder,
    CurvesFrameEncoder,
    CurvesPacket,
    Packet,
    SoundPacket,
    parse,
)
from rhapsode.protocols.vmc_bones import BONES


def test_the_layout_is_the_documented_one():
    data = bytes(CurvesPacket(7, 2**40, np.array([[0.25, -1.5]], np.float32)))
    assert data[:4] == b"RHP1"
    assert struct.unpack_from("<BBH", data, 4) == (2, 2, 0)
    assert struct.unpack_from("<Q", data, 8) == (2**40,)
    assert struct.unpack_from("<III", data, 16) == (7, 1, 50)
    assert struct.unpack_from("<2f", data, 28) == (0.25, -1.5)
    assert len(data) == 36
    sound = bytes(SoundPacket(1, 320, np.array([1.0, -1.0, 9.0], np.float32), 24_000))
    assert struct.unpack_from("<3h", sound, 28) == (32767, -32767, 32767)
    assert struct.unpack_from("<III", sound, 16) == (1, 3, 24_000)


TURNED = (0.6, 0.0, -0.0, 0.8)
BODY = BonesPacket.of(5, 640, {"spine": (0.0, 0.0, 0.0, 1.0), "tail": TURNED, "rightHand": TURNED})


def test_bones_are_laid_out_as_documented_and_names_that_are_none_are_left_out():
    data = bytes(BODY)
    assert struct.unpack_from("<BBH", data, 4) == (3, 2, 0)
    assert struct.unpack_from("<III", data, 16) == (5, 1, 50)
    assert data[28:32] == bytes([BONES.index("spine"), BONES.index("rightHand"), 0, 0])
    assert struct.unpack_from("<8h", data, 32) == (0, 0, 0, 32767, 19660, 0, 0, 26214)
    assert len(data) == 48


@given(st.integers(0, 9), st.integers(1, len(BONES)))
def test_bones_come_back_within_half_a_step(count: int, width: int):
    turns = np.random.default_rng(count).uniform(-1, 1, (count, width, 4)).astype(np.float32)
    back = parse(bytes(BonesPacket(1, 320, BONES[-width:], turns)))
    assert isinstance(back, BonesPacket)
    assert (back.generation, back.start, back.rate, back.names) == (1, 320, 50, BONES[-width:])
    np.testing.assert_allclose(back.turns, turns, atol=0.5001 / 32767)


def test_a_bone_that_nobody_has_is_refused():
    data = bytearray(bytes(BODY))
    data[29] = 99
    with pytest.raises(PacketError, match="a bone has a number below 55, got 99"):
        parse(bytes(data))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 9), st.integers(1, 61))
def test_curves_come_back_as_they_went(generation: int, start: int, count: int, width: int):
    values = np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)
    back = parse(bytes(CurvesPacket(generation, start, values)))
    assert isinstance(back, CurvesPacket)
    assert (back.generation, back.start, back.rate) == (generation, start, 50)
    np.testing.assert_array_equal(back.values, values)


@given(st.integers(0, 2**64 - 1), st.integers(0, 99), st.sampled_from([8000, 24_000, 96_000]))
def test_sound_comes_back_within_half_a_step(start: int, count: int, rate: int):
    samples = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
    back = parse(bytes(SoundPacket(3, start, samples, rate)))
    assert isinstance(back, SoundPacket)
    assert (back.generation, back.start, back.sample_rate) == (3, start, rate)
    np.testing.assert_allclose(back.samples, samples, atol=0.5001 / 32767)


@pytest.mark.parametrize(
    "packet",
    [
        SoundPacket(1, 0, np.ones(3, np.float32), 24_000),
        CurvesPacket(1, 0, np.ones((2, 3), np.float32)),
        BODY,
    ],
)
def test_every_truncation_says_what_is_missing(packet: Packet):
    data = bytes(packet)
    for cut in range(len(data)):
        with pytest.raises(PacketError) as error:
            parse(data[:cut])
        if cut < HEADER.size:
            assert str(error.value) == f"a stage packet needs a header of 28 bytes, got {cut}"
        else:
            assert str(error.value).endswith(f"needs {len(data)} bytes, got {cut}")
    with pytest.raises(PacketError, match=f"needs {len(data)} bytes, got {len(data) + 1}"):
        parse(data + b"x")


def test_other_bytes_are_no_packet():
    data = bytes(SoundPacket(1, 0, np.ones(3, np.float32), 24_000))
    with pytest.raises(PacketError, match=r"begins with b'RHP1', got b'RIFF'"):
        parse(b"RIFF" + data[4:])
    with pytest.raises(PacketError, match="a packet of sound has kind 1, got 9"):
        parse(data[:4] + b"\x09" + data[5:])
    with pytest.raises(PacketError, match="a packet of curves has kind 2, got 1"):
        CurvesPacket.parse(data)


def test_one_moment_is_a_packet_of_272_bytes():
    values = np.random.default_rng(1).random(61).astype(np.float32)
    encoder = CurvesFrameEncoder(generation=4)
    (data,) = encoder.encode(FaceFrame(320_000, values))
    assert len(data) == 272
    packet = CurvesPacket.parse(data)
    assert (packet.generation, packet.start, packet.rate) == (4, 320_000, 50)
    back = CurvesFrameDecoder().decode(data)
    assert back is not None
    assert back.sample_index == 320_000
    np.testing.assert_array_equal(back.values, values)


def test_the_last_moment_of_many_counts_and_sound_is_none():
    values = np.random.default_rng(1).random((5, 61)).astype(np.float32)
    back = CurvesFrameDecoder().decode(bytes(CurvesPacket(1, 320, values)))
    assert back is not None
    assert back.sample_index == 320 + 4 * 320
    np.testing.assert_array_equal(back.values, values[4])
    assert CurvesFrameDecoder().decode(bytes(SoundPacket(1, 0, np.ones(3, np.float32), 24_000))) is None
    assert CurvesFrameDecoder().decode(bytes(CurvesPacket(1, 0, values[:0]))) is None
    for wrong in (values[:, :52], values * np.nan):
        with pytest.raises(PacketError, match=r"a face needs curves of 61 channels|NaN or infinity"):
            CurvesFrameDecoder().decode(bytes(CurvesPacket(1, 0, wrong)))


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda b: b"RHP1" + b))
def test_no_bytes_raise_anything_else(data: bytes):
    with suppress(PacketError):
        CurvesFrameDecoder().decode(data)
