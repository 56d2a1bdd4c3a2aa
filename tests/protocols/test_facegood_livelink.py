"""FgLiveLinkReceiver: JSON as its source reads it, both ways."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError
from rhapsode.protocols.facegood_livelink import FgLiveLinkDecoder, FgLiveLinkEncoder, Names
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.rigs import FACE
from rhapsode.rigs.facegood import FACEGOOD

RIGS: tuple[Names, ...] = ("arkit", "metahuman", "facegood")


def receive(packets: list[bytes]) -> list[dict[str, float]]:
    """Read packets as the receiver does: names of the first, values by place, one byte a character."""
    names: list[str] = []
    made = []
    for packet in packets:
        (body,) = json.loads(packet.decode("latin-1")).values()
        names = names or [p["Name"] for p in body["Properties"]]
        made.append(dict(zip(names, [p["Value"] for p in body["Properties"]], strict=True)))
    return made


def random_frame(seed: int, top: float = 0.5) -> FaceFrame:
    values = np.random.default_rng(seed).uniform(0, top, 61).astype(np.float32)
    return FaceFrame(0, values)


@pytest.mark.parametrize("rig", RIGS)
def test_names_never_change(rig: Names) -> None:
    encoder = FgLiveLinkEncoder(rig=rig)
    packets = [encoder.encode(frame)[0] for frame in (REST, random_frame(1), random_frame(2))]
    bodies = [json.loads(packet)["FACEGOOD"] for packet in packets]
    assert [body["FrameId"] for body in bodies] == [1, 2, 3]
    assert len({tuple(p["Name"] for p in body["Properties"]) for body in bodies}) == 1
    assert len(bodies[0]["Properties"]) == {"arkit": 61, "metahuman": 82, "facegood": 116}[rig]
    assert bodies[0]["Joints"] == {
        "Names": ["Head", "LeftEye", "RightEye"],
        "ParentIdx": [-1, 0, 0],
        "Transforms": [[0, 0, 0, 0, 0, 0]] * 3,
    }


def test_the_receiver_gets_what_the_face_does() -> None:
    values = np.zeros(61, np.float32)
    values[FACE.index("jawOpen")] = 0.25
    values[FACE.index("headYaw")], values[FACE.index("headPitch")] = 0.1, 0.2
    frame = FaceFrame(0, values, head_position=(0.1, 0.2, 0.3))
    for rig, name in (("arkit", "JawOpen"), ("metahuman", "CTRL_expressions_jawOpen")):
        encoder = FgLiveLinkEncoder("Hero", rig="metahuman" if rig == "metahuman" else "arkit")
        (packet,) = encoder.encode(frame)
        assert packet.isascii()
        (got,) = receive([packet])
        assert got[name] == 0.25
        assert got["HeadYaw"] == pytest.approx(0.1, abs=1e-5)
        head = json.loads(packet)["Hero"]["Joints"]["Transforms"][0]
        assert head == pytest.approx([30, -10, 20, -np.degrees(0.2), np.degrees(0.1), 0], abs=1e-4)
    (got,) = receive(FgLiveLinkEncoder(rig="facegood", joints=False).encode(frame))
    assert tuple(got) == FACEGOOD.channels
    assert got["mouth_stretch_c"] == 0.25


@pytest.mark.parametrize("rig", RIGS)
def test_a_face_comes_back(rig: Names) -> None:
    frame = random_frame(3, 0.4)
    frame.values[FACE.index("tongueOut")] = 0
    (packet,) = FgLiveLinkEncoder("Hero", rig=rig).encode(frame)
    back = FgLiveLinkDecoder().decode(packet)
    assert back is not None
    np.testing.assert_allclose(back.values, frame.values, atol=1e-4)


def body(**changes: Any) -> bytes:
    packet = {"FrameId": 1, "Properties": [{"Name": "jawopen", "Value": 0.5}]} | changes
    return json.dumps({"A": packet}).encode()


def test_names_have_no_case_and_may_be_left_out_later() -> None:
    decoder = FgLiveLinkDecoder()
    for packet in (body(), body(Properties=[{"Value": 0.5}])):
        made = decoder.decode(packet)
        assert made is not None
        assert made["jawOpen"] == 0.5
    with pytest.raises(PacketError, match="needs the 1 properties of its first packet, got 2"):
        decoder.decode(body(Properties=[{"Value": 0.5}, {"Value": 0.5}]))


def test_other_subjects_and_no_face_give_nothing() -> None:
    assert FgLiveLinkDecoder("B").decode(body()) is None
    assert FgLiveLinkDecoder("A").decode(body()) is not None
    assert FgLiveLinkDecoder().decode(b"{}") is None
    assert FgLiveLinkDecoder().decode(body(Properties=[{"Name": "Timecode", "Value": 3}])) is None


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (b"", "needs a JSON object"),
        (b"[1]", "needs a JSON object"),
        (b"[" * 5000, "nested too deep|needs a JSON object"),
        (b'{"A": 3}', "subject 'A' needs an object"),
        (body(Properties=3), "'Properties' needs an array"),
        (body(Properties=[3]), "a property needs an object"),
        (body(Properties=[{"Name": "JawOpen"}]), "'Value' needs a finite number, got None"),
        (body(Properties=[{"Name": 3, "Value": 1}]), "'Name' needs a text"),
        (b'{"A":{"Properties":[{"Name":"a","Value":NaN}]}}', "NaN is no JSON number"),
        (b'{"A":{"Properties":[{"Name":"a","Value":1' + b"0" * 400 + b"}]}}", "needs a finite number"),
        (body(Joints={"Names": ["Head"], "Transforms": []}), "needs 1 entries"),
        (body(Joints={"Names": ["Head"], "Transforms": [[1, 2]]}), "needs x, y, z"),
        (body(Joints=[]), "'Joints' needs an object"),
    ],
)
def test_what_is_wrong_is_said(packet: bytes, message: str) -> None:
    with pytest.raises(PacketError, match=message):
        FgLiveLinkDecoder().decode(packet)


def test_a_subject_must_be_ascii() -> None:
    for bad in ("", "阿凡达"):
        with pytest.raises(PacketError, match="needs an ASCII name"):
            FgLiveLinkEncoder(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["JawOpen", "Head", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Properties", "Name", "Value", "Joints", "Names", "Transforms", "A"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.text(max_size=3), JSON).map(lambda v: json.dumps(v).encode()) | st.binary(max_size=60)
)
def test_no_message_raises_anything_else(data: bytes) -> None:
    try:
        made = FgLiveLinkDecoder().decode(data)
    except PacketError:
        return
    assert made is None or np.isfinite(made.values).all()
