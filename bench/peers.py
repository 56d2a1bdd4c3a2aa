"""What other lip-sync packages cost on the same sound: pylipsync, openfacefx, rhubarb-lip-sync-wasm.

They are installed from their registries into a folder of their own in the user's cache, never into ours.
Each runs in a process of its own, held to one core, and measures its own CPU time behind a warm-up, as
`bench.face` does for us: ``real_time_factor`` is the median CPU second per second of sound, and
``with_start_real_time_factor`` the wall time of a whole process that warms up and does it once. A peer that
cannot be installed or run says why under ``absent``.

pylipsync gives phone scores 60 times a second from MFCC templates, rhubarb-lip-sync mouth shapes from a
phone recogniser, openfacefx (its way without a transcript) one jaw curve from the loudness.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.speech.cache import cache_folder

PYPI = {"pylipsync": "0.2.1", "openfacefx": "0.24.0"}
NPM = {"rhubarb-lip-sync-wasm": "0.1.8"}
GIVES = {
    "pylipsync": "phone scores at 60 Hz",
    "openfacefx": "one jaw curve from loudness at 50 Hz",
    "rhubarb-lip-sync-wasm": "timed mouth shapes",
}
RUNS = 3
INSTALL_S, RUN_S = 600, 300

_TIMED = """
import json, sys, time
def timed(work, sound, short, runs):
    work(short)
    spent = []
    for _ in range(runs):
        began = time.process_time()
        work(sound)
        spent.append(time.process_time() - began)
    print(json.dumps(spent))
"""
_PYTHON_WORK = {
    "pylipsync": """
from pylipsync import PhonemeAnalyzer
analyzer = PhonemeAnalyzer()
timed(lambda path: analyzer.extract_phoneme_segments(path), sys.argv[1], sys.argv[2], int(sys.argv[3]))
""",
    "openfacefx": """
from openfacefx.energy import generate_from_energy
timed(lambda path: generate_from_energy(path, fps=50), sys.argv[1], sys.argv[2], int(sys.argv[3]))
""",
}
_NODE_WORK = """
import { readFileSync } from "node:fs";
import { Rhubarb } from "rhubarb-lip-sync-wasm";
const [sound, short, runs] = process.argv.slice(2);
const seconds = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };
await Rhubarb.getLipSync(readFileSync(short));
const spent = [];
for (let run = 0; run < Number(runs); run++) {
  const began = seconds();
  const made = await Rhubarb.getLipSync(readFileSync(sound));
  if (!made.mouthCues.length) throw new Error("no mouth cues");
  spent.push(seconds() - began);
}
console.log(JSON.stringify(spent));
"""


class AbsentError(Exception):
    """A peer cannot be measured here; the message says why."""


def run(wav_path: str | Path) -> dict[str, Any]:
    """Run every peer on the sound file ``wav_path`` and return what each costs, by package name."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(wav_path, dtype="float32", always_2d=True)
    y = soxr.resample(samples.mean(axis=1), rate, 16_000)
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        sound, short = Path(folder) / "sound", Path(folder) / "short"
        for path, part in ((sound, y), (short, y[:16_000])):
            soundfile.write(path.with_suffix(".wav"), part, 16_000, subtype="PCM_16")
            (np.clip(part, -1, 1) * 32767).astype("<i2").tofile(path.with_suffix(".pcm"))
        for name, version in PYPI.items():
            wav = [str(path.with_suffix(".wav")) for path in (sound, short)]
            command = _command(name, version, _python_command)
            measured[name] = _measure(name, version, command, wav, len(y) / 16_000)
        for name, version in NPM.items():
            pcm = [str(path.with_suffix(".pcm")) for path in (sound, short)]
            command = _command(name, version, _node_command)
            measured[name] = _measure(name, version, command, pcm, len(y) / 16_000)
    return measured


def _command(name: str, version: str, make: Callable[[str, str], list[str]]) -> list[str] | str:
    """Return the command that runs a peer, or why there is none."""
    try:
        return make(name, version)
    except (AbsentError, OSError) as error:
        return str(error)


def _measure(
    name: str, version: str, command: list[str] | str, sounds: Sequence[str], duration_s: float
) -> dict[str, Any]:
    if isinstance(command, str):
        return {"version": version, "absent": command}
    print(f"  {name} {version} ...", file=sys.stderr, flush=True)
    try:
        alone = _call([*command, *sounds, str(RUNS)], RUN_S, f"{name} failed")
        began = time.perf_counter()
        _call([*command, *sounds, "1"], RUN_S, f"{name} failed")
        whole_s = time.perf_counter() - began
        spent = [float(second) for second in json.loads(alone.strip().splitlines()[-1])]
    except (AbsentError, OSError, ValueError, IndexError) as error:
        return {"version": version, "absent": str(error)}
    return {
        "version": version,
        "gives": GIVES[name],
        "runs": len(spent),
        "real_time_factor": round(float(np.median(spent)) / duration_s, 6),
        "with_start_real_time_factor": round(whole_s / duration_s, 5),
    }


def _python_command(name: str, version: str) -> list[str]:
    """Install ``name`` from PyPI into its own environment, once, and return the command that runs it."""
    home = cache_folder() / "peers" / f"{name}-{version}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = home / "installed"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(home)], INSTALL_S, "no environment could be made")
        _call(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--retries",
                "1",
                "--timeout",
                "20",
                "--disable-pip-version-check",
                f"{name}=={version}",
            ],
            INSTALL_S,
            "pip could not install it",
        )
        done.touch()
    return [str(python), "-c", _TIMED + _PYTHON_WORK[name]]


def _node_command(name: str, version: str) -> list[str]:
    """Install ``name`` from npm into its own folder, once, and return the command that runs it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise AbsentError("node and npm are not installed")
    home = cache_folder() / "peers" / f"{name}-{version}"
    done = home / "installed"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        quiet += ["--fetch-retries=1", "--fetch-timeout=20000"]
        _call(
            [npm, "install", "--prefix", str(home), *quiet, f"{name}@{version}"],
            INSTALL_S,
            "npm could not install it",
        )
        done.touch()
    work = home / "work.mjs"
    work.write_text(_NODE_WORK, encoding="utf-8")
    return [node, str(work)]


def _call(command: Sequence[str], limit_s: float, failure: str) -> str:
    """Run ``command`` on one core and return what it prints; raise `AbsentError` if it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": ""}
    try:
        finished = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=limit_s,
            env=environment,
            preexec_fn=_hold_to_one_core if hasattr(os, "sched_setaffinity") else None,
        )
    except subprocess.TimeoutExpired:
        raise AbsentError(f"{failure}: not done in {limit_s:.0f} s") from None
    if finished.returncode != 0:
        said = [line.strip() for line in (finished.stderr or finished.stdout).splitlines() if line.strip()]
        raise AbsentError(f"{failure}: {said[-1][:200] if said else f'exit code {finished.returncode}'}")
    return finished.stdout


def _hold_to_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1]), indent=2))
