"""No encoder lets a NaN or an infinity out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rhapsode.errors import PacketError
from rhapsode.protocols.facegood import FacegoodEncoder
from rhapsode.protocols.facegood_livelink import FgLiveLinkEncoder
from rhapsode.protocols.frame import REST, Encoder, FaceFrame
from rhapsode.protocols.stage_packets import CurvesFrameEncoder
from rhapsode.protocols.websocket_json import JsonEncoder
from tests.protocols.test_vtubestudio import ready

ENCODERS: tuple[Encoder, ...] = (
    *(FacegoodEncoder(), FgLiveLinkEncoder(), FgLiveLinkEncoder(rig="metahuman"), JsonEncoder()),
    *(JsonEncoder(rig="vrm1"), CurvesFrameEncoder()),
)


def broken(value: float) -> FaceFrame:
    values = np.zeros(61, np.float32)
    values[17] = value
    return FaceFrame(0, values)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_refused_and_the_next_goes_out(encoder: Encoder, value: float) -> None:
    with pytest.raises(PacketError, match="NaN or infinity in jawOpen; drop this frame"):
        encoder.encode(broken(value))
    with pytest.raises(PacketError, match="NaN or infinity in head_position"):
        encoder.encode(replace(REST, head_position=(value, 0.0, 0.0)))
    assert encoder.encode(REST)


def test_emotions_too() -> None:
    with pytest.raises(PacketError, match="needs finite emotions"):
        JsonEncoder().encode(replace(REST, emotions={"joy": float("nan")}))


def test_vtube_studio_gets_the_last_good_moment_again() -> None:
    plugin = ready()
    (sent,) = plugin.show(REST, 0.0)
    with pytest.raises(PacketError, match="VTube Studio needs finite values"):
        plugin.show(broken(float("nan")), 0.5)
    assert plugin.due(0.9) == [sent]
