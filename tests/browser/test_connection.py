"""A lost connection comes back to the session it had, and views of others join without controls."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]


def test_a_lost_connection_keeps_the_session_and_its_settings(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    session = stage.probe()["session"]
    stage.page.click("#tab-face")
    stage.page.locator("label:has(input[value=lively])").click()
    stage.until(lambda _: fake.told("hello")[-1].get("style") == "lively", "the style is sent")
    fake.drop()
    stage.until(lambda probe: probe["resumed"] and probe["connected"], "it is back")
    assert stage.probe()["session"] == session
    again = fake.told("hello")[-1]
    assert (again["session"], again["style"]) == (session, "lively")
    stage.page.fill("#text", "Still here.")
    stage.page.click("#speak")
    stage.until(lambda probe: probe["speaking"], "it speaks again")
    stage.until(lambda _: fake.told("position"), "and tells what is heard")


def test_the_page_of_a_server_of_protocol_1_greys_out_the_rest(visit: Visit, fake: FakeStage) -> None:
    fake.old = True
    try:
        stage = visit()
        page = stage.page
        page.wait_for_timeout(2500)
        assert {message["type"] for message in fake.said} == {"hello"}
        page.click("#tab-outputs")
        assert page.get_by_role("button", name="Add", exact=True).is_disabled()
        page.click("#tab-takes")
        assert page.locator("#record").is_disabled()
        page.click("#mic-quick")
        page.get_by_text("older protocol").wait_for()
    finally:
        fake.old = False


def test_the_view_for_obs_is_the_avatar_on_transparency(visit: Visit, fake: FakeStage) -> None:
    stage = visit("?obs=1&camera=bust", width=640, height=480)
    assert fake.told("hello")[0]["follow"] == "latest"
    assert not stage.page.locator(".top, .rail, .dock").locator("visible=true").count()
    stage.page.wait_for_timeout(1500)
    shot = Image.open(io.BytesIO(stage.page.screenshot(omit_background=True)))
    alpha = np.asarray(shot.convert("RGBA"))[..., 3]
    assert alpha[:40, :40].max() == 0, "the corner is nothing at all"
    assert alpha[200:260, 300:340].min() == 255, "the face is solid"
    assert 0.15 < (alpha > 0).mean() < 0.8
    assert stage.noise == []


def test_a_small_view_for_frames_speaks(visit: Visit, fake: FakeStage) -> None:
    stage = visit("?embed=1&avatar=teo", width=420, height=420)
    assert stage.probe()["avatar"] == "teo"
    stage.page.fill("#text", "Hello there, page.")
    stage.page.press("#text", "Enter")
    stage.until(lambda probe: probe["speaking"] and probe["weights"]["jawOpen"] > 0.1, "it speaks")
    assert stage.noise == []
