"""The one-page tour: sound or text -> Performance, whole, or into files as it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import SettingError
from rhapsode.face.direction import Direction
from rhapsode.face.stream import FaceStream
from rhapsode.formats import open_writers
from rhapsode.performance import CLOCK_HZ, Float32, Performance, Sound, Words, join
from rhapsode.sources import Source, open_source
from rhapsode.speech import DEFAULT_VOICE


def animate(
    source: str | Path | Sound | Float32 | None = None,
    *,
    text: str | None = None,
    sample_rate: int | None = None,
    voice: str = DEFAULT_VOICE,
    direction: Direction | None = None,
    **settings: Any,
) -> Performance:
    """Make the performance of a sound or of a text.

    Args:
        source: a sound or video file, a `Sound`, or samples (n,) or (n, channels) with ``sample_rate``.
        text: speak this instead.
        sample_rate: of ``source`` when it is an array, Hz.
        voice: the voice that speaks ``text``.
        direction: how to play it.
        settings: fields of `Direction` as keywords (``style="lively"``).

    Returns:
        Face curves at 50 frames a second (52 ARKit weights, 9 angles) with the sound; with words
        and phones where a text was spoken, and with an emotion track where one was asked for.

    Raises:
        InputError: the source cannot be used; the message says why and what to do.

    Example:
        >>> take = animate(Sound(np.zeros(16_000), 16_000), seed=7)
        >>> len(take.face), float(take.face["jawOpen"].max()) < 0.05
        (50, True)

    """
    direction = replace(direction or Direction(), **settings)
    if isinstance(source, np.ndarray):
        if sample_rate is None:
            raise SettingError(
                "an array of samples needs sample_rate, got none; pass sample_rate=48000 or the like"
            )
        source = Sound(source, sample_rate)
    return gather(list(parts(open_source(source, text, voice), direction)))


def parts(source: Source, direction: Direction) -> Iterator[Performance]:
    """Yield the performance of ``source`` as consecutive slices, each as soon as its sound is there."""
    face: FaceStream | None = None
    for sound, words in source.blocks():
        face = face or FaceStream(sound.sample_rate, direction=direction)
        begin_s = float(sound.start / CLOCK_HZ)
        face.words(words, begin_s=begin_s, end_s=begin_s + sound.duration_s)
        curves = face.push(sound.samples)
        yield Performance(curves, sound, words, face.emotion, meta={"source": source.title}, heard=face.heard)
    if face is not None:
        curves = face.finish()
        yield Performance(curves, emotion=face.emotion, meta={"source": source.title}, heard=face.heard)


def gather(slices: Sequence[Performance]) -> Performance:
    """Put consecutive slices of one performance together."""
    sounds = [part.sound for part in slices if part.sound is not None]
    felt = [part.emotion for part in slices if part.emotion is not None]
    heard = [part.heard for part in slices if part.heard is not None]
    return replace(
        slices[0],
        face=join([part.face for part in slices]),
        sound=replace(sounds[0], samples=np.concatenate([s.samples for s in sounds])) if sounds else None,
        emotion=join(felt) if felt else None,
        heard=join(heard) if heard else None,
        words=Words(
            tuple(span for part in slices for span in part.words.words),
            tuple(span for part in slices for span in part.words.phones),
        ),
    )


@dataclass(frozen=True)
class Report:
    """What `animate_file` did, in plain values."""

    source: str
    outputs: tuple[str, ...]
    duration_s: float
    curve_frames: int
    notes: tuple[str, ...] = ()


def animate_file(
    source: str | Path | None,
    outputs: Sequence[str | Path],
    *,
    text: str | None = None,
    voice: str = DEFAULT_VOICE,
    direction: Direction | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> Report:
    """Animate a sound file or a text into files, written as the sound is read: memory stays bounded.

    Args:
        source: a sound or video file, or None with ``text``.
        outputs: files to write; the extension names the format (`rhapsode formats`).
        text: speak this instead of a file.
        voice: the voice that speaks ``text``.
        direction: how to play it.
        progress: called with the share done, 0 to 1.
        options: of the files: fps, rig, avatar, size, camera, background; see `formats.WriteOptions`.

    Raises:
        InputError: the source, an output or an option cannot be used. No partial file is left.

    """
    direction = direction or Direction()
    playing = open_source(source, text, voice)
    seconds, frames = 0.0, 0
    with open_writers([Path(path) for path in outputs], **options) as writers:
        for part in parts(playing, direction):
            writers.write(part)
            frames += len(part.face)
            seconds += part.sound.duration_s if part.sound else 0.0
            if progress and playing.duration_s:
                progress(min(seconds / playing.duration_s, 1.0))
    return Report(playing.title, tuple(map(str, outputs)), seconds, frames, tuple(playing.notes))
