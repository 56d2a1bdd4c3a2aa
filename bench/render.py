"""Video frames per second of the renderer: `python -m bench.render` ends in one JSON document."""

from __future__ import annotations

import json
import time
from typing import Any, get_args

import numpy as np

from rhapsode.render import Renderer
from rhapsode.render.renderer import Quality
from rhapsode.rigs import FACE

FRAMES = 120
ROUNDS = 5
SIZE = (512, 512)


def speaking(frames: int = FRAMES) -> np.ndarray:
    """Return (frames, 61) curves with about 12 weights in motion, as speech has."""
    t = np.arange(frames) / 30
    values = np.zeros((frames, len(FACE)), np.float32)
    moving = {
        "jawOpen": (0.22, 4.1),
        "mouthFunnel": (0.2, 2.3),
        "mouthPucker": (0.2, 1.9),
        "mouthLowerDownLeft": (0.15, 4.3),
        "mouthLowerDownRight": (0.15, 4.3),
        "mouthSmileLeft": (0.3, 0.7),
        "mouthSmileRight": (0.3, 0.7),
        "browInnerUp": (0.2, 0.9),
        "eyeBlinkLeft": (0.3, 0.5),
        "eyeBlinkRight": (0.3, 0.5),
        "cheekSquintLeft": (0.15, 0.6),
        "cheekSquintRight": (0.15, 0.6),
        "headYaw": (0.1, 0.3),
        "headPitch": (0.05, 0.4),
    }
    for name, (size, hz) in moving.items():
        wave = np.sin(2 * np.pi * hz * t)
        values[:, FACE.index(name)] = size * (wave if name.startswith("head") else 0.5 + 0.5 * wave)
    return values


def run(quality: Quality = "fine") -> dict[str, Any]:
    """Return video frames per second for 512 x 512, 4 samples per pixel, head and shoulders, default avatar.

    ``fps`` is the median of the rounds by the clock on the wall, with ``threads`` threads;
    ``cpu_ms_per_frame`` is processor time, which other programs on the machine disturb less.
    """
    started = time.perf_counter()
    renderer = Renderer(size=SIZE, camera="bust", quality=quality)
    values = speaking()
    renderer.draw(values[0])
    ready = time.perf_counter() - started
    picture = np.empty((SIZE[1], SIZE[0], 4), np.uint8)
    rates, cpu = [], []
    for _ in range(ROUNDS):
        wall, busy = time.perf_counter(), time.process_time()
        for row in values:
            renderer.draw(row, breath=0.5, out=picture)
        rates.append(len(values) / (time.perf_counter() - wall))
        cpu.append((time.process_time() - busy) / len(values) * 1000)
    made = {
        "fps": round(float(np.median(rates)), 1),
        "fps_best": round(max(rates), 1),
        "cpu_ms_per_frame": round(float(np.median(cpu)), 2),
        "threads": renderer.threads,
        "size": list(SIZE),
        "samples_per_pixel": 4,
        "triangles": renderer.triangles,
        "first_frame_s": round(ready, 2),
    }
    renderer.close()
    return made


if __name__ == "__main__":
    print(json.dumps({quality: run(quality) for quality in get_args(Quality)}, indent=1))
