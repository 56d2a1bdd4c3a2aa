"""The page and the real server together: WebRTC, takes, outputs, a file of one's own, a reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

VRM = Path(__file__).parents[2] / "src" / "rhapsode" / "avatars" / "data" / "teo.vrm"


def test_a_session_over_webrtc_survives_a_reload(browser: Browser, address: str) -> None:
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    context = browser.new_context(viewport={"width": 480, "height": 480}, locale="en-US")
    stage = StagePage(context.new_page(), f"{address}/?transport=rtc")
    stage.repeat()
    stage.open()
    assert stage.probe()["transport"] == "rtc"
    stage.page.fill("#text", "Good morning to all of you!")
    stage.page.click("#speak")
    stage.until(lambda probe: probe["speaking"] and probe["weights"]["jawOpen"] > 0.1, "it speaks")
    session = stage.probe()["session"]
    stage.page.reload()
    stage.until(lambda probe: probe["ready"] and probe["connected"], "it is back")
    assert stage.probe()["session"] == session
    assert stage.probe()["resumed"]
    context.close()


def test_a_page_without_webrtc_on_the_server_falls_back(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 480, "height": 480}, locale="en-US")
    page = context.new_page()
    page.route("**/api/rtc", lambda route: route.fulfill(status=501, json={"detail": "not installed"}))
    stage = StagePage(page, f"{address}/?transport=auto")
    stage.open()
    assert stage.probe()["transport"] == "ws"
    context.close()


@pytest.mark.slow
def test_a_take_is_recorded_and_exported_and_an_output_connected(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    stage = StagePage(context.new_page(), address)
    stage.repeat()
    stage.open()
    page = stage.page
    page.click("#tab-takes")
    before = page.locator("#takes li").count()
    page.click("#record")
    page.locator("#recording").wait_for()
    page.fill("#text", "Good morning to all of you!")
    page.click("#speak")
    stage.until(lambda probe: probe["speaking"], "it speaks")
    stage.until(lambda probe: not probe["speaking"], "it has spoken")
    page.click("#record")
    page.locator("#takes li").nth(before).wait_for()
    page.locator("#takes .icon-edit").first.click()
    page.select_option("#format", ".csv")
    with page.expect_download() as download:
        page.click("#export")
    assert download.value.suggested_filename.endswith(".csv")
    page.click("#tab-outputs")
    page.select_option("#sink-kind", "osc")
    page.fill("#sink-url", "osc://127.0.0.1:9009")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#sinks li").wait_for()
    page.locator("#sinks .icon-button").first.click()
    page.locator("#sinks li").wait_for(state="detached")
    page.set_input_files("input[type=file][accept='.vrm,.glb']", {
        "name": "Hero One.vrm", "mimeType": "model/gltf-binary", "buffer": VRM.read_bytes(),
    })  # fmt: skip
    page.get_by_text("as the server reads the file").wait_for(timeout=60_000)
    assert stage.noise == []
    context.close()
