"""RTMP: H.264 and AAC to a streaming server, what platforms and OBS' media sources take.

The sound is the clock: a picture carries the time of the sound sample that it is shown with, so that lips and
sound keep together however late either comes out of its encoder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from rhapsode.audio.resample import Resampler
from rhapsode.formats.options import WriteOptions
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.sinks.picture import VIDEO_HZ, Painter, picture_options, stand_back
from rhapsode.live.sinks.rtmp_connection import CLOSE_S, Connection
from rhapsode.performance import Float32
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.rtmp import FlvSplitter, Message

SOUND_HZ = 48_000
"""Rate of the sound that is sent; streaming services ask for it."""

KEY_S = 2
"""Seconds from one key frame to the next; streaming services ask for it."""

CRF, PRESET = 21, "superfast"
BITS_PER_PIXEL = 0.25
"""The most that a video frame takes on average."""

_BLOCK = 1024


class Rtmp:
    """Streams pictures and sound to ``rtmp://host/app/key``, or ``rtmps://`` over TLS.

    Args:
        address: of the server, its application and the key of the stream.
        query: avatar, size, camera and background.

    Raises:
        SettingError: the address or an option is none.

    """

    wants_sound = True

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        self._address = address._replace(query="")
        self._options = picture_options(address, query)
        self.rate_hz: Fraction | None = self._options.fps or VIDEO_HZ
        self._painter = Painter(self._options)
        self._connection: Connection | None = None
        self._encoder: FlvEncoder | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._sending: asyncio.Task[None] | None = None
        self._frame = REST
        Connection(self._address)  # complains early

    async def open(self) -> None:
        """Prepare the renderer, connect, publish."""
        await self._painter.ready(4.0)
        self._connection = Connection(self._address)
        stream = await self._connection.open()
        self._pool = ThreadPoolExecutor(1, "rhapsode-encode", stand_back)
        self._encoder = FlvEncoder(self._options, self.rate_hz or VIDEO_HZ, stream)

    async def show(self, frame: FaceFrame) -> None:
        """Keep ``frame`` for the sound that begins with it."""
        self._frame = frame

    async def hear(self, samples: Float32) -> None:
        """Send the picture of this moment, and the sound from it on."""
        connection, encoder = self._connection, self._encoder
        assert connection is not None, "open comes first"
        assert encoder is not None
        picture = await self._painter.paint(self._frame, np.copy)
        if self._sending is not None:
            await self._sending
        self._sending = asyncio.create_task(self._send(connection, encoder, picture, samples))

    async def _send(
        self, connection: Connection, encoder: FlvEncoder, picture: NDArray[np.uint8], samples: Float32
    ) -> None:
        """Encode and send while the next picture is drawn."""
        loop = asyncio.get_running_loop()
        await connection.send(await loop.run_in_executor(self._pool, encoder.push, picture, samples))

    async def flush(self) -> None:
        """Do nothing: what was sent is sent."""

    async def close(self) -> None:
        """End the stream."""
        connection, self._connection = self._connection, None
        encoder, self._encoder = self._encoder, None
        sending, self._sending = self._sending, None
        if sending is not None:
            await asyncio.wait([sending], timeout=CLOSE_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if connection is not None:
            await connection.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            if encoder is not None:
                pool.submit(encoder.close)
            pool.shutdown(wait=False)
        self._painter.rest()


class FlvEncoder:
    """Pictures and sound in, RTMP messages out.

    Args:
        options: of the picture.
        rate: nominal video frames a second; the true times are those of the sound.
        stream: number of the message stream.

    """

    def __init__(self, options: WriteOptions, rate: Fraction, stream: int = 1) -> None:
        self._out = FlvSplitter(stream)
        self._container: Any = av.open(
            self._out, "w", format="flv", options={"flvflags": "no_duration_filesize", "flush_packets": "1"}
        )
        width, height = options.size
        most = int(width * height * float(rate) * BITS_PER_PIXEL)
        video: Any = self._container.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {
            "preset": PRESET,
            "tune": "zerolatency",
            "profile": "main",
            "crf": str(CRF),
            "maxrate": str(most),
            "bufsize": str(most),
            "forced-idr": "1",
            "sc_threshold": "0",
        }
        video.gop_size = 100_000  # key frames are asked for by time
        video.codec_context.thread_count = 1 if width * height <= 640 * 640 else 2
        video.codec_context.time_base = Fraction(1, SAMPLE_RATE)
        video.codec_context.color_range = 1
        video.codec_context.color_primaries = video.codec_context.color_trc = 1
        video.codec_context.colorspace = 1
        self._video = video
        self._sound: Any = self._container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        self._sound.bit_rate = 96_000
        self._resampler = Resampler(SAMPLE_RATE, SOUND_HZ)
        self._rest = np.zeros(0, np.float32)
        self._heard = self._sent = 0
        self._key = 0

    def push(self, picture: NDArray[np.uint8], samples: Float32) -> list[Message]:
        """Take a picture, (H, W, 4) uint8, and the sound that begins with it; return what to send now."""
        frame: Any = av.VideoFrame.from_ndarray(picture, format="rgba")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._heard, Fraction(1, SAMPLE_RATE)
        if self._heard >= self._key:
            self._key = self._heard + KEY_S * SAMPLE_RATE
            frame.pict_type = PictureType.I
        self._mux(self._video, frame)
        self._heard += len(samples)
        clean = np.nan_to_num(samples, posinf=0.0, neginf=0.0).clip(-1.0, 1.0)
        self._rest = np.concatenate([self._rest, self._resampler.push(clean)])
        while len(self._rest) >= _BLOCK:
            self._send(self._rest[:_BLOCK])
            self._rest = self._rest[_BLOCK:]
        return self._out.take()

    def close(self) -> None:
        """Let go of the encoders."""
        self._container.close()

    def _send(self, samples: Float32) -> None:
        frame: Any = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, self._sent, Fraction(1, SOUND_HZ)
        self._sent += len(samples)
        self._mux(self._sound, frame)

    def _mux(self, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            self._container.mux(packet)
