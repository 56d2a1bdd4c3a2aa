"""A page is told of the background that it plays itself, and gets its sound."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rhapsode.audio.bed import Bed, seamless
from rhapsode.server.backgrounds import PEAK, background_message, backgrounds
from tests.audio.test_bed import RATE, noise
from tests.server.house import House, Wire, at_home


def bed(db: float = -24) -> Bed:
    return Bed(seamless(noise(5), RATE), RATE, db=db, always=True)


def test_a_page_is_told_when_it_begins_when_it_is_louder_and_when_it_ends(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        await asyncio.sleep(1)
        assert not wire.told("background")
        session = house.sessions.find(str(wire.session)).session
        session.bed = one = bed()
        await wire.until(lambda: len(wire.told("background")) == 1)
        one.follow(np.full(RATE * 20, 0.4, np.float32))
        await wire.until(lambda: len(wire.told("background")) == 2)
        session.bed = None
        await wire.until(lambda: len(wire.told("background")) == 3)
        session.bed = Bed(seamless(noise(5), RATE), RATE)
        await asyncio.sleep(1)
        return wire

    wire = at_home(scene, tmp_path)
    first, louder, none = wire.told("background")
    assert first["path"] == louder["path"]
    assert louder["gain"] > 1.5 * first["gain"]
    assert none == {"type": "background", "path": None}


def test_its_sound_loops_and_has_the_level_that_is_told():
    app = FastAPI()
    app.include_router(backgrounds())
    one = bed()
    message = background_message(one, 12.0)
    with TestClient(app) as client:
        answer = client.get(message["path"])
        assert client.get("/api/backgrounds/none").status_code == 404
    y, rate = soundfile.read(io.BytesIO(answer.content), dtype="float32")
    assert (rate, len(y)) == (RATE, one.samples)
    assert np.abs(y).max() == pytest.approx(PEAK, abs=0.01)
    assert np.allclose(y * message["gain"], one.at(0, len(y)) * one.level, atol=1e-4)
    assert message["at_s"] == pytest.approx(12.0 % one.seconds, abs=1e-3)


def test_what_is_not_used_any_more_cannot_be_had():
    app = FastAPI()
    app.include_router(backgrounds())
    one: Any = bed()
    path = background_message(one, 0.0)["path"]
    del one
    with TestClient(app) as client:
        assert client.get(path).status_code == 404
