"""Recordings made elsewhere, by the printed script: one file a prompt, or one long file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rhapsode.audio.decode import SoundFile
from rhapsode.audio.levels import downmix
from rhapsode.errors import AudioError
from rhapsode.performance import Float32
from rhapsode.train.script.checks import Check, check, frames_db
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.prompts import Item
from rhapsode.train.script.recorder import SoundClip

SOUNDS = (
    *(".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff"),
    *(".mp4", ".mov", ".mkv", ".webm"),
)
"""Extensions looked for in a folder, in this order."""

_FRAME_S = 0.02
_MARGIN_S = 0.3
_NOISE_SHARE = 0.4
_SHORTEST_S = 0.08


@dataclass
class Taken:
    """What came of taking files.

    Args:
        recorded: ids of the takes kept.
        problems: what is wrong with some of them, by id.
        absent: ids of the items for which no file was found.

    """

    recorded: list[str] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


def take_files(items: Sequence[Item], folder: TakeFolder, source: Path) -> Taken:
    """Keep the files of ``source`` that are named after items, such as ``en-word-003-normal.wav``.

    A file named after the prompt alone (``en-word-003.wav``) serves where ``items`` hold one manner only.

    Raises:
        AudioError: no file fits, or one cannot be read; those before it are kept.

    """
    done = Taken()
    one_manner = len({item.manner for item in items}) == 1
    found = {path.stem.lower(): path for suffix in reversed(SOUNDS) for path in _with(source, suffix)}
    sitting = folder.sit_down(f"files of {source.name}")
    for item in items:
        path = found.get(item.id) or (found.get(item.prompt.id) if one_manner else None)
        if path is None:
            done.absent.append(item.id)
            continue
        samples, rate = read_mono(path)
        _keep(item, SoundClip(samples, rate, 0), folder, sitting, done, on_clock=False)
    if not done.recorded:
        raise AudioError(
            f"'{source}' holds no file named after a prompt; expected names such as {items[0].id}.wav; "
            "see --list for all"
        )
    return done


def take_long_file(items: Sequence[Item], folder: TakeFolder, source: Path, *, pause_s: float) -> Taken:
    """Cut one recording of all ``items``, read in order, at its pauses, and keep the pieces.

    Args:
        items: everything that is read in it, in order.
        folder: where to.
        source: a sound or a video.
        pause_s: a silence this long divides two prompts, in seconds.

    Raises:
        AudioError: it cannot be read, or does not fall into as many pieces as there are items.

    """
    samples, rate = read_mono(source)
    pieces = spoken(samples, rate, pause_s=pause_s)
    if len(pieces) != len(items):
        advice = "raise" if len(pieces) > len(items) else "lower"
        raise AudioError(
            f"'{source}' falls into {len(pieces)} pieces at pauses of {pause_s:g} s, expected {len(items)}, "
            f"one a prompt; {advice} --pause, or cut it into one file a prompt"
        )
    done, sitting = Taken(), folder.sit_down(f"file {source.name}")
    for item, (begin, end) in zip(items, pieces, strict=True):
        _keep(item, SoundClip(samples[begin:end], rate, begin), folder, sitting, done, on_clock=True)
    return done


def spoken(samples: Float32, sample_rate: int, *, pause_s: float) -> list[tuple[int, int]]:
    """Return (first, behind the last) sample of each stretch of speech between pauses, with margins.

    Args:
        samples: (n,) float32.
        sample_rate: Hz.
        pause_s: shorter silences divide nothing.

    """
    level = frames_db(samples, sample_rate)
    if not len(level):
        return []
    noise, loud = np.percentile(level, 5), np.percentile(level, 98)
    if loud - noise < 10:
        return []
    size = round(_FRAME_S * sample_rate)
    active = np.concatenate([[False], level > noise + _NOISE_SHARE * (loud - noise), [False]])
    edges = np.flatnonzero(np.diff(active.astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if (b - a) * _FRAME_S >= _SHORTEST_S]
    joined: list[tuple[int, int]] = []
    for a, b in runs:
        if joined and (a - joined[-1][1]) * _FRAME_S < pause_s:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    margin = round(min(_MARGIN_S, pause_s / 2) * sample_rate)
    return [(max(a * size - margin, 0), min(b * size + margin, len(samples))) for a, b in joined]


def read_mono(path: Path) -> tuple[Float32, int]:
    """Return the samples of a sound or video, (n,) float32, and their rate in Hz."""
    sound = SoundFile(path)
    return np.concatenate([downmix(block) for block in sound.blocks()]), sound.sample_rate


def _keep(
    item: Item, clip: SoundClip, folder: TakeFolder, sitting: int, done: Taken, *, on_clock: bool
) -> None:
    checked: Check = check(clip.samples, clip.sample_rate)
    folder.keep(item, clip, checked, sitting, on_clock=on_clock)
    done.recorded.append(item.id)
    if checked.problems:
        done.problems[item.id] = [problem.text for problem in checked.problems]


def _with(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == suffix)
