"""Bones in the page: packets of them pose the avatar's body, and it stands at ease again without them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, WebSocketRoute

from rhapsode.live.behaviour.body import pose
from rhapsode.live.behaviour.parts import row
from rhapsode.protocols.frame import Quaternion
from rhapsode.protocols.stage_packets import BonesPacket
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

WAVE = pose(row(wave=1.0, lean=0.2))


class Between:
    """Stands between page and server and adds packets of bones to those of curves."""

    def __init__(self) -> None:
        self.bones: dict[str, Quaternion] = {}

    def meet(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def back(message: str | bytes) -> None:
            if isinstance(message, bytes) and message[4] == 2 and self.bones:
                _, _, _, _, start, generation, count, _ = struct.unpack_from("<4sBBHQIII", message)
                one = BonesPacket.of(generation, start, self.bones)
                turns = np.repeat(one.turns, count, axis=0)
                page.send(bytes(BonesPacket(generation, start, one.names, turns)))
                page.send(message[:4] + b"\x63" + message[5:])  # of a kind that nobody knows
            page.send(message)

        server.on_message(back)


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def stage(browser: Browser, address: str, between: Between) -> Iterator[StagePage]:
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.route_web_socket("**/ws*", between.meet)
    made = StagePage(page, address)
    made.open()
    yield made
    page.close()


def apart(a: list[float], b: Quaternion) -> float:
    """Return the angle between two turns, radians."""
    return 2 * math.acos(min(abs(sum(x * y for x, y in zip(a, b, strict=True))), 1.0))


def test_bones_pose_the_body_and_let_it_go(stage: StagePage, between: Between) -> None:
    assert stage.probe()["bones"] == {}
    between.bones = WAVE
    arm, ease = WAVE["rightUpperArm"], pose(row())["rightUpperArm"]

    def up(probe: dict[str, Any]) -> bool:
        bones = probe["bones"]  # the chest and the shoulders breathe; where frames are late, bones are let go
        near = set(bones) == set(WAVE) and all(apart(bones[bone], WAVE[bone]) < 0.04 for bone in WAVE)
        return near and apart(bones["rightUpperArm"], arm) < 0.01

    stage.until(up, "the arm is up")
    between.bones = {}
    stage.until(lambda probe: apart(probe["bones"]["rightUpperArm"], ease) < 0.05, "the arm hangs again")
    assert not stage.noise
