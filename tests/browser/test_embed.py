"""The element on somebody's own page at another address; the microphone, which hears a recording."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import FLAGS, find_browser
from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

PAGE = """<!doctype html><title>Mine</title><link rel="icon" href="data:," />
<script type="module" src="{server}/rhapsode-stage.js"></script>
<rhapsode-stage server="{server}" avatar="noor" camera="face" captions talk
  style="height: 300px"></rhapsode-stage>
<script>
  window.seen = [];
  for (const name of ["ready", "error", "activity", "state", "talk"]) {{
    const told = (detail) => typeof detail === "string" ? detail : detail.event;
    addEventListener(`rhapsode-${{name}}`, (event) => window.seen.push(`${{name}}:${{told(event.detail)}}`));
  }}
</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere(tmp_path: Path, fake: FakeStage) -> Iterator[str]:
    """Serve a page of one's own at another origin."""
    (tmp_path / "index.html").write_text(PAGE.format(server=fake.address), encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


def test_the_element_speaks_on_a_page_of_another_origin(
    browser: Browser, fake: FakeStage, elsewhere: str
) -> None:
    context = browser.new_context(viewport={"width": 480, "height": 360})
    page = StagePage(context.new_page(), elsewhere)
    page.page.goto(elsewhere)
    page.page.wait_for_function("() => window.seen.includes('ready:noor')", timeout=60_000)
    page.page.evaluate("() => document.querySelector('rhapsode-stage').say('Hello from elsewhere.')")
    page.page.wait_for_function("() => window.seen.includes('activity:speaking')", timeout=30_000)
    assert fake.told("say") == [{"type": "say", "text": "Hello from elsewhere."}]
    page.page.wait_for_timeout(500)
    assert page.noise == []
    context.close()


def test_the_element_is_asked_interrupted_and_talked_to(
    speaking_browser: Browser, fake: FakeStage, elsewhere: str
) -> None:
    context = speaking_browser.new_context(viewport={"width": 480, "height": 360}, locale="en-US")
    page = context.new_page()
    page.goto(elsewhere)
    page.wait_for_function("() => window.seen.includes('ready:noor')", timeout=60_000)
    page.evaluate("() => document.querySelector('rhapsode-stage').ask('Tell me a long story')")
    page.wait_for_function("() => window.seen.includes('talk:speaking_started')", timeout=30_000)
    page.wait_for_function("() => window.seen.includes('activity:speaking')", timeout=30_000)
    page.evaluate("() => document.querySelector('rhapsode-stage').interrupt()")
    page.wait_for_function("() => window.seen.includes('talk:answered')", timeout=30_000)
    assert fake.told("ask") == [{"type": "ask", "text": "Tell me a long story"}]
    page.get_by_role("button", name="Talk").click()
    page.wait_for_function("() => window.seen.includes('state:listening')", timeout=30_000)
    assert fake.told("mic")[-1]["to"] == "talk"
    page.get_by_role("button", name="Listening").click()
    page.wait_for_function("() => window.seen.includes('state:off')", timeout=30_000)
    context.close()


@pytest.fixture
def speaking_browser(playwright_here: Playwright, tmp_path: Path) -> Iterator[Browser]:
    """Start a chromium whose microphone hears a recording over and over."""
    time_s = np.arange(2 * 48_000) / 48_000
    sound = 0.5 * np.sin(2 * np.pi * 180 * time_s) * (np.sin(2 * np.pi * time_s) > -0.5)
    path, data = tmp_path / "voice.wav", io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    path.write_bytes(data.getvalue())
    flags = [
        *FLAGS,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    ]
    started = playwright_here.chromium.launch(executable_path=find_browser(), args=flags)
    yield started
    started.close()


def test_the_microphone_moves_the_face(speaking_browser: Browser, fake: FakeStage) -> None:
    context = speaking_browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    stage = StagePage(context.new_page(), fake.address)
    stage.open()
    page = stage.page
    page.click("#tab-sound")
    page.locator("label:has(input[name=mic-noise])").click()
    page.click("#mic")
    stage.until(lambda probe: probe["activity"] == "listening", "it listens")
    stage.until(lambda probe: probe["weights"]["jawOpen"] > 0.3, "the mouth follows the voice")
    page.get_by_text("voice", exact=True).wait_for()
    assert page.locator("#mic-quick").get_attribute("aria-pressed") == "true"
    rate = fake.told("mic")[0]["sample_rate"]
    first, second = (np.frombuffer(packet[8:16], "<u8")[0] for packet in fake.heard[:2])
    assert (first, second) == (0, 320)
    assert len(fake.heard[0]) == 28 + 2 * round(rate / 50)
    fake.drop()
    stage.until(lambda probe: probe["resumed"] and probe["activity"] == "listening", "it listens again")
    page.keyboard.press("Control+m")
    stage.until(lambda _: not fake.told("mic")[-1]["on"], "it is turned off by a key")
    stage.until(lambda probe: probe["weights"]["jawOpen"] < 0.05, "and the mouth closes")
    context.close()
