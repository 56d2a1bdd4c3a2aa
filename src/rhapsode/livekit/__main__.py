"""``python -m rhapsode.livekit start``: the worker with LiveKit's own command line."""

from __future__ import annotations

from livekit.agents import cli

from rhapsode.livekit.worker import worker_options

if __name__ == "__main__":
    cli.run_app(worker_options())
