"""FACEGOOD's Unreal project: bytes by hand, round trips, refusals."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError
from rhapsode.protocols.facegood import (
    UNREAL_ORDER,
    FacegoodDecoder,
    FacegoodEncoder,
    decode_button,
    encode_button,
)
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.rigs import FACE
from rhapsode.rigs.facegood import FACEGOOD


def face(**channels: float) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    for name, value in channels.items():
        values[FACE.index(name)] = value
    return FaceFrame(0, values)


def test_a_packet_by_hand() -> None:
    (rest,) = FacegoodEncoder().encode(REST)
    assert rest == bytes(468)
    (packet,) = FacegoodEncoder().encode(face(jawOpen=0.5, browDownLeft=0.25))
    expected = bytearray(468)
    expected[4 * 73 : 4 * 74] = struct.pack("<f", 0.5)  # mouth_stretch_c: place 74 of the takes
    expected[0:4] = struct.pack("<f", 0.25)  # brow_lower_l
    assert packet == bytes(expected)
    (takes,) = FacegoodEncoder(order="takes").encode(face(jawOpen=0.5))
    assert takes[4 * 74 : 4 * 75] == struct.pack("<f", 0.5)


def test_the_order_is_that_of_the_unreal_project() -> None:
    assert sorted(UNREAL_ORDER) == sorted(FACEGOOD.channels)
    assert UNREAL_ORDER[0] == "brow_lower_l"
    assert UNREAL_ORDER[1] == "tongue_Scale__X"
    assert UNREAL_ORDER[114] == "tongue_Scale_X"
    assert UNREAL_ORDER[115] == "cheek_suck_l"
    assert UNREAL_ORDER[10:12] == ("brow_raise_d", "cheek_suck_r")
    moved = [k for k in range(1, 114) if UNREAL_ORDER[k] != FACEGOOD.channels[k + 1]]
    assert moved == [10, 11, 92, 93, 103, 104]


@pytest.mark.parametrize("order", ["unreal", "takes"])
def test_a_face_comes_back_but_for_tongue_and_angles(order: str) -> None:
    values = np.random.default_rng(2).random(61).astype(np.float32)
    encoder = FacegoodEncoder(order="takes" if order == "takes" else "unreal")
    decoder = FacegoodDecoder(order="takes" if order == "takes" else "unreal")
    (packet,) = encoder.encode(FaceFrame(7, values))
    back = decoder.decode(packet)
    values[FACE.index("tongueOut")] = 0
    np.testing.assert_allclose(back.weights, values[:52], atol=1e-6)
    assert not back.angles.any()


def test_buttons_by_hand() -> None:
    assert encode_button(True) == b"\x02\x00\x00\x001\x00"
    assert encode_button(False) == b"\x02\x00\x00\x002\x00"
    assert decode_button(b"\x02\x00\x00\x001\x00") is True
    assert decode_button(b"\x02\x00\x00\x002\x00") is False
    for bad in (b"", b"\x02\x00\x00\x00", b"\x02\x00\x00\x003\x00", b"\x03\x00\x00\x001\x00", b"1\x00"):
        with pytest.raises(PacketError, match="a FACEGOOD button message needs"):
            decode_button(bad)


def test_truncated_and_wrong_packets_say_so() -> None:
    (packet,) = FacegoodEncoder().encode(face(jawOpen=0.5))
    for cut in range(len(packet)):
        with pytest.raises(PacketError, match=rf"\(468 bytes\), got {cut} bytes"):
            FacegoodDecoder().decode(packet[:cut])
    with pytest.raises(PacketError, match="ending with 00000001"):
        FacegoodDecoder().decode(packet[:-1] + b"\x01")
    with pytest.raises(PacketError, match="finite"):
        FacegoodDecoder().decode(struct.pack("<f", float("nan")) + packet[4:])


@given(st.binary(max_size=500) | st.binary(min_size=464, max_size=464).map(lambda b: b + bytes(4)))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        made = FacegoodDecoder().decode(data)
    except PacketError:
        pass
    else:
        assert 0 <= made.weights.min() <= made.weights.max() <= 1
    with suppress(PacketError):
        decode_button(data)
