"""``rhapsode stream``: what it refuses before anything starts, and one real performance into a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rhapsode.performance import Performance
from tests.commands import rhapsode


def stream(*arguments: str, given: bytes = b"", wait: float = 60) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "rhapsode", "stream", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=wait)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--say", "Hello."], "at least one --to, got none"),
        (["--mic", "--say", "Hello.", "--to", "ws"], "one source, got --mic and --say"),
        (["--to", "smoke://x"], "a sink must be one of: vmc"),
        (["--pcm", "udp://127.0.0.1:1", "--to", "ws"], "--pcm must be '-' or ws://HOST:PORT"),
        (["--pcm", "-", "--rate", "3", "--to", "ws"], "a sample rate must lie in 8000 to 384000 Hz"),
        (["--button", "127.0.0.1:43015", "--to", "ws"], "--button needs a source and HOST:PORT"),
        (["--file", "none.wav", "--to", "ws"], "none.wav"),
        (["--to", "file:take.xyz"], ".xyz"),
        (["--emotion", "jog:1", "--to", "ws"], "no emotion is called 'jog'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: list[str], said: str, tmp_path: Path):
    done = rhapsode("stream", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())


def test_a_process_ends_with_the_code_of_its_fault():
    done = stream("--to", "smoke://x")
    assert done.returncode == 2
    assert b"a sink must be one of: vmc" in b" ".join(done.stderr.split())
    assert b"Traceback" not in done.stderr


def test_sinks_and_captures_are_listed(tmp_path: Path):
    done = rhapsode("stream", "--sinks", cwd=tmp_path)
    assert done.returncode == 0
    for scheme in ("vmc://", "livelink://", "rtmp://", "whip://", "vts://", "file:"):
        assert scheme in done.stdout


@pytest.mark.slow
def test_raw_sound_is_performed_into_a_take(tmp_path: Path):
    hum = 0.3 * np.sin(2 * np.pi * 150 * np.arange(48_000) / 24_000) * (np.arange(48_000) % 8000 < 5000)
    take = tmp_path / "take.npz"
    done = stream(
        *("--pcm", "-", "--rate", "24000", "--to", f"file:{take}", "--to", "ws://127.0.0.1:0", "--json"),
        given=(hum * 32_767).astype("<i2").tobytes(),
    )
    assert done.returncode == 0, done.stderr.decode()
    assert {row["state"] for row in json.loads(done.stdout.splitlines()[-1])["sinks"]} == {"open"}
    performance = Performance.load(take)
    assert performance.sound is not None
    assert 2.0 < performance.face.duration_s < 6.0
    heard = performance.sound.mono()
    assert float(np.abs(heard).max()) == pytest.approx(0.3, abs=0.05)
    assert (np.abs(heard) > 0.01).sum() / 24_000 == pytest.approx(1.25, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_is_complete(tmp_path: Path, how: signal.Signals):
    take = tmp_path / "take.npz"
    command = [sys.executable, "-m", "rhapsode", "stream", "--to", f"file:{take}", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if json.loads(line)["sinks"][0]["sent"] > 100:
                break
        os.kill(running.pid, how)
        assert running.wait(60) == 0
    assert Performance.load(take).face.duration_s > 1
    assert [path.name for path in tmp_path.iterdir()] == ["take.npz"]
