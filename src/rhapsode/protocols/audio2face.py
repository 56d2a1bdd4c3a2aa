"""What clients of NVIDIA Audio2Face-3D ask for: one message in, what it means out. No sockets.

A stream is a header (the sound's format, the face's settings), sound with emotions at their times, and an
end: https://docs.nvidia.com/ace/audio2face-3d-microservice/latest/text/interacting/a2f-rpc.html. The answers
are made by `rhapsode.protocols.audio2face_answer`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rhapsode.errors import PacketError, SettingError
from rhapsode.face.controls import RANGES, TABLES, translate
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion, canonical
from rhapsode.performance import Float32
from rhapsode.protocols.audio2face_emotion import EMOTION_STRENGTH, PREFERRED_STRENGTH, Feeling
from rhapsode.protocols.audio2face_schema import PCM, message
from rhapsode.rigs import ARKIT

RATES = (8_000, 192_000)
"""Lowest and highest sample rate that is taken, Hz."""

MAX_CHANNELS = 8

MAX_MESSAGE = 4 * 1024 * 1024
"""The most that one message may hold, bytes."""

_BITS = 16
_ROUNDING = 1e-5
_SHAPES = frozenset(ARKIT.channels)


@dataclass(frozen=True)
class SoundFormat:
    """How the sound of a stream is written: signed 16-bit samples, little-endian, channels interleaved.

    Args:
        sample_rate: Hz.
        channels: of the sound.

    """

    sample_rate: int
    channels: int = 1

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * _BITS // 8

    def samples(self, sound: bytes) -> Float32:
        """Return ``sound`` as (n, channels) float32 in [-1, 1); it must hold whole samples."""
        wide = np.frombuffer(sound, "<i2").astype(np.float32) / 32768.0
        return wide.reshape(-1, self.channels)

    def whole(self, sound: bytes) -> tuple[bytes, bytes]:
        """Return what of ``sound`` is whole samples, and the rest."""
        end = len(sound) - len(sound) % self.sample_bytes
        return sound[:end], sound[end:]

    def pieces(self, sound: bytes, seconds: float) -> Iterator[bytes]:
        """Yield whole samples in pieces of at most ``seconds``."""
        step = max(round(seconds * self.sample_rate), 1) * self.sample_bytes
        for first in range(0, len(sound), step):
            yield sound[first : first + step]

    def check_rest(self, rest: bytes) -> None:
        """Check that a stream did not end within a sample.

        Raises:
            PacketError: it did.

        """
        if rest:
            raise PacketError(
                f"the sound ended within a sample: {self.sample_bytes} bytes make one of {self.channels} "
                f"channels, got {len(rest)} bytes more than that; check bits and channels of the header"
            )


@dataclass(frozen=True)
class Header:
    """The first message of a stream.

    Args:
        sound: how the sound is written.
        controls: fields of `rhapsode.face.controls.Controls` that it sets, in their ranges.
        feeling: how emotions are to be shown.
        left_out: what else it asks for, which has no counterpart here.

    """

    sound: SoundFormat
    controls: Mapping[str, Any]
    feeling: Feeling
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """The next sound of a stream.

    Args:
        sound: bytes as the header says.
        emotions: what is felt from which second of the stream on.
        left_out: emotions that nobody knows here.

    """

    sound: bytes
    emotions: Mapping[float, Emotion] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """The sound of a stream is over."""


def read_request(data: bytes) -> Header | Part | End:
    """Read one message of a client.

    Raises:
        PacketError: it is no such message, or asks for what cannot be done.
        MissingExtraError: protobuf is not installed.

    """
    if len(data) > MAX_MESSAGE:
        raise PacketError(
            f"a message may hold {MAX_MESSAGE} bytes, got {len(data)}; send the sound in smaller buffers"
        )
    kind = message("AudioStream")
    try:
        read = kind.FromString(data)
    except Exception as error:  # protobuf's own kind, which differs between its implementations
        raise PacketError(f"a message is no AudioStream ({error}); check the client's version") from error
    part = read.WhichOneof("stream_part")
    if part == "audio_stream_header":
        return _header(read.audio_stream_header)
    if part == "audio_with_emotion":
        return _part(read.audio_with_emotion)
    if part == "end_of_audio":
        return End()
    raise PacketError("a message holds no header, no sound and no end; send one of them")


def _header(row: Any) -> Header:
    left_out: list[str] = []
    sound = _sound_format(row.audio_header)
    controls = _controls(row, left_out)
    return Header(sound, controls, _feeling(row, left_out), tuple(left_out))


def _sound_format(row: Any) -> SoundFormat:
    if row.audio_format != PCM or row.bits_per_sample != _BITS:
        raise PacketError(
            f"sound must be PCM (format 0) of 16 bits a sample, got format {row.audio_format} of "
            f"{row.bits_per_sample} bits; convert it first"
        )
    if not RATES[0] <= row.samples_per_second <= RATES[1]:
        raise PacketError(
            f"samples_per_second must lie in {RATES[0]} to {RATES[1]}, got {row.samples_per_second}; "
            "try 16000"
        )
    if not 1 <= row.channel_count <= MAX_CHANNELS:
        raise PacketError(f"channel_count must lie in 1 to {MAX_CHANNELS}, got {row.channel_count}; send 1")
    return SoundFormat(row.samples_per_second, row.channel_count)


def _controls(row: Any, left_out: list[str]) -> dict[str, Any]:
    """Return what the face's settings turn, each within its range."""
    face, shapes = row.face_params, row.blendshape_params
    _check_numbers("face_params", face.float_params)
    made, ignored = translate(dict(face.float_params), "face_params")
    left_out += [*ignored, *face.integer_params, *face.float_array_params]
    left_out += [name for name in made if name not in RANGES]
    made = {
        name: _within(name, value, *RANGES[name], left_out) for name, value in made.items() if name in RANGES
    }
    for table, given, neutral in (
        ("gains", shapes.bs_weight_multipliers, 1.0),
        ("offsets", shapes.bs_weight_offsets, 0.0),
    ):
        _check_numbers(table, given)
        turned = {name[:1].lower() + name[1:]: value for name, value in given.items() if value != neutral}
        left_out += [f"{table} of {name}" for name in turned if name not in _SHAPES]
        kept = {
            name: _within(f"{table} of {name}", value, *TABLES[table], left_out)
            for name, value in turned.items()
            if name in _SHAPES
        }
        if kept:
            made[table] = kept
    if shapes.HasField("enable_clamping_bs_weight") and not shapes.enable_clamping_bs_weight:
        left_out.append("enable_clamping_bs_weight=false (weights lie in 0 to 1)")
    return made


