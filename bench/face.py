"""What speech to face costs on one core: whole file, 20 ms chunks, import, memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHUNK_S = 0.02
TEXT = (
    "Many people who move to a big city never find out how the buses work. Peter bought a map, "
    "put it on the wall above his bed, and marked every stop that he had ever seen. "
    "Five months later the map was full, and he knew more than the drivers did."
)


def make_sound(path: Path) -> Path:
    """Write about half a minute of the product's own voice to ``path`` (wav, 24 kHz) and return it."""
    import numpy as np
    import soundfile

    from rhapsode.speech import speak

    sound = speak(TEXT).sound
    soundfile.write(path, np.tile(sound.samples, (2, 1)), sound.sample_rate)
    return path


def import_time() -> dict[str, Any]:
    """Return the seconds that `import rhapsode` takes in a fresh process: median of nine."""
    probe = "import time; t = time.perf_counter(); import rhapsode; print(time.perf_counter() - t)"
    spent = sorted(float(_python("-c", probe)) for _ in range(9))
    return {"import_s_median": round(spent[4], 4)}


def in_own_process(sound: Path) -> dict[str, Any]:
    """Measure whole and streamed animation in a process of its own, held to one core."""
    measured: dict[str, Any] = json.loads(_python("-m", "bench.face", str(sound)))
    return measured


def long_file(folder: Path) -> dict[str, Any]:
    """Animate an hour of sound into json and csv; return peak memory of that process."""
    import numpy as np
    import soundfile

    path = folder / "hour.flac"
    line, rate = soundfile.read(folder / "line.wav", dtype="float32")
    with soundfile.SoundFile(path, "w", rate, 1) as out:
        for _ in range(round(3600 * rate / len(line))):
            out.write(np.asarray(line))
    work = (
        "import resource, time; from rhapsode.perform import animate_file; t = time.perf_counter();"
        f"r = animate_file({str(path)!r}, [{str(folder / 'hour.json')!r}, {str(folder / 'hour.csv')!r}]);"
        "print(r.duration_s, time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    duration, spent, peak = map(float, _python("-c", work).split())
    return {"sound_s": round(duration), "work_s": round(spent, 1), "peak_mb": round(peak / 1024)}


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _measure(sound: Path) -> dict[str, Any]:
    import numpy as np

    import rhapsode as rh
    from rhapsode.audio.decode import read_sound

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    y = read_sound(sound)
    rh.animate(rh.Sound(y.samples[:24_000], y.sample_rate))
    whole = []
    for _ in range(5):
        began = time.process_time()
        rh.animate(y)
        whole.append((time.process_time() - began) / y.duration_s)
    size, samples = round(CHUNK_S * y.sample_rate), y.mono()
    streamed, chunks_ms = [], []
    for _ in range(3):
        face, began = rh.FaceStream(y.sample_rate), time.process_time()
        for i in range(0, len(samples), size):
            t = time.perf_counter()
            face.push(samples[i : i + size])
            chunks_ms.append((time.perf_counter() - t) * 1000)
        streamed.append((time.process_time() - began) / y.duration_s)
    p50, p95, p99 = np.percentile(chunks_ms, [50, 95, 99])
    return {
        "sound_s": round(y.duration_s, 2),
        "whole_real_time_factor": round(float(np.median(whole)), 5),
        "stream_real_time_factor": round(float(np.median(streamed)), 5),
        "chunk_ms": CHUNK_S * 1000,
        "chunk_latency_ms": {"p50": round(p50, 3), "p95": round(p95, 3), "p99": round(p99, 3)},
        "look_ahead_ms": round(rh.FaceStream(16_000).look_ahead_s * 1000, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
