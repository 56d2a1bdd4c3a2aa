"""What waits for a connection: speech made ahead stays, life that is past goes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import numpy as np
import pytest

from rhapsode.live.items import CurvesItem, Item
from rhapsode.live.session import Session
from rhapsode.live.timeline import Timeline
from rhapsode.server.viewer import LIFE_KEPT, Channel, Viewer
from tests.live.fake import FakeEngine
from tests.live.virtual import Inline, play


class Track:
    """Plays the sound beside the connection."""

    viewer: Viewer | None = None

    def turn_to(self, timeline: Timeline) -> None:
        pass

    def offer(self, item: Item) -> None:
        pass

    def interrupted(self, generation: int) -> None:
        pass


@pytest.mark.parametrize(("begins_s", "kept"), [(0.0, 500), (-20.0, LIFE_KEPT)])
def test_only_curves_that_are_past_are_left_out(begins_s: float, kept: int):
    async def scene() -> int:
        session = Session(FakeEngine(), Inline())
        session.timeline.anchor(0, asyncio.get_running_loop().time() + begins_s)
        viewer = Viewer(cast(Channel, cast(Any, None)), Track())
        viewer.watch(session)
        for k in range(20):
            viewer.offer(CurvesItem(0, k * 25 * 320, np.zeros((25, 61), np.float32)))
        return viewer.waiting * 25

    assert play(scene()) == kept
