"""The folder of takes: performances as .npz files, each with its facts as .json beside it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import FormatError, InputError, RhapsodeError
from rhapsode.formats import AtomicWriter, load, save
from rhapsode.performance import Performance, Sound, Span, Words
from rhapsode.rigs import FACE, retarget

ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")
"""What the id of a take looks like: a file name that leads nowhere else."""

MAX_POINTS = 4000
SPACE_BYTES = 256 * 1024 * 1024
"""No take begins where less is free on the disk."""


@dataclass(frozen=True)
class TakeFacts:
    """What a list of takes shows.

    Args:
        id: of the take.
        name: that a person gave it.
        seconds: its length.
        created: seconds since 1970.
        has_sound: whether it holds any sound that is not silence.
        text: what is spoken.

    """

    id: str
    name: str
    seconds: float
    created: float
    has_sound: bool
    text: str


class Takes:
    """Keeps takes in ``folder``, outside which nothing is reached; reads and writes: call it in a pool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> tuple[str, AtomicWriter]:
        """Return the id of a new take and what writes it.

        Raises:
            FormatError: the folder cannot be made or written, or the disk is full.

        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise FormatError(
                f"takes cannot be kept in '{self._folder}': {error.strerror or error}; "
                "choose a folder with --takes"
            ) from error
        if free < SPACE_BYTES:
            raise FormatError(
                f"a take needs {SPACE_BYTES >> 20} MiB free in '{self._folder}', got {free >> 20} MiB; "
                "delete takes"
            )
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        return name, AtomicWriter(self._folder / f"{name}.npz")

    def describe(self, facts: TakeFacts) -> None:
        """Keep ``facts`` beside their take."""
        path = self._folder / f"{facts.id}.json"
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            temporary.write_text(json.dumps(asdict(facts), ensure_ascii=False), "utf-8")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def all(self) -> list[TakeFacts]:
        """Return all takes, the newest first."""
        found = []
        for path in self._folder.glob("*.npz"):
            if ID.match(path.stem):
                try:
                    found.append(self.facts(path.stem))
                except RhapsodeError:
                    continue  # a damaged file is no take
        return sorted(found, key=lambda facts: -facts.created)

    def facts(self, name: str) -> TakeFacts:
        """Return what is known of a take; raise `InputError` if there is none."""
        path = self._path(name)
        try:
            known = json.loads((self._folder / f"{name}.json").read_text("utf-8"))
            return TakeFacts(
                name,
                str(known["name"]),
                float(known["seconds"]),
                float(known["created"]),
                bool(known["has_sound"]),
                str(known["text"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            take = load(path)
        facts = facts_of(name, path.stem, take, path.stat().st_mtime)
        self.describe(facts)
        return facts

    def rename(self, name: str, wanted: str) -> TakeFacts:
        """Give a take another name; raise `InputError` if there is no such take or the name is empty."""
        facts = replace(self.facts(name), name=checked_name(wanted))
        self.describe(facts)
        return facts

    def delete(self, name: str) -> None:
        """Delete a take; raise `InputError` if there is none."""
        self._path(name).unlink()
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def read(self, name: str, start_s: float = 0.0, end_s: float | None = None) -> Performance:
        """Return a take, or the part of it in [start_s, end_s), which then begins at clock zero.

        Raises:
            InputError: there is none, or the part is empty.

        """
        whole = load(self._path(name))
        begin = float(whole.face.start) / 16_000
        length = whole.duration_s
        last = length if end_s is None else min(end_s, length)
        if not 0 <= start_s < last:
            raise InputError(
                f"the part of a take must lie in [0, {length:.2f}] s, got {start_s:g} to {last:g} s; "
                "let it begin before it ends"
            )
        return _from_zero(whole.slice_s(begin + start_s, begin + last))

    def curves(self, name: str, names: tuple[str, ...], points: int) -> dict[str, Any]:
        """Return what a plot needs: the strongest value of each channel and the sound's peak, point by point.

        Raises:
            InputError: there is no such take, a channel is unknown, or ``points`` is out of range.

        """
        if not 2 <= points <= MAX_POINTS:
            raise InputError(f"points must lie in [2, {MAX_POINTS}], got {points}; 400 is a good number")
        unknown = [one for one in names if one not in FACE.channels]
        if unknown:
            raise InputError(f"unknown channel '{unknown[0]}'; jawOpen and the like are known")
        take = self.read(name)
        face = retarget(take.face, "face").select(names, fill=0)
        values = [_strongest(face[one], points) for one in names]
        peaks = [0.0] * points
        if take.sound is not None:
            peaks = [abs(peak) for peak in _strongest(take.sound.mono(), points)]
        return {"seconds": take.duration_s, "names": list(names), "values": values, "peaks": peaks}

    def export(
        self, name: str, path: Path, *, start_s: float, end_s: float | None, avatar: Path | None
    ) -> None:
        """Write a take, or a part of it, to ``path`` in the format of its extension.

        Raises:
            RhapsodeError: there is no such take, or it cannot be written like that; the message says why.

        """
        options = {} if avatar is None else {"avatar": avatar}
        save(self.read(name, start_s, end_s), path, **options)

    def _path(self, name: str) -> Path:
        path = self._folder / f"{name}.npz"
        if not ID.match(name) or not path.is_file():
            raise InputError(f"no take '{name[:80]}'; perhaps it was deleted")
        return path


def facts_of(name: str, shown: str, take: Performance, created: float) -> TakeFacts:
    """Return the facts of a performance."""
    sound = take.sound
    audible = sound is not None and bool(len(sound.samples)) and float(np.abs(sound.samples).max()) > 1e-4
    text = take.meta.get("text", "") or " ".join(span.text for span in take.words.words)
    return TakeFacts(name, shown, round(take.duration_s, 3), created, audible, text[:2000])


def checked_name(name: str) -> str:
    """Return ``name`` on one line; raise `InputError` if it is empty or too long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 1 <= len(plain) <= 200:
        raise InputError(f"a name has 1 to 200 characters, got {len(plain)}; give it another")
    return plain


def _strongest(values: np.ndarray, points: int) -> list[float]:
    """Return the value farthest from zero in each of ``points`` spans of ``values``."""
    if not len(values):
        return [0.0] * points
    edges = np.linspace(0, len(values), points + 1)
    made = []
    for first, last in zip(edges[:-1].astype(int), np.ceil(edges[1:]).astype(int), strict=True):
        span = values[first : max(last, first + 1)]
        made.append(round(float(span[np.abs(span).argmax()]), 4))
    return made


def _from_zero(part: Performance) -> Performance:
    """Return ``part`` moved so that its first curve frame lies at clock zero."""
    by = part.face.start
    sound = part.sound and Sound(part.sound.samples, part.sound.sample_rate, part.sound.start - by)

    def moved(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        late = float(by / 16_000)
        return tuple(Span(s.text, max(s.start_s - late, 0.0), s.end_s - late) for s in spans)

    return replace(
        part,
        face=replace(part.face, start=Fraction(0)),
        sound=sound,
        words=Words(moved(part.words.words), moved(part.words.phones)),
        emotion=part.emotion and replace(part.emotion, start=part.emotion.start - by),
        heard=part.heard and replace(part.heard, start=part.heard.start - by),
        motion=part.motion and replace(part.motion, start=part.motion.start - by),
    )