def _feeling(row: Any, left_out: list[str]) -> Feeling:
    after, emotion = row.emotion_post_processing_params, row.emotion_params
    left_out += [
        name for name in ("emotion_contrast", "live_blend_coef", "max_emotions") if after.HasField(name)
    ]
    if emotion.HasField("live_transition_time"):
        left_out.append("live_transition_time")
    strength, share = (
        _within(name, getattr(after, name) if after.HasField(name) else usual, 0.0, 1.0, left_out)
        for name, usual in (
            ("emotion_strength", EMOTION_STRENGTH),
            ("preferred_emotion_strength", PREFERRED_STRENGTH),
        )
    )
    named = after.enable_preferred_emotion if after.HasField("enable_preferred_emotion") else True
    if not named or not share:
        return Feeling(strength, False)
    return Feeling(strength * share, True, _emotion(emotion.beginning_emotion, left_out))


def _part(row: Any) -> Part:
    left_out: list[str] = []
    keys: dict[float, Emotion] = {}
    for key in row.emotions:
        if not math.isfinite(key.time_code) or key.time_code < 0:
            raise PacketError(
                f"an emotion's time_code must be 0 or more seconds, got {key.time_code}; "
                "count from the start of the stream"
            )
        keys[key.time_code] = _emotion(key.emotion, left_out)
    return Part(row.audio_buffer, keys, tuple(left_out))


def _emotion(given: Mapping[str, float], left_out: list[str]) -> Emotion:
    _check_numbers("emotion", given)
    levels: dict[str, float] = {}
    for word, level in given.items():
        try:
            levels[canonical(word)] = min(max(level, 0.0), 1.0)
        except SettingError:
            left_out.append(f"emotion '{word}'")
    return Emotion(levels)


def _within(name: str, value: float, low: float, high: float, left_out: list[str]) -> float:
    """Return ``value`` as near as the range lets it; beyond a rounding error that is told."""
    if not low - _ROUNDING <= value <= high + _ROUNDING:
        left_out.append(f"{name} beyond {low:g} to {high:g}")
    return min(max(value, low), high)


def _check_numbers(where: str, given: Mapping[str, float]) -> None:
    for name, value in given.items():
        if not math.isfinite(value):
            raise PacketError(f"{where} '{name}' must be a number, got {value}; leave it out")


def directed(direction: Direction, head: Header) -> Direction:
    """Return ``direction`` with what a header asks for on top."""
    controls = direction.controls
    if head.controls:
        controls = replace(direction.played_controls(), **head.controls)
    return replace(direction, controls=controls, emotion=head.feeling.over({}))


def told(left_out: Iterable[str]) -> str:
    """Return ``left_out`` as a sentence for people, each once; empty for nothing."""
    names = ", ".join(dict.fromkeys(left_out))
    return f"left out, for want of a counterpart: {names}" if names else ""
