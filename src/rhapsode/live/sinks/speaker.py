"""The loudspeaker of this machine, through PortAudio (extra ``record``)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult

import numpy as np

from rhapsode.errors import MissingExtraError, SinkError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame

WAITING_S = 0.3
"""Sound that waits for the device at most: its clock may be slow. What is too much is left out where nothing
is heard."""

_QUIET = 10 ** (-50 / 20)


class Speaker:
    """Plays the sound, nothing else.

    Args:
        address: unused.
        query: ``device``: part of its name, or its number.

    Raises:
        MissingExtraError: sounddevice, or PortAudio below it, is not installed.

    """

    rate_hz: Fraction | None = Fraction(50)
    wants_sound = True

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise MissingExtraError("sounddevice with PortAudio (Debian: libportaudio2)", "record") from error
        self._sounddevice: Any = sounddevice
        device = query.get("device")
        self._device: int | str | None = int(device) if device and device.isdigit() else device
        self._lock = threading.Lock()
        self._waiting: deque[Float32] = deque()
        self._stream: Any = None

    async def open(self) -> None:
        """Open the device."""
        try:
            self._stream = self._sounddevice.OutputStream(
                samplerate=SAMPLE_RATE,
                device=self._device,
                channels=1,
                dtype="float32",
                latency="low",
                callback=self._play,
            )
            self._stream.start()
        except (self._sounddevice.PortAudioError, ValueError) as error:
            raise SinkError(f"no loudspeaker can be used ({error}); plug one in") from error

    async def show(self, frame: FaceFrame) -> None:
        """Do nothing: a loudspeaker has no face."""
        if self._stream is not None and not self._stream.active:
            raise SinkError("the loudspeaker was taken away; plug it in")

    async def hear(self, samples: Float32) -> None:
        """Play ``samples`` behind what waits."""
        with self._lock:
            waiting = sum(map(len, self._waiting))
            if waiting > WAITING_S * SAMPLE_RATE and np.abs(samples).max(initial=0) < _QUIET:
                return
            self._waiting.append(samples)

    async def flush(self) -> None:
        """Fall silent."""
        with self._lock:
            self._waiting.clear()

    async def close(self) -> None:
        """Let the device go."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _play(self, out: Any, frames: int, time: Any, status: Any) -> None:
        """Fill what the device asks for, from its own thread."""
        done = 0
        with self._lock:
            while done < frames and self._waiting:
                part = self._waiting.popleft()
                take = min(len(part), frames - done)
                out[done : done + take, 0] = part[:take]
                done += take
                if take < len(part):
                    self._waiting.appendleft(part[take:])
        out[done:, 0] = 0
