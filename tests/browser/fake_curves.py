"""Made-up curves and tones as packets of protocol 2."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from rhapsode.rigs import FACE

NAMES = list(FACE.channels)
HOP, CLOCK_HZ, SAMPLE_RATE = 320, 16000, 24000
HEADER = struct.Struct("<4sBBHQIII")

Array = NDArray[np.float32]


def curves_packet(generation: int, start: int, values: Array) -> bytes:
    """Return (T, 61) curve frames as a packet."""
    head = HEADER.pack(b"RHP1", 2, values.shape[1], 0, start, generation, len(values), 50)
    return head + values.astype("<f4").tobytes()


def sound_packet(generation: int, start: int, samples: Array) -> bytes:
    """Return (N,) samples of 24 kHz as a packet."""
    whole = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    return HEADER.pack(b"RHP1", 1, 1, 0, start, generation, len(samples), SAMPLE_RATE) + whole.tobytes()


def face_at(start: int, count: int, mouth: float = 0.0) -> Array:
    """Return ``count`` curve frames from clock sample ``start`` on: blinks, and a mouth that goes."""
    values = np.zeros((count, len(NAMES)), np.float32)
    time_s = (start + HOP * np.arange(count)) / CLOCK_HZ
    blink = np.clip(1 - np.abs((time_s % 2.5) - 1.2) / 0.12, 0, 1)
    values[:, NAMES.index("eyeBlinkLeft")] = values[:, NAMES.index("eyeBlinkRight")] = blink
    values[:, NAMES.index("headYaw")] = 0.05 * np.sin(time_s)
    if mouth:
        open_ = mouth * (0.5 - 0.5 * np.cos(2 * math.pi * 3.5 * time_s))
        values[:, NAMES.index("jawOpen")] = open_
        values[:, NAMES.index("mouthFunnel")] = 0.4 * mouth * (0.5 + 0.5 * np.sin(2 * math.pi * 1.7 * time_s))
    return values
