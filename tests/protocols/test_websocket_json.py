"""JSON over a WebSocket: the documented keys, every rig, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import PacketError, RigError
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.websocket_json import JsonDecoder, JsonEncoder
from rhapsode.rigs import ANGLES, BLENDSHAPES, FACE, rigs

VALUES = np.random.default_rng(1).uniform(0.1, 0.4, 61).astype(np.float32)


def test_the_documented_text() -> None:
    values = np.zeros(61, np.float32)
    values[FACE.index("jawOpen")], values[FACE.index("headYaw")] = 0.41, -0.0123
    (data,) = JsonEncoder(generation=3).encode(FaceFrame(197_440, values))
    assert json.loads(data) == {
        "t": 12.34,
        "sample": 197_440,
        "generation": 3,
        "rig": "arkit",
        "found": True,
        "weights": {"jawOpen": 0.41},
        "angles": {"headYaw": -0.0123},
    }


def test_every_weight_on_request_and_what_else_is_known() -> None:
    encoder = JsonEncoder(every=True)
    encoder.generation = 9
    frame = FaceFrame(16_000, VALUES, False, {"head": (0.0, 0.0, 0.0, 1.0)}, (0.0, 1.5, 0.25), {"joy": 0.5})
    (data,) = encoder.encode(frame)
    read = json.loads(data)
    assert tuple(read["weights"]) == BLENDSHAPES
    assert tuple(read["angles"]) == ANGLES
    assert (read["generation"], read["found"]) == (9, False)
    back = JsonDecoder().decode(data)
    np.testing.assert_allclose(back.values, VALUES, atol=6e-5)
    assert (back.sample_index, back.found, back.bones) == (16_000, False, frame.bones)
    assert (back.head_position, back.emotions) == (frame.head_position, frame.emotions)
    assert len(json.loads(JsonEncoder(every=True).encode(REST)[0])["weights"]) == 52
    assert not json.loads(JsonEncoder().encode(REST)[0])["weights"]


@pytest.mark.parametrize("rig", rigs())
def test_every_rig_is_spoken_and_understood(rig: str) -> None:
    (data,) = JsonEncoder(rig=rig).encode(FaceFrame(0, VALUES))
    read = json.loads(data)
    assert read["rig"] == rig
    assert set(read["weights"]) <= set(rigs()[rig].channels) - set(rigs()[rig].angles)
    assert read["weights"]
    back = JsonDecoder().decode(data)
    np.testing.assert_allclose(back.angles, VALUES[52:], atol=6e-5)
    if rig in ("arkit", "face", "livelink", "livelink-udp", "metahuman"):
        np.testing.assert_allclose(back.weights, VALUES[:52], atol=3e-4)


def test_an_unknown_rig_is_refused_at_once() -> None:
    with pytest.raises(RigError, match="got 'maya'"):
        JsonEncoder(rig="maya")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a face in JSON needs a JSON object"),
        (b"\xff\xfe", "a face in JSON needs a JSON object"),
        (b'{"weights": []}', "'weights' needs an object"),
        (b'{"weights": {"jawOpn": 1}}', "needs channels of its rig, got 'jawOpn'"),
        (b'{"weights": {"jawOpen": "1"}}', "jawOpen needs a finite number"),
        (b'{"weights": {"jawOpen": true}}', "jawOpen needs a finite number, got True"),
        (b'{"rig": "maya"}', "'rig' needs one of arkit"),
        (b'{"sample": "x"}', "'sample' needs a finite number"),
        (b'{"head": [1, 2]}', "'head' needs 3 numbers, got 2"),
        (b'{"bones": {"head": 1}}', "a bone needs an array"),
        (b'{"emotions": {"joy": null}}', "an emotion needs a finite number"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(PacketError, match=message):
        JsonDecoder().decode(data)


KEYS = ["weights", "angles", "rig", "sample", "head", "bones", "emotions", "found", "jawOpen", "headYaw"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["arkit", "vrm1", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON).map(lambda v: json.dumps(v).encode())
    | st.binary(max_size=40)
)
def test_no_text_raises_anything_else(data: bytes) -> None:
    try:
        made = JsonDecoder().decode(data)
    except PacketError:
        return
    assert np.isfinite(made.values).all()
