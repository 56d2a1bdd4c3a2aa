"""A captured face in a session: a receiver, its calibration, and the mix with what the session performs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

from rhapsode.live.capture.buffer import GAP_S, Buffer
from rhapsode.live.capture.calibration import Neutral, body_bones, mirrored, strengthened
from rhapsode.live.capture.mixing import Mixer, Own
from rhapsode.live.capture.receiver import CaptureStatus
from rhapsode.live.capture.registry import open_capture
from rhapsode.live.capture.voice import Voice
from rhapsode.live.gate import AHEAD_S
from rhapsode.live.items import CurvesItem
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame, Quaternion

_SLEW_S = 0.001
"""How much the delay of the capture changes from one curve frame to the next, at most."""

_FOLLOW_LAG = 0.05


@dataclass(frozen=True)
class CaptureState:
    """What is known of a capture in its session now.

    Args:
        receiver: what comes in.
        own: who owns what, see `rhapsode.live.capture.mixing`.
        presence: how much of the capture is in the mix, 0 to 1.
        speech: how much speech owns the mouth, 0 to 1.
        delay_ms: from a face coming in to its moment being due.
        calibrating: whether the neutral pose is being taken.

    """

    receiver: CaptureStatus
    own: str
    presence: float
    speech: float
    delay_ms: float
    calibrating: bool


class Capture:
    """Receives a face and mixes it into a session; a `rhapsode.live.gate.Mix`.

    Args:
        url: what to receive, see `rhapsode.live.capture.registry`.
        own: who owns what: "face", "mouth" or "upper".
        neutral: take the first second of faces as rest.

    Raises:
        SettingError: the URL or the rule cannot be used.

    Attributes:
        port: that is listened on, once it runs.

    """

    def __init__(self, url: str, *, own: Own = "mouth", neutral: bool = False) -> None:
        self.url, self._own = url, own
        self._receiver, self._options = open_capture(url)
        self._mixer, self._buffer, self._voice = Mixer(own), Buffer(), Voice()
        self._neutral = Neutral()
        self._sender: tuple[str, int] | None = None
        self._newest: FaceFrame | None = None
        self._delay: float | None = None
        self._lag = 0.0
        if neutral:
            self._neutral.take()

    @property
    def port(self) -> int:
        """That is listened on, once it runs."""
        return self._receiver.port

    @property
    def status(self) -> CaptureState:
        """What is known of it now; called within the loop."""
        return CaptureState(
            self._receiver.status,
            self._own,
            self._mixer.presence,
            self._mixer.speech,
            1000 * (self._delay or 0.0),
            self._neutral.wanted,
        )

    async def run(self, session: Session) -> None:
        """Mix what comes in into ``session`` until cancelled.

        Raises:
            SinkError: the port is taken, or the phone cannot be found.

        """
        session.add_mix(self)
        try:
            await self._receiver.run(self._take)
        finally:
            session.remove_mix(self)

    def calibrate(self) -> None:
        """Take the next second of faces as rest."""
        self._neutral.take()

    def uncalibrate(self) -> None:
        """Take faces as they come again."""
        self._neutral.forget()
        self._buffer.cut()

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Take notice of the session's sound."""
        self._voice.hear(start, samples, sample_rate)

    def interrupted(self) -> None:
        """Take notice that the sound heard so far is not performed any more."""
        self._voice.forget()

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        """Return one curve frame with the captured face mixed in."""
        captured = self._buffer.at(due - self._delayed(item, due))
        here = now - self._buffer.arrived <= GAP_S
        voice = self._voice.active(item.start)
        coming = self._voice.coming(item.start)
        values = self._mixer.mix(item.values[0], captured, here=here, voice=voice, coming=coming)[None]
        if self._newest is None or self._mixer.presence == 0:
            return replace(item, values=values)
        bones = faded(self._newest.bones, self._mixer.presence, item.bones)
        return replace(item, values=values, bones=bones, head_position=self._newest.head_position)

    def _take(self, frame: FaceFrame, now: float) -> None:
        """Take a face as it came in."""
        if self._receiver.sender != self._sender:
            self._sender = self._receiver.sender
            self._buffer.cut()
            self._mixer.forget()
        if not frame.found:
            return
        if self._options.mirror:
            frame = mirrored(frame)
        if self._neutral.hear(frame.values, now):
            self._buffer.cut()
        self._mixer.sees(frame.values)
        self._newest = replace(frame, bones=body_bones(frame.bones))
        self._buffer.push(strengthened(self._neutral.apply(frame.values), self._options.gain), now)

    def _delayed(self, item: CurvesItem, due: float) -> float:
        """Return how much older than ``due`` a captured face has to be.

        Old enough to lie between two that are there; with a microphone as old as the sound of the frame, so
        that a mouth and its sound that came in together are shown together.
        """
        wanted = AHEAD_S + self._buffer.delay_s
        if item.sound_at is not None:
            late = due - item.sound_at
            self._lag += (late - self._lag) * (_FOLLOW_LAG if self._lag else 1.0)
            wanted = max(wanted, self._lag + self._options.offset_s)
        else:
            self._lag = 0.0
        if self._delay is None or self._mixer.presence == 0:
            self._delay = wanted
        self._delay += min(max(wanted - self._delay, -_SLEW_S), _SLEW_S)
        return self._delay


def faded(
    bones: Mapping[str, Quaternion], share: float, own: Mapping[str, Quaternion] | None = None
) -> dict[str, Quaternion]:
    """Return bones turned by a ``share`` of their turn from ``own`` bones, or from rest, about."""
    made: dict[str, Quaternion] = dict(own or {})
    for bone, (x, y, z, w) in bones.items():
        a, b, c, d = made.get(bone, (0.0, 0.0, 0.0, 1.0))
        side = share if x * a + y * b + z * c + w * d >= 0 else -share  # the short way
        kept = 1 - share
        parts = (x * side + a * kept, y * side + b * kept, z * side + c * kept, w * side + d * kept)
        length = sqrt(sum(part * part for part in parts)) or 1.0
        made[bone] = (parts[0] / length, parts[1] / length, parts[2] / length, parts[3] / length)
    return made
