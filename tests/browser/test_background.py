"""The page plays the background itself: a loop that begins where it is, and goes when it is taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from rhapsode.audio.bed import Bed, seamless
from rhapsode.server.settings import ServerSettings
from tests.audio.test_bed import RATE, noise
from tests.server.serve import serving_app

WATCH = """
window.beds = [];
const { start, stop } = AudioBufferSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  window.beds.push({ event: "start", loop: this.loop, offset, seconds: this.buffer.duration });
  return start.apply(this, arguments);
};
AudioBufferSourceNode.prototype.stop = function () {
  window.beds.push({ event: "stop" });
  return stop.apply(this, arguments);
};
"""


def until(page: Page, count: int) -> list[dict[str, Any]]:
    """Return what was done with backgrounds, once so much was."""
    for _ in range(300):
        done: list[dict[str, Any]] = page.evaluate("() => window.beds")
        if len(done) >= count:
            return done
        page.wait_for_timeout(100)
    raise AssertionError(f"it did not happen; done: {done}")


@pytest.mark.browser
def test_the_page_plays_the_background_and_lets_it_go(browser: Browser, tmp_path: Path):
    settings = ServerSettings(port=0, takes=str(tmp_path / "takes"), avatars=str(tmp_path / "avatars"))
    with serving_app(settings) as (url, app):
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(url)
        page.wait_for_selector("#state[data-link=open]")
        page.mouse.click(5, 5)
        (place,) = app.state.sessions._places.values()
        place.session.bed = bed = Bed(seamless(noise(5), RATE), RATE, always=True)
        (begun,) = until(page, 1)
        assert begun["loop"]
        assert begun["seconds"] == pytest.approx(bed.seconds, abs=1e-3)
        assert 0 <= begun["offset"] < bed.seconds
        place.session.bed = None
        assert [one["event"] for one in until(page, 2)] == ["start", "stop"]
        page.close()
