"""``make bench``: what the product costs, and what its peers cost on the same sound in the same run.

Human text goes to stderr while it works; the last thing on stdout is one JSON document. Numbers of one run
on one machine: read the ratios, the machine's own speed drifts.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import face, hear, interrupt, live, live_sessions, peers, render, scripts, talk


def commit() -> str:
    """Return the commit that is measured, with a mark if the tree has changed since."""
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    import os

    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def measured(title: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run one part; a part that cannot run says why and stops no other."""
    print(f"{title} ...", file=sys.stderr, flush=True)
    try:
        return work()
    except Exception as error:  # a benchmark reports what broke and goes on
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Measure everything and print the document."""
    with tempfile.TemporaryDirectory() as folder:
        sound = face.make_sound(Path(folder) / "line.wav")
        document: dict[str, Any] = {
            "commit": commit(),
            "machine": machine(),
            "import": measured("import time", face.import_time),
            "face": measured(
                "face: whole file and 20 ms chunks, one core", lambda: face.in_own_process(sound)
            ),
            "memory": measured("peak memory of an hour of sound", lambda: face.long_file(Path(folder))),
            "render": measured("render: 512x512, head and shoulders", render.run),
            "live": measured(
                "live: sound to packet, interruption to a closed mouth", lambda: live.measure(Path(folder))
            ),
            "sessions": measured("sessions that speak at once", live_sessions.measure),
            "hear": measured("listening, beside faster-whisper called directly", hear.measure),
            "talk": measured("talking: an answer's first sound, interruptions", talk.measure),
            "interrupt": measured("interruptions, with headphones and over an echo", interrupt.measure),
            "scripts": measured("scripts: questions that stand in none", scripts.measure),
            "peers": measured("peers on the same sound", lambda: peers.run(sound)),
        }
    ours = document["face"].get("whole_real_time_factor")
    if ours:
        document["times_slower_than_ours"] = {
            name: round(peer["real_time_factor"] / ours, 1)
            for name, peer in document["peers"].items()
            if isinstance(peer, dict) and peer.get("real_time_factor")
        }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
