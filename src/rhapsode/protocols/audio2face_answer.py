"""What a service of the kind of NVIDIA Audio2Face-3D answers: curves and their sound, 30 times a second.

Every answer holds one video frame: 52 ARKit weights at an exact time, and the sound of that thirtieth of a
second as it came in. Times count from the stream's first sound, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rhapsode.face.emotion import EMOTIONS, Emotion
from rhapsode.performance import CurveResampler, Curves, Float32
from rhapsode.protocols.audio2face import SoundFormat
from rhapsode.protocols.audio2face_schema import AGGREGATE, ERROR, PCM, SUCCESS, message
from rhapsode.rigs import ARKIT

RATE_HZ = 30
"""Answers a second of sound."""

SHAPES: tuple[str, ...] = tuple(name[:1].upper() + name[1:] for name in ARKIT.channels)
"""The weights' names as Audio2Face-3D spells them, in its order."""

DONE = "Audio processing completed successfully"
_WIDTH = len(ARKIT)


def header(sound: SoundFormat, start_s: float) -> bytes:
    """Return the first answer.

    Args:
        sound: how the sound in the answers is written.
        start_s: when the stream began, in seconds since 1970.

    """
    row = message("AnimationDataStream")()
    first = row.animation_data_stream_header
    first.audio_header.audio_format = PCM
    first.audio_header.channel_count = sound.channels
    first.audio_header.samples_per_second = sound.sample_rate
    first.audio_header.bits_per_sample = 16
    first.skel_animation_header.blend_shapes.extend(SHAPES)
    first.start_time_code_since_epoch = start_s
    return _bytes(row)


def processed() -> bytes:
    """Return the answer that says that all sound has been worked on."""
    row = message("AnimationDataStream")()
    row.event.event_type = 0
    return _bytes(row)


def success(note: str = "") -> bytes:
    """Return the last answer of a stream that went well."""
    return _status(SUCCESS, f"{DONE}; {note}" if note else DONE)


def failure(reason: str) -> bytes:
    """Return the last answer of a stream that cannot go on."""
    return _status(ERROR, reason)


class AnswerStream:
    """Turns curve frames, 50 a second, and the sound they belong to into answers, one for each 1/30 s.

    A stream of T curve frames brings ceil(0.6 T) answers; all sound that came before `finish` is in them,
    byte for byte. It is the same for every way of cutting.

    Args:
        sound: how the sound is written.

    """

    def __init__(self, sound: SoundFormat) -> None:
        self._sound = sound
        self._bytes = bytearray()
        self._curves, self._felt = CurveResampler(RATE_HZ), CurveResampler(RATE_HZ)
        self._levels: list[Float32] = []
        self._made = self._sent = 0
        self._given: dict[float, Emotion] = {}

    def hear(self, sound: bytes) -> None:
        """Take the next sound."""
        self._bytes += sound

    def feel(self, given: Mapping[float, Emotion]) -> None:
        """Take notice of emotions that the client gave, at their seconds."""
        self._given.update(given)

    def push(self, curves: Curves, felt: Curves | None = None) -> list[bytes]:
        """Take the next curve frames; return the answers they complete.

        Args:
            curves: (T, 52 or more), ARKit weights first.
            felt: (T, 12) `rhapsode.face.emotion.TRACK` of the same curve frames; None feels nothing.

        """
        if felt is not None:
            self._feel(self._felt.push(felt))
        return self._answers(self._curves.push(curves))

    def finish(self) -> list[bytes]:
        """Return the answers up to the end; the last one holds all sound that is left."""
        self._feel(self._felt.finish())
        return self._answers(self._curves.finish(), last=True)

    def _feel(self, felt: Curves | None) -> None:
        if felt is not None:
            self._levels.extend(felt.values)

    def _answers(self, curves: Curves | None, *, last: bool = False) -> list[bytes]:
        rows = [] if curves is None else list(curves.values)
        return [self._answer(row, last=last and k == len(rows) - 1) for k, row in enumerate(rows)]

    def _answer(self, values: Float32, *, last: bool) -> bytes:
        row = message("AnimationDataStream")()
        data, at = row.animation_data, float(Fraction(self._made, RATE_HZ))
        data.skel_animation.blend_shape_weights.add(time_code=at, values=values[:_WIDTH].tolist())
        data.audio.time_code = at
        data.audio.audio_buffer = self._cut(last=last)
        self._add_emotions(data, at)
        self._made += 1
        return _bytes(row)

    def _cut(self, *, last: bool) -> bytes:
        """Return the sound of the next thirtieth of a second."""
        end = (self._made + 1) * self._sound.sample_rate // RATE_HZ * self._sound.sample_bytes
        count = len(self._bytes) if last else min(end - self._sent, len(self._bytes))
        cut = bytes(self._bytes[:count])
        del self._bytes[:count]
        self._sent += count
        return cut

    def _add_emotions(self, data: Any, at: float) -> None:
        """Add what the client gave since the last answer, and what the face shows now."""
        if not self._levels and not self._given:
            return
        made = message("EmotionAggregate")()
        for second, emotion in sorted(self._given.items()):
            made.input_emotions.add(time_code=second, emotion=dict(emotion))
        self._given.clear()
        if self._levels:
            levels = self._levels.pop(0)[: len(EMOTIONS)].tolist()
            made.a2f_smoothed_output.add(time_code=at, emotion=dict(zip(EMOTIONS, levels, strict=True)))
        packed = data.metadata["emotion_aggregate"]
        packed.type_url, packed.value = AGGREGATE, made.SerializeToString()


def _status(code: int, text: str) -> bytes:
    row = message("AnimationDataStream")()
    row.status.code, row.status.message = code, text
    return _bytes(row)


def _bytes(row: Any) -> bytes:
    return bytes(row.SerializeToString())
