"""A microphone of this machine, through PortAudio (extra ``record``)."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from rhapsode.errors import AudioError, MissingExtraError
from rhapsode.live.ear import Process
from rhapsode.live.session import Session

BLOCK_S = 0.01
"""Sound brought at a time, seconds."""


class Microphone:
    """Brings what a microphone hears, until cancelled.

    Args:
        device: part of its name, or its number; None takes the system's choice.
        process: cleans the sound, see `rhapsode.live.ear.Process`.

    Raises:
        MissingExtraError: sounddevice, or PortAudio below it, is not installed.

    """

    def __init__(self, device: str | None = None, *, process: Process | None = None) -> None:
        self._sounddevice = _sounddevice()
        self._device: int | str | None = int(device) if device and device.isdigit() else device
        self._process = process

    async def run(self, session: Session) -> None:
        """Bring sound until cancelled.

        Raises:
            AudioError: there is no such microphone, or it was taken away.

        """
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()

        def hear(data: Any, frames: int, time: Any, status: Any) -> None:
            chunk = np.array(data[:, 0], np.float32)
            loop.call_soon_threadsafe(session.hear, chunk)

        def leave() -> None:
            if not gone.done():
                gone.set_result(None)

        def finished() -> None:
            loop.call_soon_threadsafe(leave)

        try:
            found = self._sounddevice.query_devices(self._device, "input")
            rate = int(found["default_samplerate"])
            stream = self._sounddevice.InputStream(
                samplerate=rate,
                blocksize=round(rate * BLOCK_S),
                device=self._device,
                channels=1,
                dtype="float32",
                latency="low",
                callback=hear,
                finished_callback=finished,
            )
        except (self._sounddevice.PortAudioError, ValueError) as error:
            raise AudioError(f"no microphone can be used ({error}); {_known(self._sounddevice)}") from error
        session.listen(rate, process=self._process)
        try:
            with stream:
                await gone
            raise AudioError(f"the microphone '{found['name']}' was taken away; plug it in and start again")
        finally:
            session.deafen()


def microphones() -> list[str]:
    """Return the names of the machine's microphones.

    Raises:
        MissingExtraError: sounddevice, or PortAudio below it, is not installed.

    """
    return [row["name"] for row in _sounddevice().query_devices() if row["max_input_channels"] > 0]


def _known(sounddevice: Any) -> str:
    names = [row["name"] for row in sounddevice.query_devices() if row["max_input_channels"] > 0]
    return f"known are: {', '.join(names)}" if names else "this machine has none; plug one in"


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is missing
        raise MissingExtraError("sounddevice with PortAudio (Debian: libportaudio2)", "record") from error
    return sounddevice
