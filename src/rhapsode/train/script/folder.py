"""The data folder that a recording fills and that training reads: one WAV a take, and ``takes.json``.

Curves join a take by its name: ``en-word-003-normal.wav`` and ``en-word-003-normal.csv``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import soundfile
from pydantic import BaseModel, ConfigDict, ValidationError

from rhapsode.errors import FormatError
from rhapsode.train.script.checks import Check
from rhapsode.train.script.prompts import Item
from rhapsode.train.script.recorder import SoundClip
from rhapsode.train.script.writing import write_text

MANIFEST = "takes.json"
SYNC = "sync"
"""The folder of the claps, beside the takes: training does not read it."""

_FACES = (".npz", ".csv", ".json")
_LENGTH_TOLERANCE_S = 0.01


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clap(_Row):
    """A clap that a sitting begins or ends with: its file, and its time on the sitting's clock."""

    where: Literal["start", "end"]
    file: str
    time_s: float


class Sitting(_Row):
    """A time in front of the microphone: everything in it shares one clock.

    Args:
        number: from 1.
        started_at: UTC, ISO 8601; second 0 of its clock, as near as the computer knows.
        device: the name of the microphone, or the source of the files.
        claps: none if they were left out.

    """

    number: int
    started_at: str
    device: str
    claps: tuple[Clap, ...] = ()


class Take(_Row):
    """A take that is kept.

    Args:
        id: of the item: prompt and manner.
        file: its WAV.
        prompt: id of the prompt.
        language: `en` or `zh`.
        kind: isolated, word or sentence.
        manner: normal or exaggerated.
        text: what was read.
        says: its sounds, see `rhapsode.train.script.prompts.Prompt`.
        phones: the same, one by one.
        sitting: number of its `Sitting`.
        start_s: its first sample on the sitting's clock; None where the file came from elsewhere.
        duration_s: seconds.
        sample_rate: Hz.
        recorded_at: UTC, ISO 8601.
        level_dbfs: RMS of the speech.
        peak_dbfs: the largest sample.
        noise_dbfs: RMS of the quietest tenth.
        clipped: samples at full scale, in runs.
        warnings: codes of the problems it was kept with.

    """

    id: str
    file: str
    prompt: str
    language: str
    kind: str
    manner: str
    text: str
    says: str
    phones: tuple[str, ...]
    sitting: int
    start_s: float | None
    duration_s: float
    sample_rate: int
    recorded_at: str
    level_dbfs: float
    peak_dbfs: float
    noise_dbfs: float
    clipped: int
    warnings: tuple[str, ...] = ()


class Manifest(_Row):
    """The document in ``takes.json``."""

    format: Literal["rhapsode-takes"] = "rhapsode-takes"
    version: Literal[1] = 1
    sittings: tuple[Sitting, ...] = ()
    takes: tuple[Take, ...] = ()


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class TakeFolder:
    """A data folder, read and ready to take more; it is made on the first write.

    Args:
        path: the folder; what ``takes.json`` in it names is kept.

    Attributes:
        takes: by id, those whose WAV is there and is as long as it should be.
        damaged: ids in the manifest whose WAV is missing or of another length; they count as not recorded.

    Raises:
        FormatError: the path is a file, or the manifest cannot be read.

    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise FormatError(f"'{path}' is a file, expected a folder for the takes; name another")
        manifest = read_manifest(self.path / MANIFEST) if (self.path / MANIFEST).exists() else Manifest()
        self.sittings = list(manifest.sittings)
        self.takes = {take.id: take for take in manifest.takes if self._is_whole(take)}
        self.damaged = tuple(take.id for take in manifest.takes if take.id not in self.takes)

    def missing(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return those of ``items`` that are not recorded yet."""
        return tuple(item for item in items if item.id not in self.takes)

    def sit_down(self, device: str, started_at: str | None = None) -> int:
        """Add a sitting and return its number."""
        number = max((one.number for one in self.sittings), default=0) + 1
        self.sittings.append(Sitting(number=number, started_at=started_at or now(), device=device))
        return number

    def keep(
        self, item: Item, clip: SoundClip, checked: Check, sitting: int, *, on_clock: bool = True
    ) -> Take:
        """Write a take and the manifest; a take of the same id is replaced.

        Curves that stood beside the replaced take do not fit the new one: they become hidden files
        (``.en-word-003-normal.npz.old``), which training does not read.

        Args:
            item: what was said.
            clip: its sound.
            checked: what `rhapsode.train.script.checks.check` says of it.
            sitting: number of the sitting.
            on_clock: whether ``clip.start`` counts on the sitting's clock.

        Raises:
            FormatError: the folder refuses the files; the manifest then is as it was.

        """
        self._make()
        take = Take(
            id=item.id,
            file=f"{item.id}.wav",
            prompt=item.prompt.id,
            language=item.prompt.language,
            kind=item.prompt.kind,
            manner=item.manner,
            text=item.prompt.text,
            says=item.prompt.says,
            phones=item.prompt.phones,
            sitting=sitting,
            start_s=round(clip.start_s, 6) if on_clock else None,
            duration_s=round(clip.duration_s, 6),
            sample_rate=clip.sample_rate,
            recorded_at=now(),
            level_dbfs=round(checked.level_dbfs, 1),
            peak_dbfs=round(checked.peak_dbfs, 1),
            noise_dbfs=round(checked.noise_dbfs, 1),
            clipped=checked.clipped,
            warnings=tuple(problem.code for problem in checked.problems),
        )
        self._hide_face(take.id)
        clip.write(self.path / take.file)
        self.takes[take.id] = take
        self.save()
        return take

    def clap(self, sitting: int, where: Literal["start", "end"], clip: SoundClip, time_s: float) -> None:
        """Write the clap that a sitting begins or ends with."""
        self._make()
        (self.path / SYNC).mkdir(exist_ok=True)
        file = f"{SYNC}/{sitting:02d}-{where}.wav"
        clip.write(self.path / file)
        clap = Clap(where=where, file=file, time_s=round(time_s, 4))
        self.sittings = [
            one.model_copy(update={"claps": (*one.claps, clap)}) if one.number == sitting else one
            for one in self.sittings
        ]
        self.save()

    def save(self) -> None:
        """Write the manifest, whole or not at all."""
        used = {take.sitting for take in self.takes.values()}
        sittings = tuple(one for one in self.sittings if one.number in used or one.claps)
        document = Manifest(sittings=sittings, takes=tuple(self.takes.values()))
        write_text(self.path / MANIFEST, document.model_dump_json(indent=1) + "\n")

    def _hide_face(self, name: str) -> None:
        for ending in _FACES:
            face = self.path / f"{name}{ending}"
            if face.exists():
                face.replace(face.with_name(f".{face.name}.old"))

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FormatError(
                f"cannot make folder '{self.path}': {error.strerror or error}; name another"
            ) from error

    def _is_whole(self, take: Take) -> bool:
        try:
            found = soundfile.info(self.path / take.file)
        except (OSError, soundfile.SoundFileError):
            return False
        return bool(abs(found.frames / found.samplerate - take.duration_s) < _LENGTH_TOLERANCE_S)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in ``path``.

    Raises:
        FormatError: it cannot be read, or is no manifest of takes.

    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FormatError(f"'{path}' cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise FormatError(
            f"'{path}' is no manifest of takes: {where}: {first['msg'].lower()}; "
            "expected what `rhapsode train script` writes; restore it or name another folder"
        ) from error
