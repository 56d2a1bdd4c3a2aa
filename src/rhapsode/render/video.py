"""MPEG-4 video of a performance: H.264 pictures and AAC sound, written as the performance arrives.

Video frame k is shown at k / fps and shows the curves of that very time. Sound sample n plays at n / rate.
Memory does not grow with the length: pictures are encoded as they are drawn, sound as it comes.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from rhapsode.errors import FormatError
from rhapsode.face.life import breathing
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import CLOCK_HZ, Curves, Motion, Performance, Sound, as_rate
from rhapsode.render.renderer import Renderer
from rhapsode.rigs import FACE

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_CRF, _PRESET = 18, "veryfast"
_TIME_BASE = Fraction(1, 90_000)


class Mp4Writer:
    """Draws and encodes consecutive parts of one performance; a `rhapsode.formats.registry.Writer`.

    Args:
        path: an .mp4 file, replaced.
        options: avatar, size, camera, background, fps.

    Raises:
        AvatarError: the avatar cannot be loaded.
        SettingError: unknown camera or background.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._rate = as_rate(options.fps or 30)
        self._renderer = Renderer(
            options.avatar, size=options.size, camera=options.camera, background=options.background
        )
        self._picture = np.empty((options.size[1], options.size[0], 4), np.uint8)
        self._container: Any = None
        self._video: Any = None
        self._sound: _SoundTrack | None = None
        self._shown = 0
        self._held: list[tuple[Curves, Motion | None, int]] = []

    def write(self, part: Performance) -> None:
        """Take the next part; see `rhapsode.formats.registry.Writer`."""
        if self._container is None:
            self._open(part)
        if part.sound is not None and len(part.sound.samples):
            if self._sound is None:
                raise FormatError(
                    "the sound of a performance began after its first part, expected it in the first; "
                    "give an empty sound there"
                )
            self._sound.push(part.sound)
        seed = int(part.meta.get("seed", "0")) if part.meta.get("seed", "0").isdigit() else 0
        face = part.face.select(FACE.channels, fill=0.0)
        for row, time_s in zip(face.values, face.times_s, strict=True):
            self._show(row, float(breathing(time_s, seed)), _body_at(part.motion, float(time_s)))

    def close(self) -> None:
        """Complete the file."""
        if self._container is None:
            raise FormatError(
                "a video needs at least one video frame, got an empty performance; give some sound"
            )
        if self._sound is not None:
            self._sound.finish()
        self._mux(self._video, None)
        self._container.close()
        self._container = None
        self._renderer.close()

    def abort(self) -> None:
        """Let go of everything."""
        self._renderer.close()
        if self._container is not None:
            with contextlib.suppress(av.FFmpegError, ValueError):
                self._container.close()
            self._container = None

    def _open(self, part: Performance) -> None:
        width, height = self._renderer.size
        self._container = av.open(
            str(self._path), "w", format="mp4", options={"movflags": "+faststart+negative_cts_offsets"}
        )
        video: Any = self._container.add_stream("libx264", rate=self._rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": str(_CRF), "preset": _PRESET, "bf": "0"}
        video.codec_context.time_base = 1 / self._rate
        video.codec_context.color_range = 1
        video.codec_context.color_primaries = video.codec_context.color_trc = 1
        video.codec_context.colorspace = 1
        self._video = video
        if part.sound is not None:
            self._sound = _SoundTrack(self._container, part.sound)

    def _show(self, values: NDArray[np.float32], breath: float, body: Any) -> None:
        self._renderer.draw(values, breath=breath, body=body, out=self._picture)
        frame: Any = av.VideoFrame.from_ndarray(self._picture, format="rgba")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._shown, 1 / self._rate
        self._shown += 1
        self._mux(self._video, frame)

    def _mux(self, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            self._container.mux(packet)


class _SoundTrack:
    """The AAC stream of a container; rates that AAC does not know are resampled as a stream."""

    def __init__(self, container: Any, sound: Sound) -> None:
        rate = sound.sample_rate
        self._rate = next((r for r in _AAC_RATES if r >= rate), _AAC_RATES[-1])
        self._layout = "stereo" if sound.samples.shape[1] == 2 else "mono"
        self._channels = 2 if self._layout == "stereo" else 1
        self._resampler = (
            soxr.ResampleStream(rate, self._rate, self._channels, dtype="float32")
            if rate != self._rate
            else None
        )
        self._container = container
        self._stream: Any = container.add_stream("aac", rate=self._rate, layout=self._layout)
        self._stream.bit_rate = (96_000 if self._rate >= 32_000 else 64_000) * self._channels
        self._written = 0
        self._rest = np.zeros((0, self._channels), np.float32)

    def push(self, sound: Sound) -> None:
        """Encode the next samples."""
        samples = sound.samples if self._channels == 2 else sound.mono()[:, None]
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.ascontiguousarray(samples))
        self._encode(samples.reshape(-1, self._channels))

    def finish(self) -> None:
        """Encode what waits."""
        if self._resampler is not None:
            empty = np.zeros((0, self._channels), np.float32)
            self._encode(self._resampler.resample_chunk(empty, last=True).reshape(-1, self._channels))
        self._send(self._rest)
        for packet in self._stream.encode(None):
            self._container.mux(packet)

    def _encode(self, samples: NDArray[np.float32]) -> None:
        self._rest = np.concatenate([self._rest, np.nan_to_num(samples).clip(-1.0, 1.0)])
        block = 1024
        whole = len(self._rest) // block * block
        for at in range(0, whole, block):
            self._send(self._rest[at : at + block])
        self._rest = self._rest[whole:].copy()

    def _send(self, samples: NDArray[np.float32]) -> None:
        if not len(samples):
            return
        frame: Any = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T, np.float32), format="fltp", layout=self._layout
        )
        frame.sample_rate, frame.pts = self._rate, self._written
        frame.time_base = Fraction(1, self._rate)
        self._written += len(samples)
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _body_at(motion: Motion | None, time_s: float) -> dict[str, NDArray[np.float32]] | None:
    """Return the joint rotations nearest to a time, or None."""
    if motion is None or not len(motion):
        return None
    at = round((time_s - float(motion.start / CLOCK_HZ)) * float(motion.rate))
    at = min(max(at, 0), len(motion) - 1)
    return dict(zip(motion.joints, motion.rotations[at], strict=True))
