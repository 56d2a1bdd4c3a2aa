"""The stage as a test sees it: its page, its probe, its noise."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

PATIENCE_S = 60.0
"""How long a busy machine may take for anything; no test measures it."""

_PROBE = "() => window.rhapsode ? {...window.rhapsode} : null"


class StagePage:
    """Drives one page.

    Args:
        page: an empty page.
        address: of the server.

    """

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.noise: list[str] = []
        self.requested: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.noise.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.noise.append(message.text)

    def repeat(self) -> None:
        """Have the page repeat what is written, not answer it; call it before the page is opened."""
        self.page.add_init_script("localStorage.setItem('rhapsode.write', 'say')")

    def open(self) -> None:
        """Go to the stage and wait for the avatar."""
        self.page.goto(self.address)
        self.until(lambda probe: probe["ready"] and probe["connected"], "the avatar stands on the stage")

    def probe(self) -> dict[str, Any]:
        """Return what the page tells of itself."""
        return dict(self.page.evaluate(_PROBE) or {"ready": False})

    def until(self, holds: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """Return the first probe for which ``holds`` is true."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            probe = self.probe()
            if holds(probe):
                return probe
            self.page.wait_for_timeout(20)
        raise AssertionError(f"waited {PATIENCE_S:.0f} s, and never: {what}; {self._brief()}; {self.noise}")

    def _brief(self) -> dict[str, Any]:
        """Return the probe without its tables."""
        return {key: value for key, value in self.probe().items() if not isinstance(value, dict)}

    def record(self) -> list[dict[str, Any]]:
        """Collect a probe per video frame, in the page, from speech to its end."""
        self.page.evaluate(
            """() => { window.seen = []; const look = () => { const r = window.rhapsode;
            window.seen.push({speaking: r.speaking, sample: r.audioSample, error: r.errorMs, frame: r.frameMs,
            jaw: r.weights.jawOpen, at: performance.now()}); window.looking = requestAnimationFrame(look); };
            look(); }"""
        )
        self.until(lambda probe: probe["speaking"], "it speaks")
        self.until(lambda probe: not probe["speaking"], "it has spoken")
        self.page.wait_for_timeout(700)
        return list(self.page.evaluate("() => { cancelAnimationFrame(window.looking); return window.seen; }"))
