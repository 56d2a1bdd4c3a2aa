"""A real server of the fake engine on a free port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from rhapsode.live.engine import Engine
from rhapsode.server.app import create_app
from rhapsode.server.run import bind, server, url_of
from rhapsode.server.settings import ServerSettings
from rhapsode.server.talking import Talking
from rhapsode.settings.load import Store
from tests.live.fake import FakeEngine


@contextmanager
def serving_app(
    settings: ServerSettings,
    engine: Engine | None = None,
    talking: Talking | None = None,
    store: Store | None = None,
) -> Iterator[tuple[str, FastAPI]]:
    """Serve on a free port; yield the address and the application."""
    app = create_app(settings, engine=engine or FakeEngine(), talking=talking, store=store)
    with bind(settings) as listening:
        running: uvicorn.Server = server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not running.started:
            thread.join(0.01)
            assert thread.is_alive(), "the server did not start"
        yield url_of(listening), app
        running.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not end"


@contextmanager
def serving(settings: ServerSettings) -> Iterator[str]:
    """Serve with the fake engine on a free port; yield the address."""
    with serving_app(settings) as (url, _):
        yield url


def wait_for_no_sessions(url: str) -> None:
    pause = threading.Event()
    for _ in range(500):
        if httpx.get(url + "/api/health").json()["sessions"] == 0:
            return
        pause.wait(0.02)
    raise AssertionError("sessions outlived their connections")
