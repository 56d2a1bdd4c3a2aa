"""A server of the real application and a page of a real chromium, shared by the tests of a module."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from rhapsode.server.app import create_app
from rhapsode.server.run import bind, server, url_of
from rhapsode.server.settings import ServerSettings
from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

expect.set_options(timeout=30_000)  # busy machines draw a few pictures a second

WITHOUT = "RHAPSODE_WITHOUT_BROWSER"
"""The environment variable that, set to 1, has a machine without a browser skip the tests that need one."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--use-angle=swiftshader",
    "--autoplay-policy=no-user-gesture-required",
)


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the application on a free port, with folders of its own for takes and avatars."""
    takes, avatars = (str(tmp_path_factory.mktemp(name)) for name in ("takes", "avatars"))
    settings = ServerSettings(port=0, takes=takes, avatars=avatars)
    listening = bind(settings)
    serving = server(create_app(settings))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield url_of(listening)
    serving.should_exit = True
    thread.join(10)
    listening.close()


def find_browser() -> str:
    """Return the chromium of this machine; without one, fail unless `WITHOUT` allows it."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get(WITHOUT) == "1":
        pytest.skip(f"{WITHOUT}=1, and no browser is installed")
    if found is None:
        pytest.fail(
            f"no browser is installed, expected one of {', '.join(_NAMES)}: run `scripts/setup.sh dev`, "
            f"or set {WITHOUT}=1 to skip what needs one",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="package")
def playwright_here() -> Iterator[Playwright]:
    """Start what drives browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright_here: Playwright) -> Iterator[Browser]:
    """Start the chromium of this machine."""
    started = playwright_here.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
    yield started
    started.close()


@pytest.fixture(scope="module")
def stage(browser: Browser, address: str) -> Iterator[StagePage]:
    """Open the stage and wait until the avatar stands there."""
    context = browser.new_context(viewport={"width": 640, "height": 560}, locale="en-US")
    opened = StagePage(context.new_page(), address)
    opened.repeat()
    opened.open()
    yield opened
    context.close()


@pytest.fixture(scope="package")
def fake_server() -> Iterator[FakeStage]:
    """Serve the page with made-up curves and tones, which know all of protocol 2."""
    fake = FakeStage()
    with bind(ServerSettings(port=0)) as listening:
        fake.address = url_of(listening)
        serving = uvicorn.Server(uvicorn.Config(fake.app(), log_level="error", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield fake
        serving.should_exit = True
        thread.join(10)


@pytest.fixture
def fake(fake_server: FakeStage) -> FakeStage:
    """Return the server of made-up speech, having heard nothing yet."""
    fake_server.forget()
    return fake_server


@pytest.fixture
def visit(browser: Browser, fake: FakeStage) -> Iterator[Callable[..., StagePage]]:
    """Open pages of the made-up server: ``visit(query, width=, height=, ...)`` waits for the avatar."""
    contexts = []

    def opened(query: str = "", *, width: int = 1280, height: int = 800, **options: Any) -> StagePage:
        options.setdefault("locale", "en-US")
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = StagePage(contexts[-1].new_page(), f"{fake.address}/{query}")
        page.open()
        return page

    yield opened
    for context in contexts:
        context.close()
