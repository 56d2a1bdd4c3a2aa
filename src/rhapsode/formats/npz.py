"""Our own archive: everything that a performance holds, as NumPy arrays in a .npz file, without loss.

Version 1 holds: ``format`` "rhapsode-performance", ``version``; for each of the tracks face, emotion, heard
and (with ``_rotations`` and ``_translation``) motion: ``<track>_names``, ``<track>_values``,
``<track>_rate`` and ``<track>_start`` (two integers each: numerator, denominator); ``sound_samples``,
``sound_rate``, ``sound_start``; ``words`` and ``phones`` as ``_text``, ``_start_s`` and ``_end_s``;
``meta_keys`` and ``meta_values``. No pickles: any NumPy reads it with ``allow_pickle=False``.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import FormatError, RhapsodeError
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.spill import Spill
from rhapsode.performance import Curves, Motion, Performance, Sound, Span, Words

FORMAT, VERSION = "rhapsode-performance", 1
_AGAIN = "save the performance again"


@dataclass
class _Track:
    """Rows on the disk and the facts of their first part."""

    rows: Spill
    facts: dict[str, Any]


class NpzWriter:
    """Writes arrays to the disk as they grow, and packs them at the end.

    See `rhapsode.formats.registry.Writer`.
    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._tracks: dict[str, _Track] = {}
        self._spans: dict[str, list[Span]] = {"words": [], "phones": []}
        self._meta: dict[str, str] = {}

    def write(self, part: Performance) -> None:
        """Append what ``part`` holds."""
        self._curves("face", part.face)
        if part.emotion is not None:
            self._curves("emotion", part.emotion)
        if part.heard is not None:
            self._curves("heard", part.heard)
        if part.sound is not None:
            facts = {"rate": np.int64(part.sound.sample_rate), "start": _pair(part.sound.start)}
            self._track("sound", "samples", facts).append(part.sound.samples)
        if part.motion is not None:
            self._motion(part.motion)
        self._spans["words"] += part.words.words
        self._spans["phones"] += part.words.phones
        self._meta.update(part.meta)

    def close(self) -> None:
        """Pack everything into the archive."""
        with zipfile.ZipFile(self._path, "w") as out:
            small: dict[str, Any] = {"format": np.str_(FORMAT), "version": np.int64(VERSION)}
            small["meta_keys"] = np.array(list(self._meta.keys()), np.str_)
            small["meta_values"] = np.array(list(self._meta.values()), np.str_)
            for kind, spans in self._spans.items():
                small[f"{kind}_text"] = np.array([span.text for span in spans], np.str_)
                small[f"{kind}_start_s"] = np.array([span.start_s for span in spans], np.float64)
                small[f"{kind}_end_s"] = np.array([span.end_s for span in spans], np.float64)
            for name, track in self._tracks.items():
                prefix, array = name.split(".")
                small.update({f"{prefix}_{fact}": value for fact, value in track.facts.items()})
                _write_rows(out, f"{prefix}_{array}", track.rows)
            for key, value in small.items():
                text = io.BytesIO()
                np.lib.format.write_array(text, np.asarray(value), allow_pickle=False)
                out.writestr(zipfile.ZipInfo(f"{key}.npy"), text.getvalue(), zipfile.ZIP_DEFLATED)
        self.abort()

    def abort(self) -> None:
        """Let go of the arrays on the disk."""
        for track in self._tracks.values():
            track.rows.close()

    def _track(self, prefix: str, array: str, facts: Mapping[str, Any]) -> Spill:
        name = f"{prefix}.{array}"
        if name not in self._tracks:
            self._tracks[name] = _Track(Spill(self._path.parent), dict(facts))
        return self._tracks[name].rows

    def _curves(self, prefix: str, curves: Curves) -> None:
        names = np.array(curves.names, np.str_)
        facts = {"names": names, "rate": _pair(curves.rate), "start": _pair(curves.start)}
        self._track(prefix, "values", facts).append(curves.values)

    def _motion(self, motion: Motion) -> None:
        names = np.array(motion.joints, np.str_)
        facts = {"names": names, "rate": _pair(motion.rate), "start": _pair(motion.start)}
        flat = motion.rotations.reshape(len(motion), -1)
        self._track("motion", "rotations", facts).append(flat)
        self._track("motion", "translation", {}).append(motion.translation)


