"""The stage in a real browser: somebody stands there, speaks in time, stops, and lives."""

from __future__ import annotations

import io
import statistics
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

LINE = "My mother opened both of the big blue windows, and the morning came in."


def _picture(stage: StagePage) -> np.ndarray[Any, np.dtype[np.float64]]:
    shot = Image.open(io.BytesIO(stage.page.screenshot())).convert("RGB")
    return np.asarray(shot, np.float64)


def _check_speech(seen: list[dict[str, Any]]) -> None:
    spoken = [row for row in seen if row["speaking"] and row["sample"] is not None]
    samples = [row["sample"] for row in spoken]
    assert max(samples) - min(samples) > 2 * 16000, "at least two seconds are heard"
    assert max(row["jaw"] for row in spoken) > 0.12, "the mouth opens while sound plays"
    assert np.std([row["jaw"] for row in spoken]) > 0.02, "and moves"
    assert seen[-1]["jaw"] < 0.06, "and rests afterwards"
    errors = [row["error"] for row in spoken if row["error"] is not None]
    shown_for = statistics.median(row["frame"] for row in spoken)
    # A picture stands for as long as the next one takes: a slow machine cannot be closer than that.
    assert abs(statistics.median(errors)) < max(40.0, 0.75 * shown_for)
    assert statistics.median(map(abs, errors)) < max(40.0, shown_for)


def test_the_avatar_is_on_screen(stage: StagePage) -> None:
    stage.page.wait_for_timeout(1500)
    picture = _picture(stage)
    height, width, _ = picture.shape
    face = picture[height // 5 : height // 2, width * 2 // 5 : width * 3 // 5]
    beside = picture[height // 5 : height // 2, width // 40 : width // 10]
    assert np.abs(face.mean((0, 1)) - beside.mean((0, 1))).max() > 12
    assert face.std() > 2 * beside.std()


def test_typed_text_is_spoken_in_time_with_the_lips(stage: StagePage) -> None:
    stage.page.fill("#text", LINE)
    stage.page.click("#speak")
    _check_speech(stage.record())
    assert stage.page.inner_text("#speak-label") == "Speak"


def test_a_sample_is_spoken_with_subtitles(stage: StagePage) -> None:
    stage.page.locator(".sample").first.click()
    stage.until(lambda probe: probe["speaking"], "it speaks")
    said = stage.page.locator("#caption.on span")
    said.first.wait_for(timeout=20000)
    assert said.count() > 1
    _check_speech(stage.record())


def test_stop_silences_at_once_and_closes_the_mouth(stage: StagePage) -> None:
    stage.page.fill("#text", LINE + " " + LINE)
    stage.page.click("#speak")
    stage.until(lambda probe: probe["speaking"] and probe["weights"]["jawOpen"] > 0.08, "the mouth is open")
    # The probe is read by the page itself, so that the road to this test costs nothing.
    took = stage.page.evaluate(
        """() => new Promise((done) => { document.getElementById("speak").click();
        const at = performance.now(); const silent = !window.rhapsode.speaking;
        const look = () => { const open = window.rhapsode.weights.jawOpen; const ms = performance.now() - at;
        if (open < 0.06 || ms > 5000) done({silent, ms}); else requestAnimationFrame(look); }; look(); })"""
    )
    frame_ms = stage.probe()["frameMs"]
    assert took["silent"], "no sound is heard from the very moment on"
    assert took["ms"] < 300 + 3 * frame_ms
    stage.until(lambda probe: probe["weights"]["jawOpen"] < 0.05, "the mouth stays closed")


def test_a_silent_face_blinks(stage: StagePage) -> None:
    probe = stage.until(lambda probe: probe["weights"]["eyeBlinkLeft"] > 0.4, "a blink")
    assert not probe["speaking"]
    stage.until(lambda probe: probe["weights"]["eyeBlinkLeft"] < 0.3, "the eyes open again")


def test_an_empty_text_asks_for_nothing(stage: StagePage) -> None:
    before = stage.probe()["generation"]
    stage.page.fill("#text", "   ")
    stage.page.click("#speak")
    stage.page.wait_for_timeout(300)
    assert stage.probe()["generation"] == before
    assert stage.page.evaluate("() => document.activeElement.id") == "text"


def test_the_page_is_quiet_and_stays_at_home(stage: StagePage) -> None:
    assert stage.noise == []
    home = urlsplit(stage.address).netloc
    away = [url for url in stage.requested if urlsplit(url).scheme in ("http", "https", "ws")]
    assert {urlsplit(url).netloc for url in away} == {home}


def test_a_chinese_phone_gets_a_chinese_page_that_fits(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    opened = StagePage(context.new_page(), address)
    opened.open()
    assert opened.page.inner_text("#link") == "已连接"
    assert opened.page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert opened.noise == []
    context.close()
