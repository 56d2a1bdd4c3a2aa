"""A live session that speaks into an RTMP server for a minute, 512x512 at 30 a second, with sound.

``python -m bench.live_video [SECONDS]`` ends in one JSON document. The server runs in a process of its own;
what it got is decoded, and the lips in the pictures are compared with the sound, both by the timestamps that
a player goes by. A contact sheet of the received pictures goes to ``live_video.png`` in the folder that
``RHAPSODE_BENCH_OUT`` names, if it is set.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SIZE, RATE, SECONDS = 512, 30, 60
WINDOW_S, STEP_S, REACH_S = 4.0, 2.0, 0.2
TEXT = (
    "Good morning, and welcome to the harbour. Every boat that you see has a story of its own. "
    "Some of them sailed around the world, others never left the bay. Please follow me along the pier, "
    "mind the ropes, and ask me whatever you would like to know. "
)


async def receive(path: Path) -> None:
    """Serve until standard input ends; then keep the longest stream that was sent."""
    from tests.live.rtmp_server import Server

    server = Server()
    await server.start()
    print(server.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stream = max(server.streams, key=lambda stream: len(stream.tags))
    path.write_bytes(pickle.dumps((stream.tags, stream.flv())))


async def perform(url: str, take: Path, seconds: float) -> dict[str, Any]:
    """Speak to the server and to a file; return what the session knows of it."""
    from rhapsode.face.direction import Direction
    from rhapsode.face.life import Life
    from rhapsode.live.engine import ProductEngine
    from rhapsode.live.show import Show

    engine = ProductEngine()
    engine.warm_up()
    # Without life the head stands still: what moves in the pictures of the mouth is the mouth.
    show = Show(engine, [url, f"file://{take}"], direction=Direction(life=Life.off()))
    task = asyncio.create_task(show.run(None))
    while not show.status or any(status.sent < RATE for status in show.status):
        await asyncio.sleep(0.1)
    assert show.session is not None
    before = show.status[0]
    wall, busy = time.perf_counter(), _busy()
    for _ in range(max(1, round(seconds / 20))):
        show.session.say(TEXT)
        await asyncio.sleep(seconds / max(1, round(seconds / 20)))
    wall, busy, after = time.perf_counter() - wall, _busy() - busy, show.status[0]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return {
        "fps": round((after.sent - before.sent) / wall, 2),
        "dropped": after.dropped - before.dropped,
        "cores_used": round(busy / wall, 2),
        "latency_ms": after.latency_ms,
        "error": after.error,
    }


def _busy() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def lips(flv: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return times and mouth openings of the pictures, the sound at 24 kHz from zero, a few pictures."""
    import av

    from rhapsode.render.renderer import still

    rest = still(None, {}, size=(SIZE, SIZE))[..., :3].astype(np.float32).mean(axis=2)
    wide = still(None, {"jawOpen": 0.4}, size=(SIZE, SIZE))[..., :3].astype(np.float32).mean(axis=2)
    way = wide - rest
    way[np.abs(way) < 12] = 0.0
    rows, columns = np.flatnonzero(way.any(axis=1)), np.flatnonzero(way.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    times, opened, some = [], [], []
    with av.open(str(flv), "r") as made:
        for k, picture in enumerate(made.decode(video=0)):
            rgb = picture.to_ndarray(format="rgb24")
            seen = rgb[box].astype(np.float32).mean(axis=2) - rest[box]
            times.append(float(picture.time or 0))
            opened.append(float((seen * way[box]).sum() / (way[box] ** 2).sum()))
            if k % 150 == 75:
                some.append(rgb)
    with av.open(str(flv), "r") as made:
        blocks = [(float(b.time or 0), b.to_ndarray().ravel()) for b in made.decode(audio=0)]
    y = np.zeros(int((blocks[-1][0] + 1) * 48_000), np.float32)
    for at, samples in blocks:
        first = round(at * 48_000)
        y[first : first + len(samples)] = samples
    return np.array(times), np.array(opened), y[::2], some


def lag_s(a: np.ndarray, b: np.ndarray, rate: int) -> float:
    """Return how much later ``b`` is than ``a``, by the peak of their correlation, seconds."""
    a, b = a - a.mean(), b - b.mean()
    size = 1 << int(np.ceil(np.log2(len(a) + len(b))))
    both = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    reach = int(REACH_S * rate)
    near = np.concatenate([both[-reach:], both[: reach + 1]])
    return float(np.argmax(near) - reach) / rate


def errors_ms(flv: Path, take: Path) -> tuple[list[float], list[np.ndarray]]:
    """Return how late the lips come after the sound, window by window, against the take of the session."""
    from rhapsode.formats import load

    times, opened, heard, some = lips(flv)
    made = load(take)
    assert made.sound is not None
    said, jaw = made.sound.mono(), made.face["jawOpen"]
    # The take and the stream begin at different moments: the sound tells by how much.
    size = 1 << int(np.ceil(np.log2(len(said) + len(heard))))
    both = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    peak = int(np.argmax(both))
    shift = (peak - size if peak > size // 2 else peak) / 24_000
    fine = 1000
    errors = []
    end = min(times[-1], len(jaw) / 50 + shift) - WINDOW_S
    for begin in np.arange(max(times[0], shift) + 0.5, end, STEP_S):
        grid = begin + np.arange(int(WINDOW_S * fine)) / fine
        wanted = np.interp(grid - shift, np.arange(len(jaw)) / 50, jaw)
        if wanted.std() < 0.03:
            continue
        shown = np.interp(grid, times, opened)
        first = round(begin * 24_000)
        a = said[round((begin - shift) * 24_000) :][: int(WINDOW_S * 24_000)]
        b = heard[first : first + len(a)]
        late = lag_s(wanted, shown, fine) - lag_s(a[: len(b)], b, 24_000)
        errors.append(late * 1000)
    return errors, some


def run(seconds: float = SECONDS) -> dict[str, Any]:
    """Return frames a second, processor use, dropped moments and the lip-to-sound error at the receiver."""
    with tempfile.TemporaryDirectory() as folder:  # what was sent and what arrived
        got, take, flv = Path(folder) / "got", Path(folder) / "take.npz", Path(folder) / "got.flv"
        command = [sys.executable, "-m", "bench.live_video", "receive", str(got)]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            url = f"rtmp://127.0.0.1:{port}/live/bench?size={SIZE}&rate={RATE}"
            made = asyncio.run(perform(url, take, seconds))
            server.communicate(timeout=60)
        finally:
            server.kill()
        print(made, file=sys.stderr, flush=True)
        tags, stream = pickle.loads(got.read_bytes())
        flv.write_bytes(stream)
        shown = np.array([t for kind, t, payload, _ in tags if kind == 9 and payload[1] != 0])
        late, some = errors_ms(flv, take)
    made["received_fps"] = round((len(shown) - 1) / ((shown[-1] - shown[0]) / 1000), 2)
    made["longest_gap_ms"] = int(np.diff(shown).max())
    made["kbit_per_s"] = round(len(stream) * 8 / (shown[-1] - shown[0]))
    made["lips_after_sound_ms"] = {
        name: round(float(value), 1)
        for name, value in zip(
            ("p5", "p50", "p95", "least", "most"),
            (*np.percentile(late, [5, 50, 95]), min(late), max(late)),
            strict=True,
        )
    }
    made["windows"] = len(late)
    if folder := os.environ.get("RHAPSODE_BENCH_OUT"):
        from PIL import Image

        tiles = [np.hstack(some[k : k + 4]) for k in range(0, len(some) // 4 * 4, 4)] or some
        Image.fromarray(np.vstack(tiles)[::2, ::2]).save(Path(folder) / "live_video.png")
    return made


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:
        asyncio.run(receive(Path(sys.argv[2])))
    else:
        print(json.dumps(run(float(sys.argv[1]) if sys.argv[1:] else SECONDS), indent=1))
