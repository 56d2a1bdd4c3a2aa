"""What records a take: one protocol for every device, and the microphone.

A session opens its recorders once and lets them run; a take is a stretch of each. So every take knows
when it was heard on the clock of the sitting, counted in samples of the microphone.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol

import numpy as np
import soundfile

from rhapsode.audio.levels import downmix
from rhapsode.audio.meter import Level, LevelMeter
from rhapsode.errors import AudioError, MissingExtraError
from rhapsode.performance import Float32, as_float32
from rhapsode.train.script.writing import replacing

PREFERRED_HZ = 48_000
PREROLL_S = 0.3
"""A take begins this long before the end of the count-in: the noise of the room is measured there."""


class Clip(Protocol):
    """One take of one recorder."""

    @property
    def start_s(self) -> float:
        """When it begins on the clock of the sitting, in seconds."""

    def write(self, path: Path) -> None:
        """Write it to ``path``, whole or not at all."""


class Recorder(Protocol):
    """A device that records takes: a microphone, a camera.

    The session calls `open`, then for each take `begin` and one of `end` and `drop`, then `close`.
    """

    suffix: str
    """Of the files it writes, such as ``.wav``."""

    def open(self) -> None:
        """Start the device; raise `RhapsodeError` if it cannot be had."""

    def begin(self) -> None:
        """Begin a take."""

    def end(self, *, trim_s: float = 0.0) -> Clip:
        """Return the take, without its last ``trim_s`` seconds."""

    def drop(self) -> None:
        """Give the take up."""

    def close(self) -> None:
        """Stop the device; may be called twice."""


class SoundClip(NamedTuple):
    """A take of a microphone.

    Args:
        samples: (n,) float32 in [-1, 1].
        sample_rate: Hz.
        start: its first sample, counted from the start of the sitting.
        lost: how often the device dropped sound in it.

    """

    samples: Float32
    sample_rate: int
    start: int
    lost: int = 0

    @property
    def start_s(self) -> float:
        """When it begins on the clock of the sitting, in seconds."""
        return self.start / self.sample_rate

    @property
    def duration_s(self) -> float:
        """How long it is, in seconds."""
        return len(self.samples) / self.sample_rate

    def write(self, path: Path) -> None:
        """Write a mono WAV of 16 bits."""
        with replacing(path) as aside:
            try:
                soundfile.write(aside, self.samples, self.sample_rate, "PCM_16", format="WAV")
            except soundfile.SoundFileError as error:
                raise OSError(_reason(error)) from error


class SoundRecorder(Recorder, Protocol):
    """The recorder that a session cannot do without."""

    name: str
    sample_rate: int

    def level(self) -> Level:
        """Return what the level meter reads."""

    def end(self, *, trim_s: float = 0.0) -> SoundClip:
        """Return the take, without its last ``trim_s`` seconds."""

    def play(self, clip: SoundClip) -> None:
        """Let the user hear ``clip``; returns when it is over."""


class Tape:
    """Counts and keeps what a microphone hears; its methods may be called from two threads.

    Args:
        sample_rate: Hz.
        preroll_s: seconds before `begin` that belong to a take.

    """

    def __init__(self, sample_rate: int, *, preroll_s: float = PREROLL_S) -> None:
        self.sample_rate = sample_rate
        self._preroll = round(preroll_s * sample_rate)
        self._meter = LevelMeter(sample_rate)
        self._blocks: list[Float32] = []
        self._held = self._position = self._lost = 0
        self._running = False
        self._lock = Lock()

    @property
    def level(self) -> Level:
        """The reading of the level meter."""
        return self._meter.level

    def push(self, block: Float32, *, lost: bool = False) -> None:
        """Take what was just heard, (n,) or (n, channels); ``lost``: sound is missing before it.

        A block with a NaN in it counts as lost, and as silence.
        """
        mono = downmix(as_float32(block)).copy()
        if not np.isfinite(mono).all():
            mono, lost = np.zeros_like(mono), True
        with self._lock:
            self._meter.push(mono)
            self._blocks.append(mono)
            self._held += len(mono)
            self._position += len(mono)
            self._lost += lost
            while not self._running and self._held - len(self._blocks[0]) >= self._preroll:
                self._held -= len(self._blocks.pop(0))

    def begin(self) -> None:
        """Begin a take."""
        with self._lock:
            self._running, self._lost = True, 0

    def end(self, *, trim_s: float = 0.0) -> SoundClip:
        """Return the take, and keep nothing of it."""
        with self._lock:
            whole = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
            start = self._position - len(whole)
            kept = whole[: max(len(whole) - round(trim_s * self.sample_rate), 0)]
            self._blocks, self._held, self._running = [], 0, False
            return SoundClip(kept, self.sample_rate, start, self._lost)

    def drop(self) -> None:
        """Give the take up."""
        self.end()


class Microphone:
    """A microphone through PortAudio (the package sounddevice).

    Args:
        device: number or part of the name, as `sounddevice` takes it; None is the system's choice.
        sample_rate: Hz; None is 48000 where the device can, else the device's own rate.

    Raises:
        MissingExtraError: sounddevice is not installed.
        AudioError: PortAudio is missing, there is no such device, or it refuses.

    """

    suffix = ".wav"

    def __init__(self, device: str | int | None = None, *, sample_rate: int | None = None) -> None:
        self._sd = _sounddevice()
        self._device = int(device) if isinstance(device, str) and device.isdigit() else device
        try:
            found = self._sd.query_devices(self._device, "input")
        except (ValueError, self._sd.PortAudioError) as error:
            raise AudioError(
                f"no microphone {_called(device)}: {_reason(error)}; plug one in, or see --devices"
            ) from error
        self.name = str(found["name"])
        self.sample_rate = sample_rate or self._rate(int(found["default_samplerate"]))
        self._tape = Tape(self.sample_rate)
        self._stream: Any = None

    def open(self) -> None:
        """Start the device."""
        try:
            self._stream = self._sd.InputStream(
                device=self._device,
                samplerate=self.sample_rate,
                channels=1,
                dtype="float32",
                callback=self._hear,
            )
            self._stream.start()
        except self._sd.PortAudioError as error:
            raise AudioError(
                f"microphone '{self.name}' cannot be opened at {self.sample_rate} Hz: {_reason(error)}; "
                "allow access to it, close other programs, or choose another with --device"
            ) from error

    def begin(self) -> None:
        """Begin a take."""
        if self._stream is None or not self._stream.active:
            raise AudioError(f"microphone '{self.name}' has stopped; plug it in again and start anew")
        self._tape.begin()

    def end(self, *, trim_s: float = 0.0) -> SoundClip:
        """Return the take, without its last ``trim_s`` seconds."""
        return self._tape.end(trim_s=trim_s)

    def drop(self) -> None:
        """Give the take up."""
        self._tape.drop()

    def level(self) -> Level:
        """Return what the level meter reads."""
        return self._tape.level

    def play(self, clip: SoundClip) -> None:
        """Play ``clip`` on the system's speaker."""
        try:
            self._sd.play(clip.samples, clip.sample_rate, blocking=True)
        except self._sd.PortAudioError as error:
            raise AudioError(f"the take cannot be played: {_reason(error)}; check the speaker") from error

    def close(self) -> None:
        """Stop the device."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _rate(self, own: int) -> int:
        try:
            self._sd.check_input_settings(
                device=self._device, samplerate=PREFERRED_HZ, channels=1, dtype="float32"
            )
        except (ValueError, self._sd.PortAudioError):
            return own
        return PREFERRED_HZ

    def _hear(self, block: Any, count: int, when: Any, status: Any) -> None:
        self._tape.push(block, lost=bool(status and status.input_overflow))


def microphones() -> list[str]:
    """Return the names of the devices that record, each behind the number that chooses it."""
    sd = _sounddevice()
    return [f"{k}: {one['name']}" for k, one in enumerate(sd.query_devices()) if one["max_input_channels"]]


def _sounddevice() -> Any:
    from importlib import import_module

    try:
        return import_module("sounddevice")
    except ModuleNotFoundError as error:
        raise MissingExtraError("recording from a microphone (sounddevice)", "record") from error
    except OSError as error:
        raise AudioError(
            f"the PortAudio library that records is missing ({_reason(error)}); "
            "on Debian and Ubuntu: apt install libportaudio2; on macOS: brew install portaudio"
        ) from error


def _called(device: str | int | None) -> str:
    return "was found" if device is None else f"matches '{device}'"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
