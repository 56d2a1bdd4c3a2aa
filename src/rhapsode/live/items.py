"""What a session gives out, in the order of its clock; a newer generation of items kills an older one.

Positions are clock samples (16 kHz). Curves come before the sound that they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rhapsode.performance import Float32, Words
from rhapsode.protocols.frame import Quaternion


@dataclass(frozen=True, eq=False)
class CurvesItem:
    """Consecutive curve frames, 320 clock samples apart.

    Args:
        generation: of the performance.
        start: clock sample of the first frame.
        values: (T, 61) float32 in the order of `rhapsode.rigs.FACE`.
        sound_at: the loop's time at which the sound of the first frame came in; None where the sound is the
            product's own.
        bones: of the body, as `rhapsode.protocols.frame.FaceFrame.bones`; empty where none is captured.
        head_position: metres, where one is captured.

    """

    generation: int
    start: int
    values: Float32
    sound_at: float | None = None
    bones: Mapping[str, Quaternion] = field(default_factory=dict)
    head_position: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class SoundItem:
    """Sound of one channel.

    Args:
        generation: of the performance.
        start: clock sample of the first sample.
        samples: (N,) float32 in [-1, 1].
        sample_rate: Hz.

    """

    generation: int
    start: int
    samples: Float32
    sample_rate: int


@dataclass(frozen=True)
class BeginItem:
    """A speech, a recording or a take begins at ``start``."""

    generation: int
    start: int
    text: str
    kind: str


@dataclass(frozen=True, eq=False)
class WordsItem:
    """Words of the performance that began at ``start``, which their seconds count from."""

    generation: int
    start: int
    words: Words


@dataclass(frozen=True)
class EndItem:
    """The sound ends at clock sample ``sample``; life goes on after it."""

    generation: int
    sample: int


@dataclass(frozen=True)
class IdleItem:
    """Nothing is spoken; curves of life follow from ``start`` on."""

    generation: int
    start: int


@dataclass(frozen=True)
class ListenItem:
    """A microphone moves the face: curves from ``start`` on follow as sound from ``sound`` on comes in."""

    generation: int
    start: int
    sound: int


@dataclass(frozen=True)
class FaultItem:
    """What was asked for could not be done; the session goes on."""

    generation: int
    message: str


Item = CurvesItem | SoundItem | BeginItem | WordsItem | EndItem | IdleItem | ListenItem | FaultItem
