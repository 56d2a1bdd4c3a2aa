"""The film's file: H.264 and AAC in MPEG-4, as browsers play it."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
import soxr
from recipes.film_titles import UInt8

from rhapsode.performance import CLOCK_HZ, Float32

SOUND_HZ = 48_000
VIDEO_RATE, SOUND_RATE = 540_000, 80_000
"""Most bits a second: a minute of film stays below five million bytes."""


class Film:
    """An MPEG-4 file, H.264 and AAC, that is there once it is complete; a context manager."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int) -> None:
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._box: Any = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        self._video: Any = self._box.add_stream("libx264", rate=fps)
        self._video.width, self._video.height, self._video.pix_fmt = *size, "yuv420p"
        most = {"maxrate": str(VIDEO_RATE), "bufsize": str(2 * VIDEO_RATE)}
        self._video.options = {"crf": "19", "preset": "slow", "bf": "0", "profile": "high", **most}
        context = self._video.codec_context
        context.time_base = Fraction(1, fps)
        context.color_range = context.color_primaries = context.color_trc = context.colorspace = 1
        self._sound: Any = self._box.add_stream("aac", rate=SOUND_HZ, layout="mono")
        self._sound.bit_rate = SOUND_RATE
        self._fps, self.shown, self._heard = fps, 0, 0

    def hear(self, y: Float32, count: int) -> None:
        """Encode (N,) sound at 16 kHz, made as long as ``count`` video frames."""
        wide = soxr.resample(y, CLOCK_HZ, SOUND_HZ) if len(y) else y
        whole = np.zeros(count * SOUND_HZ // self._fps, np.float32)
        whole[: min(len(wide), len(whole))] = wide[: len(whole)]
        frame: Any = av.AudioFrame.from_ndarray(np.clip(whole, -1, 1)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, self._heard, Fraction(1, SOUND_HZ)
        self._heard += len(whole)
        self._box.mux(self._sound.encode(frame))

    def show(self, picture: UInt8) -> None:
        """Encode the next video frame, (H, W, 3) uint8."""
        frame: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self.shown, Fraction(1, self._fps)
        self.shown += 1
        self._box.mux(self._video.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for stream in (self._sound, self._video):
                self._box.mux(stream.encode(None))
            self._box.close()
            self._part.replace(self._path)
            return
        with suppress(av.FFmpegError, ValueError):
            self._box.close()
        self._part.unlink(missing_ok=True)
