"""Other lip-sync packages as faces, measured like ours: Rhubarb, HeadAudio, pylipsync, openfacefx.

They are installed from their registries into a folder of their own in the user's cache, never into ours, and
each runs in a process of its own, held to one core. What a peer answers is brought to ARKit by the peer's own
published map where it has one, else by the viseme tables of `rhapsode.rigs.visemes`:

- rhubarb-lip-sync-wasm hears the whole sound and gives timed mouth shapes: our table, one shape at a time.
- @met4citizen/headaudio gives Oculus visemes with its own easing, as a browser calls it, without the delay
  that it recommends for the sound: our table. Version 0.1.0 never shows viseme 0 (aa), because it takes the
  number for "none"; it is measured as published.
- pylipsync gives how much of five vowels and silence it hears, from windows that lie half in the future: our
  table of the Oculus vowels.
- openfacefx without a transcript gives a mouth by loudness over the whole file: its own "arkit" map.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from rhapsode.evaluate import peer_work
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.visemes import OCULUS_SHAPES, SHAPES
from rhapsode.speech.cache import cache_folder

INSTALL_S = 600
_Shapes = Mapping[str, Mapping[str, float]]


class AbsentError(Exception):
    """A peer cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """A package that can be measured.

    Args:
        package: its name in the registry.
        version: the one that is measured.
        registry: "pypi" or "npm".
        work: the program of its process.
        shapes: ARKit weights of what it answers; None where it answers in ARKit's channels.
        gives: what it gives, in words.

    """

    package: str
    version: str
    registry: str
    work: str = field(repr=False)
    shapes: _Shapes | None = field(repr=False)
    gives: str


_VOWELS: _Shapes = {
    "aa": OCULUS_SHAPES["aa"],
    "ee": OCULUS_SHAPES["E"],
    "ih": OCULUS_SHAPES["ih"],
    "oh": OCULUS_SHAPES["oh"],
    "ou": OCULUS_SHAPES["ou"],
    "silence": {},
}
_BROWSER_VISEMES: _Shapes = {
    {"ih": "I", "oh": "O", "ou": "U"}.get(name, name): shape for name, shape in OCULUS_SHAPES.items()
}

PEERS = (
    Peer(
        "rhubarb-lip-sync-wasm",
        "0.1.8",
        "npm",
        peer_work.RHUBARB,
        SHAPES["rhubarb"],
        "timed mouth shapes, whole file",
    ),
    Peer(
        "@met4citizen/headaudio",
        "0.1.0",
        "npm",
        peer_work.HEADAUDIO,
        _BROWSER_VISEMES,
        "Oculus visemes, live",
    ),
    Peer("pylipsync", "0.2.1", "pypi", peer_work.PYLIPSYNC, _VOWELS, "five vowels at 60 Hz"),
    Peer("openfacefx", "0.24.0", "pypi", peer_work.OPENFACEFX, None, "a mouth by loudness, whole file"),
)


class PeerFace:
    """A peer at work: call it with a sound as any other face; close it when done.

    Args:
        peer: which one; it is installed first where it is not.

    Raises:
        AbsentError: it cannot be installed or started.

    """

    def __init__(self, peer: Peer) -> None:
        self.peer, self.spent_s, self.heard_s, self._warm = peer, 0.0, 0.0, False
        self._folder = tempfile.TemporaryDirectory()
        command = installed(peer)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_alone(),
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def __call__(self, y: Float32) -> Float32:
        """Return (T, 52) ARKit weights of a sound, (N,) at 16 kHz.

        Raises:
            AbsentError: the peer failed.

        """
        path = Path(self._folder.name) / "sound"
        soundfile.write(path.with_suffix(".wav"), y, CLOCK_HZ, subtype="PCM_16")
        (np.clip(y, -1, 1) * 32767).astype("<i2").tofile(path.with_suffix(".pcm"))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or '{"error": "its process ended"}')
        except BrokenPipeError:
            answer = {"error": "its process ended"}
        except (OSError, ValueError) as error:
            raise AbsentError(f"{self.peer.package} failed: {error}") from error
        if "error" in answer:
            raise AbsentError(f"{self.peer.package} failed: {str(answer['error'])[:200]}")
        if self._warm:
            self.spent_s += answer["spent"]
            self.heard_s += len(y) / CLOCK_HZ
        self._warm = True
        values = as_float32(answer["values"]).reshape(-1, len(answer["names"]))
        return _on_arkit(values, answer["names"], self.peer.shapes, answer["hz"], -(-len(y) // HOP))

    @property
    def real_time_factor(self) -> float:
        """Processor seconds per second of sound, over all that it heard but the first."""
        return self.spent_s / self.heard_s if self.heard_s else float("nan")

    def close(self) -> None:
        """End its process."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()
        self._folder.cleanup()


def _on_arkit(
    values: Float32, names: Sequence[str], shapes: _Shapes | None, hz: float, count: int
) -> Float32:
    """Return (count, 52) ARKit weights at 50 Hz from (T, names) values at ``hz``."""
    table = np.zeros((len(names), len(ARKIT)), np.float32)
    for row, name in enumerate(names):
        for channel, weight in (shapes[name] if shapes is not None else {name: 1.0}).items():
            if channel in ARKIT.channels:
                table[row, ARKIT.index(channel)] = weight
    at = np.arange(count) * (hz / CURVE_HZ)
    grid = np.arange(len(values))
    sampled = np.stack([np.interp(at, grid, column) for column in values.T], axis=1)
    return as_float32(np.clip(sampled @ table, 0, 1))


def installed(peer: Peer) -> list[str]:
    """Return the command that runs a peer, installed into the cache where it is not yet.

    Raises:
        AbsentError: it cannot be installed.

    """
    try:
        return (_python if peer.registry == "pypi" else _node)(peer, _home(peer))
    except OSError as error:
        raise AbsentError(f"{peer.package} cannot be installed: {error}") from error


def _home(peer: Peer) -> Path:
    return cache_folder() / "peers" / f"{peer.package.split('/')[-1]}-{peer.version}"


def _python(peer: Peer, home: Path) -> list[str]:
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(home)], "no environment could be made")
        quiet = ["--quiet", "--retries", "1", "--timeout", "20", "--disable-pip-version-check"]
        package = f"{peer.package}=={peer.version}"
        _call([str(python), "-m", "pip", "install", *quiet, package], f"pip could not install {package}")
        (home / "installed").touch()
    return [str(python), "-c", peer.work]


def _node(peer: Peer, home: Path) -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise AbsentError(f"{peer.package} needs node and npm, which are not installed")
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        quiet += ["--fetch-retries=1", "--fetch-timeout=20000"]
        package = f"{peer.package}@{peer.version}"
        _call([npm, "install", "--prefix", str(home), *quiet, package], f"npm could not install {package}")
        (home / "installed").touch()
    program = home / "work.mjs"
    program.write_text(peer.work, encoding="utf-8")
    return [node, str(program)]


def _alone() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": ""}


def _call(command: Sequence[str], failure: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, env=_alone())
    except subprocess.TimeoutExpired:
        raise AbsentError(f"{failure}: not done in {INSTALL_S} s") from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise AbsentError(f"{failure}: {said[-1][:200] if said else f'exit code {done.returncode}'}")
