"""A face captured elsewhere through a whole sitting, cut into its takes by the claps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rhapsode.errors import FormatError, InputError
from rhapsode.performance import CLOCK_HZ, Curves, Float32, as_float32, as_rate
from rhapsode.train.own.readers import read_file, read_maya
from rhapsode.train.script.checks import clap_at
from rhapsode.train.script.elsewhere import read_mono
from rhapsode.train.script.folder import Sitting, TakeFolder
from rhapsode.train.script.writing import replacing

ENVELOPE_HZ = 500
SURE = 0.6
"""Correlation with the clap's own recording above which a clap counts as found."""

LARGEST_DRIFT = 2e-3
"""Two clocks that differ by more than this part were not running at one sitting."""


@dataclass(frozen=True)
class Clock:
    """Seconds of a capture from seconds of a sitting: ``offset_s + rate * seconds``."""

    offset_s: float
    rate: float = 1.0

    def __call__(self, sitting_s: float) -> float:
        """Return when in the capture a moment of the sitting is."""
        return self.offset_s + self.rate * sitting_s


def cut_capture(
    folder: TakeFolder, capture: Path, claps: Sequence[str], *, number: int | None = None
) -> list[str]:
    """Write the curves of ``capture`` beside the takes of a sitting; return the ids of those it holds.

    Each file is an archive of ``names``, ``weights`` and ``fps`` at the capture's rate; its first curve
    frame is at the first sample of the take.

    Args:
        folder: with the takes.
        capture: Live Link CSV, Audio2Face JSON, our npz, or a folder with Maya's arrays.
        claps: when the claps of the start and of the end are in the capture, in seconds as text; or one
            sound or video that begins with the capture.
        number: of the sitting; None is the last.

    Raises:
        InputError: a file cannot be read, the claps do not fit, or no take lies in the capture.

    """
    sitting = _sitting(folder, number)
    clock = find_clock(folder, sitting, claps)
    curves = read_curves(capture)
    made: dict[str, Curves] = {}
    for take in folder.takes.values():
        if take.sitting == sitting.number and take.start_s is not None:
            part = _part(curves, clock(take.start_s), take.duration_s, clock.rate)
            if part is not None:
                made[take.id] = part
    if not made:
        raise InputError(
            f"'{capture}' lasts {curves.duration_s:.1f} s and holds no take of sitting {sitting.number}, "
            f"whose second 0 would be at {clock.offset_s:.1f} s; check --clap-at and --sitting"
        )
    for name, part in made.items():
        with replacing(folder.path / f"{name}.npz") as aside, aside.open("wb") as out:
            np.savez(out, names=np.array(part.names), weights=part.values, fps=float(part.rate))
    return list(made)


def find_clock(folder: TakeFolder, sitting: Sitting, claps: Sequence[str]) -> Clock:
    """Return the capture's clock from its claps; see `cut_capture`."""
    known = {clap.where: clap.time_s for clap in sitting.claps}
    if not known:
        raise InputError(
            f"sitting {sitting.number} has no clap, expected one at its start; record with --clap, "
            "or align each take by hand"
        )
    if len(claps) == 1 and not _is_number(claps[0]):
        heard = _found(folder, sitting, Path(claps[0]))
    else:
        wrong = next((clap for clap in claps if not _is_number(clap)), None)
        if wrong is not None or not 1 <= len(claps) <= len(known):
            raise InputError(
                f"--clap-at must be seconds, once or for each of {len(known)} claps, or one sound or video, "
                f"got {', '.join(claps)}"
            )
        heard = dict(zip(known, map(float, claps), strict=False))
    (first, at), *rest = [(known[where], heard[where]) for where in known if where in heard]
    rate = (rest[0][1] - at) / (rest[0][0] - first) if rest else 1.0
    if abs(rate - 1) > LARGEST_DRIFT:
        raise InputError(
            f"the claps are {rest[0][1] - at:.2f} s apart in the capture and {rest[0][0] - first:.2f} s in "
            "the sitting, expected the same; name the right ones with --clap-at"
        )
    return Clock(at - rate * first, rate)


