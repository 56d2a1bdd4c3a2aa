"""From settings to a listening server."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from rhapsode.errors import SettingError
from rhapsode.server.messages import MAX_EVENT_BYTES
from rhapsode.server.settings import ServerSettings


def bind(settings: ServerSettings) -> socket.socket:
    """Return a socket bound to the address of the settings.

    Raises:
        SettingError: the port is in use, or the address is not one of this machine.

    """
    host, port = settings.host, settings.port
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        raise SettingError(f"cannot listen on '{host}': {error.strerror or error}; try 127.0.0.1") from error
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"port {port} of {host} is in use, perhaps by another stage; "
                f"stop that, or choose another with --port {port + 1}"
            ) from error
        raise SettingError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; try --host 127.0.0.1 --port 8420"
        ) from error
    return listening


def server(app: FastAPI) -> uvicorn.Server:
    """Return a server of ``app`` that waits for `uvicorn.Server.run` with a bound socket."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level=logging.WARNING,
            ws="websockets-sansio",
            ws_max_size=MAX_EVENT_BYTES,
            ws_per_message_deflate=False,  # curves hardly get smaller, and it costs a tenth of a core
            timeout_graceful_shutdown=2,
        )
    )


def url_of(listening: socket.socket) -> str:
    """Return the address of a bound socket as a browser takes it."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def open_when_ready(serving: uvicorn.Server, url: str, open_url: Callable[[str], object]) -> None:
    """Open ``url`` in a browser once the server answers; where there is none, nothing happens."""

    def wait() -> None:
        while not serving.started and not serving.should_exit:
            pause.wait(0.05)
        if serving.started:
            open_url(url)

    pause = threading.Event()
    threading.Thread(target=wait, daemon=True, name="open-browser").start()


def open_browser(url: str) -> bool:
    """Open ``url`` in the user's browser if there is a screen; return whether that was tried."""
    screen = os.name == "nt" or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if not screen and os.uname().sysname != "Darwin":
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