def _write_rows(out: zipfile.ZipFile, name: str, rows: Spill) -> None:
    """Write ``rows`` as one .npy member, block by block, as they are: samples hardly compress."""
    with out.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows.rows, rows.width)}
        np.lib.format.write_array_header_1_0(member, header)
        for block in rows.blocks():
            member.write(block.tobytes())


def _pair(value: Fraction) -> NDArray[np.int64]:
    return np.array([value.numerator, value.denominator], np.int64)


def read(path: Path) -> Performance:
    """Read an archive that `NpzWriter` wrote.

    Raises:
        FormatError: it is no such archive, a later version of it, or damaged.

    """
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise _wrong(path, "a single array, not an archive")
        with archive:
            arrays = {key: archive[key] for key in archive.files}
    # zipfile raises NotImplementedError for a member whose compression method it does not know.
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise _wrong(path, f"a damaged or foreign file ({str(error).splitlines()[0]})") from error
    if str(arrays.get("format", "")) != FORMAT:
        raise _wrong(path, f"an archive of {len(arrays)} arrays without format '{FORMAT}'")
    if arrays.get("version") != VERSION:
        raise FormatError(
            f"'{path}' is a performance archive of version {arrays.get('version')}, expected {VERSION}; "
            "update rhapsode to read it"
        )
    try:
        return _performance(arrays)
    except KeyError as error:
        raise _wrong(path, f"an archive without {error}") from error
    except (RhapsodeError, ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        raise _wrong(path, f"arrays that do not fit together ({error})") from error


def _performance(arrays: Mapping[str, NDArray[Any]]) -> Performance:
    sound = motion = None
    if "sound_samples" in arrays:
        start = _fraction(arrays["sound_start"])
        sound = Sound(arrays["sound_samples"], int(arrays["sound_rate"]), start)
    if "motion_rotations" in arrays:
        joints = tuple(map(str, arrays["motion_names"]))
        flat = arrays["motion_rotations"]
        motion = Motion(
            joints,
            flat.reshape(len(flat), len(joints), 4),
            arrays["motion_translation"],
            _fraction(arrays["motion_rate"]),
            _fraction(arrays["motion_start"]),
        )
    meta = dict(zip(map(str, arrays["meta_keys"]), map(str, arrays["meta_values"]), strict=True))
    words = Words(_spans(arrays, "words"), _spans(arrays, "phones"))
    emotion = _curves(arrays, "emotion") if "emotion_values" in arrays else None
    heard = _curves(arrays, "heard") if "heard_values" in arrays else None
    return Performance(_curves(arrays, "face"), sound, words, emotion, motion, meta, heard)


def _curves(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Curves:
    return Curves(
        tuple(map(str, arrays[f"{prefix}_names"])),
        arrays[f"{prefix}_values"],
        _fraction(arrays[f"{prefix}_rate"]),
        _fraction(arrays[f"{prefix}_start"]),
    )


def _spans(arrays: Mapping[str, NDArray[Any]], kind: str) -> tuple[Span, ...]:
    columns = (arrays[f"{kind}_text"], arrays[f"{kind}_start_s"], arrays[f"{kind}_end_s"])
    return tuple(Span(str(t), float(a), float(b)) for t, a, b in zip(*columns, strict=True))


def _fraction(pair: NDArray[Any]) -> Fraction:
    return Fraction(int(pair[0]), int(pair[1]))


def _wrong(path: Path, got: str) -> FormatError:
    return FormatError(f"'{path}' is no performance archive: got {got}, expected one by rhapsode; {_AGAIN}")