def find_clip(clip: Float32, sound: Float32, sample_rate: int) -> tuple[float, float]:
    """Return when ``clip`` is heard in ``sound``, in seconds, and the correlation of their levels there.

    Args:
        clip: (n,) float32.
        sound: (m,) float32, of another microphone.
        sample_rate: Hz, of both.

    """
    short, long = _onsets(clip, sample_rate), _onsets(sound, sample_rate)
    if len(short) < 2 or len(long) < len(short):
        return 0.0, 0.0
    size = 1 << (len(long) + len(short)).bit_length()
    product = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)
    product = product[: len(long) - len(short) + 1]
    power = np.cumsum(np.concatenate([[0.0], long**2]))
    energy = np.sqrt(np.maximum(power[len(short) :] - power[: -len(short)], 1e-12) * np.sum(short**2))
    likeness = product / np.maximum(energy, 1e-9 + 0.1 * energy.max())
    best = int(np.argmax(likeness))
    return best / ENVELOPE_HZ, float(likeness[best])


def read_curves(capture: Path) -> Curves:
    """Read a capture: a file of curves, or a folder with Maya's arrays and their ``BS_take.json``."""
    if not capture.is_dir():
        return read_file(capture)[0]
    try:
        fps = as_rate(json.loads((capture / "BS_take.json").read_text("utf-8"))["fps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"'{capture}' has no BS_take.json with the frame rate; export it with scripts/maya_export.py"
        ) from error
    return read_maya(capture / "BS_value.npy", capture / "BS_name.npy", fps)


def _found(folder: TakeFolder, sitting: Sitting, path: Path) -> dict[str, float]:
    """Return when each clap of ``sitting`` is heard in the sound of ``path``."""
    sound, rate = read_mono(path)
    heard: dict[str, float] = {}
    for clap in sitting.claps:
        clip, own_rate = soundfile.read(folder.path / clap.file, dtype="float32")
        inside = clap_at(clip, own_rate)
        at, likeness = find_clip(_at_rate(clip, own_rate, rate), sound, rate)
        if inside is None or likeness < SURE:
            raise InputError(
                f"the clap of {clap.file} is not heard in '{path}' (likeness {likeness:.2f}, wanted {SURE}); "
                "give its time with --clap-at SECONDS"
            )
        heard[clap.where] = at + inside
    return heard


def _at_rate(samples: Float32, source_hz: int, target_hz: int) -> Float32:
    from rhapsode.audio.resample import resample

    return samples if source_hz == target_hz else resample(as_float32(samples), source_hz, target_hz)


def _onsets(samples: Float32, sample_rate: int) -> NDArray[np.float64]:
    """Return how much the level rises, in dB, `ENVELOPE_HZ` times a second: alike in every microphone."""
    edges = np.arange(0, len(samples) * ENVELOPE_HZ // sample_rate + 1) * sample_rate // ENVELOPE_HZ
    if len(edges) < 8:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    power = np.diff(total[edges]) / np.diff(edges)
    level = 10 * np.log10(power + 1e-7)
    smooth = np.convolve(level, np.ones(5) / 5, "same")
    rise = np.maximum(np.diff(smooth, prepend=smooth[0]), 0.0)
    return np.asarray(rise, np.float64)


def _part(curves: Curves, begin_s: float, seconds: float, drift: float) -> Curves | None:
    """Return ``seconds`` of a sitting from second ``begin_s`` of ``curves`` on; None if they lack some."""
    rate = float(curves.rate)
    count = max(round(seconds * rate), 1)
    places = (begin_s - float(curves.start) / CLOCK_HZ) * rate + drift * np.arange(count)
    if places[0] < -0.5 or places[-1] > len(curves.values) - 0.5:
        return None
    grid = np.arange(len(curves.values))
    values = np.stack([np.interp(places, grid, column) for column in curves.values.T], axis=1)
    return Curves(curves.names, as_float32(values), Fraction(curves.rate))


def _sitting(folder: TakeFolder, number: int | None) -> Sitting:
    known = {one.number: one for one in folder.sittings}
    if not known:
        raise InputError(f"'{folder.path}' holds no takes; record some before a capture is cut")
    chosen = max(known) if number is None else number
    if chosen not in known:
        raise InputError(f"there is no sitting {chosen}; known are {', '.join(map(str, known))}")
    return known[chosen]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
