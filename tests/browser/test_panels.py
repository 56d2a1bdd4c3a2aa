"""Outputs, takes and checks: what the panels ask the server for, and what they show of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route

from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]


def test_outputs_are_added_shifted_and_removed(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-outputs")
    page.locator("#sink-kind option").nth(3).wait_for(state="attached")
    page.select_option("#sink-kind", "rtmp")
    add = page.get_by_role("button", name="Add", exact=True)
    assert add.is_disabled()
    assert "pip install" in page.inner_text("#sink-form .warning")
    page.select_option("#sink-kind", "vmc")
    assert page.input_value("#sink-url") == "vmc://127.0.0.1:39539"
    add.click()
    page.locator("#sinks [data-state=open]").wait_for()
    page.fill("#sink-url", "livelink://127.0.0.1:9999")
    add.click()
    page.locator("#sinks [data-state=failed]").wait_for()
    assert "connection refused" in page.inner_text("#sinks [data-state=failed]")
    offset = page.locator("#sinks [data-state=open] input[type=number]")
    offset.fill("40")
    offset.blur()
    stage.until(lambda _: fake.told("sink_set"), "the offset is sent")
    assert fake.told("sink_set")[0] == {"type": "sink_set", "id": "s1", "offset_ms": 40}
    page.locator("#sinks [data-state=open] .icon-button").click()
    page.locator("#sinks [data-state=open]").wait_for(state="detached")
    page.fill("#sink-url", "nothing://here")
    add.click()
    page.get_by_text("no sink is called 'nothing'").wait_for()
    assert page.locator("#sinks li").count() == 1
    assert stage.noise == []


def test_a_take_is_trimmed_played_and_exported(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-takes")
    page.get_by_role("button", name="Trim and export: A first take").click()
    begin = page.get_by_role("slider", name="Begin")
    begin.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert begin.get_attribute("aria-valuetext") == "0.50 s"
    end = page.get_by_role("slider", name="End")
    end.hover()
    page.mouse.down()
    wave = page.locator("#wave").bounding_box()
    assert wave
    page.mouse.move(wave["x"] + wave["width"] * 0.75, wave["y"] + 20, steps=3)
    page.mouse.up()
    assert 3.2 < float(end.get_attribute("aria-valuenow") or 0) < 3.7
    page.get_by_role("button", name="Play", exact=True).click()
    stage.until(lambda probe: probe["speaking"], "the take is heard")
    assert fake.told("take")[-1]["start_s"] == 0.5
    page.keyboard.press("Escape")
    page.select_option("#format", ".csv")
    with page.expect_download() as download:
        page.click("#export")
    assert download.value.suggested_filename == "t1.csv"
    assert "format=.csv&start_s=0.500&end_s=3." in fake.asked[-1]
    page.select_option("#format", ".vrma")
    page.click("#export")
    page.get_by_text("the avatar has no humanoid").wait_for()


def test_what_is_trimmed_before_the_curves_arrive_stays(visit: Visit) -> None:
    page = visit().page
    held: list[Route] = []
    page.route("**/curves?*", lambda route: held.append(route))
    page.click("#tab-takes")
    with page.expect_request("**/curves?*"):
        page.get_by_role("button", name="Trim and export: A first take").click()
    begin = page.get_by_role("slider", name="Begin")
    begin.press("ArrowRight")
    assert begin.get_attribute("aria-valuetext") == "0.05 s"
    held[0].continue_()
    page.locator("#export:enabled").wait_for()
    assert begin.get_attribute("aria-valuetext") == "0.05 s"


def test_takes_are_recorded_renamed_and_deleted_with_a_way_back(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-takes")
    page.click("#record")
    page.locator("#recording").wait_for()
    page.click("#record")
    page.locator("#takes li").nth(2).wait_for()
    name = page.locator("#takes li[data-id=t1] input")
    name.fill("The opening")
    name.press("Enter")
    stage.until(lambda _: fake.takes[0]["name"] == "The opening", "it is renamed")
    page.locator("#takes li[data-id=t2] .icon-remove").click()
    page.get_by_role("button", name="Undo").click()
    assert page.locator("#takes li").count() == 3
    page.locator("#takes li[data-id=t2] .icon-remove").click()
    page.locator("#notice").get_by_role("button", name="Close").click()
    stage.until(lambda _: len(fake.takes) == 2, "it is deleted")
    assert {row["id"] for row in fake.takes} == {"t1", "t3"}


def test_checks_name_what_is_wrong_and_the_remedy(visit: Visit) -> None:
    page = visit().page
    page.click("#tab-check")
    page.locator("#checks-there li").nth(2).wait_for()
    assert page.locator("#checks-here li").count() == 6
    first = page.locator("#checks-there li").first
    assert first.get_attribute("data-state") == "bad"
    assert "pip install 'rhapsode[video]'" in first.inner_text()


def test_timing_tells_the_server_and_the_network(visit: Visit) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-timing")
    stage.until(lambda probe: probe["roundTripMs"] is not None, "a ping came back")
    page.get_by_text("46 · 61 ms").wait_for()
    drawn = "node => new Set(node.getContext('2d').getImageData(0, 0, node.width, node.height).data).size"
    stage.until(lambda _: page.locator("#plot").evaluate(drawn) > 8, "curves are plotted")
