"""What outlives a connection to `tests.browser.fake_stage`."""

from __future__ import annotations

from typing import Any


class FakeSession:
    """A generation, a clock, outputs, and since when it records."""

    def __init__(self, name: str) -> None:
        self.name, self.generation, self.clock = name, 0, 0
        self.sinks: list[dict[str, Any]] = []
        self.recording: float | None = None
        self.history: list[dict[str, Any]] = []

    def change_sinks(self, kind: str, message: dict[str, Any]) -> str:
        """Add, shift or remove an output; return what is wrong, or nothing."""
        if kind == "sink_add":
            return self._add_sink(message["url"])
        if kind == "sink_set":
            for row in self.sinks:
                if row["id"] == message["id"]:
                    row["offset_ms"] = message["offset_ms"]
        else:
            self.sinks = [row for row in self.sinks if row["id"] != message["id"]]
        return ""

    def _add_sink(self, url: str) -> str:
        """Add an output; one at port 9999 refuses."""
        scheme = url.partition("://")[0]
        if scheme not in ("vmc", "livelink"):
            return f"no sink is called '{scheme}', known are: livelink, vmc"
        bad = "9999" in url
        self.sinks.append(
            {
                "id": f"s{len(self.sinks) + 1}",
                "url": url,
                "state": "failed" if bad else "open",
                "error": "connection refused" if bad else None,
                "rate": 60.0,
                "offset_ms": 0.0,
                "sent": 0,
                "dropped": 0,
                "latency_ms": None if bad else [3.1, 6.4],
            }
        )
        return ""
