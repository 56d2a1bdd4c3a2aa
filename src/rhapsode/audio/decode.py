"""Any file with a sound track in, blocks of float32 samples out, at the file's own rate and channels.

Decoding is FFmpeg's, through PyAV: WAV, FLAC, MP3, Ogg, Opus, AAC, the sound of MP4 and MKV videos, and
what else it knows. Only local files are opened. Memory holds one block, however long the file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from rhapsode.audio.endings import mp3_has_header, ogg_ends, wav_declared_s
from rhapsode.audio.levels import check_finite, count_not_finite, not_finite_error
from rhapsode.errors import AudioError
from rhapsode.performance import CLOCK_HZ, Float32, Sound

BLOCK_S = 1.0
"""Seconds of sound in a block, unless asked otherwise."""

EXACT = ("wav", "flac", "aiff", "w64", "caf", "au", "rf64")
"""Containers whose declared duration is exact to the sample."""

_INTEGER_SCALE = {"uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31, "int64": 2.0**63}


class SoundFile:
    """A file with a sound track, checked and ready to be read.

    Args:
        path: a local file.
        block_s: seconds of sound in a block of `blocks`.

    Attributes:
        sample_rate: Hz.
        channels: of the first sound track.
        duration_s: as the file declares it, or None where it does not; a cut file holds less.
        notes: what a person should know, filled while `blocks` runs (a cut-off end, damaged parts).

    Raises:
        AudioError: there is no such file, it cannot be read, or it holds no sound.

    """

    def __init__(self, path: str | Path, *, block_s: float = BLOCK_S) -> None:
        self.path = Path(path)
        self._block_s = block_s
        self.notes: list[str] = []
        _check_file(self.path)
        with _opened(self.path) as (container, stream):
            frames = _frames(container, stream)
            first = next((frame for frame, _ in frames if frame is not None and frame.samples), None)
            if first is None:
                raise AudioError(
                    f"'{self.path}' holds a sound track with no samples in it; "
                    "expected at least one; record it again"
                )
            self.sample_rate = int(first.sample_rate)
            self.channels = _samples(first).shape[1]
            self.duration_s = _declared_s(container, stream)
            self._container_name = str(container.format.name)

    @property
    def is_truncated(self) -> bool:
        """Whether the last run of `blocks` found a cut-off end or damaged parts."""
        return bool(self.notes)

    def blocks(self) -> Iterator[Float32]:
        """Yield (n, channels) float32 from the start to the end; may be called again.

        All blocks but the last hold ``block_s`` seconds, rounded to a sample.

        Raises:
            AudioError: the file holds NaN or infinite samples, or changes its sample rate on the way.

        """
        self.notes.clear()
        size, done = max(round(self._block_s * self.sample_rate), 1), 0
        waiting: list[Float32] = []
        held = 0
        chunks = self._chunks()
        for chunk in chunks:
            if count_not_finite(chunk):
                raise self._count_the_rest(chunk, chunks, done)
            done += len(chunk)
            waiting.append(chunk)
            held += len(chunk)
            if held >= size:
                joined = np.concatenate(waiting)
                whole = held // size * size
                yield from np.split(joined[:whole], whole // size)
                waiting, held = [joined[whole:]], held - whole
        if held:
            yield np.concatenate(waiting)
        self._note_missing_end(done)

    def _chunks(self) -> Iterator[Float32]:
        """Yield the samples of each decoded packet, and note what could not be decoded."""
        damaged = 0
        with _opened(self.path) as (container, stream):
            for frame, broken in _frames(container, stream):
                damaged += broken
                if frame is None or not frame.samples:
                    continue
                if frame.sample_rate != self.sample_rate:
                    raise AudioError(
                        f"'{self.path}' changes its sample rate from {self.sample_rate} to "
                        f"{frame.sample_rate} Hz; expected one rate; convert it to WAV first"
                    )
                yield _with_channels(_samples(frame), self.channels)
        if damaged:
            self.notes.append(f"{damaged} parts are damaged and were left out; the file may be cut off")

    def _count_the_rest(self, chunk: Float32, rest: Iterator[Float32], done: int) -> AudioError:
        bad = ~np.isfinite(chunk).all(axis=1)
        first = done + int(np.argmax(bad))
        count = count_not_finite(chunk) + sum(count_not_finite(other) for other in rest)
        return not_finite_error(f"'{self.path}'", count, f"{first / self.sample_rate:.3f} s")

    def _note_missing_end(self, samples: int) -> None:
        held_s, declared_s = samples / self.sample_rate, self.duration_s
        if self._container_name == "wav":
            declared_s = wav_declared_s(self.path) or declared_s
        if "ogg" in self._container_name and not ogg_ends(self.path):
            self.notes.append(
                f"the file is cut off: its last page is missing; the {held_s:.2f} s before it are used"
            )
            return
        exact = any(name in EXACT for name in self._container_name.split(","))
        if declared_s is None or (self._container_name == "mp3" and not mp3_has_header(self.path)):
            return
        if declared_s - held_s > (0.002 if exact else 0.25):
            self.notes.append(
                f"the file is cut off: it declares {declared_s:.2f} s; "
                f"the {held_s:.2f} s that it holds are used"
            )


def open_sound(path: str | Path, *, block_s: float = BLOCK_S) -> SoundFile:
    """Check ``path`` and return it as a `SoundFile`; nothing stays open.

    Raises:
        AudioError: there is no such file, it cannot be read, or it holds no sound.

    """
    return SoundFile(path, block_s=block_s)


def decode(path: str | Path, *, block_s: float = BLOCK_S) -> Iterator[Sound]:
    """Yield the sound of ``path`` in blocks, each with its sample rate and its place on the clock.

    Raises:
        AudioError: as in `SoundFile`.

    """
    file = open_sound(path, block_s=block_s)
    done = 0
    for samples in file.blocks():
        yield Sound(samples, file.sample_rate, Fraction(done * CLOCK_HZ, file.sample_rate))
        done += len(samples)


def read_sound(path: str | Path) -> Sound:
    """Return the whole sound of ``path`` at its own rate, (N, channels) float32.

    Raises:
        AudioError: as in `SoundFile`.

    """
    file = open_sound(path)
    return Sound(np.concatenate(list(file.blocks())), file.sample_rate)


def _check_file(path: Path) -> None:
    """Raise `AudioError` unless ``path`` is a readable file with something in it."""
    if path.is_dir():
        raise AudioError(f"'{path}' is a directory; expected a sound or video file; name a file in it")
    if not path.exists():
        raise AudioError(f"'{path}' does not exist; expected a sound or video file; check the path")
    if not path.is_file():
        raise AudioError(
            f"'{path}' is a device or a pipe; expected a sound or video file; save it to a file first"
        )
    try:
        with path.open("rb") as file:
            start = file.read(1)
    except OSError as error:
        raise AudioError(
            f"'{path}' cannot be read ({error.strerror or error}); "
            "expected a readable file; check its permissions"
        ) from error
    if not start:
        raise AudioError(
            f"'{path}' is empty (0 bytes); expected a sound or video file; record or copy it again"
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open ``path`` and its best sound track with FFmpeg, local files only."""
    try:
        # The prefix keeps a colon in a file name from being read as a protocol.
        container: Any = av.open(
            f"file:{path.absolute()}", metadata_errors="ignore", options={"protocol_whitelist": "file"}
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(
            f"'{path}' is no sound or video that FFmpeg knows ({_reason(error)}); "
            "expected WAV, FLAC, MP3, Ogg, M4A, MP4 or the like; check the file"
        ) from error
    with container:
        stream = container.streams.best("audio") if container.streams.audio else None
        if stream is None:
            found = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
            raise AudioError(
                f"'{path}' has no sound track (FFmpeg takes it for {container.format.name} with {found}); "
                "expected at least one; choose a file with sound"
            )
        if stream.codec_context is None:
            raise AudioError(
                f"'{path}' has a sound track in a coding that FFmpeg cannot decode; convert it to WAV first"
            )
        yield container, stream


def _frames(container: Any, stream: Any) -> Iterator[tuple[Any, int]]:
    """Yield (decoded frame, 0), or (None, 1) for each packet that cannot be decoded."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            yield None, 1
            return
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            yield None, 1
            continue
        for frame in decoded:
            yield frame, 0


def _samples(frame: Any) -> Float32:
    """Return the samples of a decoded frame, (n, channels) float32; integers are scaled to [-1, 1)."""
    raw = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(frame.samples, -1)
    scale = _INTEGER_SCALE.get(raw.dtype.name)
    if scale is None:
        return np.ascontiguousarray(raw, np.float32)
    shifted = raw.astype(np.float32) - (scale if raw.dtype.name == "uint8" else 0.0)
    return np.ascontiguousarray(shifted / np.float32(scale), np.float32)


def _with_channels(samples: Float32, channels: int) -> Float32:
    """Return (n, channels): a part with another channel count is mixed down and given to all."""
    if samples.shape[1] == channels:
        return samples
    return np.repeat(samples.mean(axis=1, keepdims=True, dtype=np.float32), channels, axis=1)


def _declared_s(container: Any, stream: Any) -> float | None:
    """Return the duration that the file declares, in seconds."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else float(container.duration / av.time_base)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0].lower()


__all__ = ["BLOCK_S", "SoundFile", "check_finite", "decode", "open_sound", "read_sound"]
