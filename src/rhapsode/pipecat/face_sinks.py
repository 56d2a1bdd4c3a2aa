"""Sinks that lead back into a pipeline: curves, messages and pictures as frames of Pipecat."""

# mypy: allow-subclassing-any

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import (
    Frame,
    OutputImageRawFrame,
    OutputTransportMessageUrgentFrame,
    SystemFrame,
)

from rhapsode.formats.options import WriteOptions
from rhapsode.live.sinks.picture import Painter
from rhapsode.performance import Float32
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.protocols.websocket_json import JsonEncoder
from rhapsode.rigs import FACE

Push = Callable[[Frame], Awaitable[None]]
"""Sends a frame down the pipeline."""

MESSAGE_HZ = Fraction(30)
"""Messages a second to a client that draws."""


@dataclass(eq=False)
class FaceCurvesFrame(SystemFrame):
    """The face that is due now. It passes all queues by: whoever gets it shows it at once.

    Args:
        values: (61,) float32 in the order of ``names``: weights in [0, 1], then angles in radians.
        sample: clock sample (16 kHz) of the face's own clock.

    Its ``pts`` is the pipeline's time at which it was due, nanoseconds.
    """

    values: Float32 = field(default_factory=lambda: REST.values)
    sample: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Channels of the values, those of `rhapsode.rigs.FACE`."""
        return FACE.channels

    def __getitem__(self, channel: str) -> float:
        return float(self.values[FACE.index(channel)])

    def __str__(self) -> str:
        return f"{self.name}(pts: {self.pts}, jawOpen: {self['jawOpen']:.2f})"


class CurveFrames:
    """Pushes every curve frame when it is due.

    Args:
        push: sends frames.
        clock: the pipeline's time, nanoseconds.

    """

    wants_sound = False
    rate_hz: Fraction | None = None

    def __init__(self, push: Push, clock: Callable[[], int]) -> None:
        self._push, self._clock = push, clock

    async def open(self) -> None:
        """Do nothing."""

    async def show(self, frame: FaceFrame) -> None:
        """Push ``frame``."""
        made = FaceCurvesFrame(frame.values, frame.sample_index)
        made.pts = self._clock()
        await self._push(made)

    async def hear(self, samples: Float32) -> None:
        """Do nothing: the pipeline has the sound."""

    async def flush(self) -> None:
        """Do nothing: frames are out at once."""

    async def close(self) -> None:
        """Do nothing."""


class Messages(CurveFrames):
    """Sends the face to the clients of the transport, see `rhapsode.protocols.websocket_json`.

    Args:
        push: sends frames.
        rig: whose names the weights have.
        rate_hz: messages a second.

    Raises:
        RigError: no rig has that name.

    """

    def __init__(self, push: Push, *, rig: str = "arkit", rate_hz: Fraction = MESSAGE_HZ) -> None:
        super().__init__(push, lambda: 0)
        self._encoder = JsonEncoder(rig=rig)
        self.rate_hz = rate_hz

    async def show(self, frame: FaceFrame) -> None:
        """Send ``frame``."""
        for text in self._encoder.encode(frame):
            message = {"label": "rhapsode", "type": "face", "data": json.loads(text)}
            await self._push(OutputTransportMessageUrgentFrame(message))


class Pictures(CurveFrames):
    """Draws the face for a transport that sends video.

    Args:
        push: sends frames.
        options: avatar, size, camera and background.
        rate_hz: pictures a second.

    """

    def __init__(self, push: Push, options: WriteOptions, rate_hz: Fraction) -> None:
        super().__init__(push, lambda: 0)
        self._painter = Painter(options)
        self.rate_hz = rate_hz

    async def open(self) -> None:
        """Prepare the renderer."""
        await self._painter.ready()

    async def show(self, frame: FaceFrame) -> None:
        """Draw ``frame``."""
        image, size = await self._painter.paint(frame, _rgb)
        await self._push(OutputImageRawFrame(image=image, size=size, format="RGB"))

    async def close(self) -> None:
        """Let the drawing threads go."""
        self._painter.rest()


def _rgb(picture: NDArray[Any]) -> tuple[bytes, tuple[int, int]]:
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[..., :3]).tobytes(), (width, height)
