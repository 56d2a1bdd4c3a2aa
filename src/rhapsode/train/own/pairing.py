"""Which sound belongs to which curves: by name, or by the folder that they share."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rhapsode.errors import InputError
from rhapsode.train.own.readers import CURVE_ENDINGS

SOUND_ENDINGS = (
    *(".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff"),
    *(".mp4", ".mov", ".mkv", ".webm"),
)
NOT_CURVES = ("takes.json", "package.json", "BS_take.json")
"""Files with a fitting ending that hold something else: lists of takes, and what Maya says of one."""

CLAPS = "sync"
"""Folder of the recording guide that holds claps, no takes."""

_MAYA = re.compile(r"bs_?(value|name)s?", re.IGNORECASE)
_LIVE_LINK = re.compile(r"_(cal|raw)$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A take as files.

    Args:
        name: of the take, unique.
        sound: its file; the curves' own where that holds the sound.
        curves: its file.
        names: of Maya's arrays, the file with the channels' names.

    """

    name: str
    sound: Path
    curves: Path
    names: Path | None = None


@dataclass(frozen=True)
class Pairing:
    """What was found in a data folder.

    Args:
        pairs: by name.
        left: files that belong to no pair, each with the reason.

    """

    pairs: tuple[Pair, ...]
    left: tuple[tuple[Path, str], ...]


def pair(folder: Path) -> Pairing:
    """Pair the files of a data folder and of the folders in it.

    A sound goes with the curves of the same name, in its own folder first; a folder that holds one sound
    and one file of curves is a take whatever they are called. Names of Maya's channels (``BS_name.npy``)
    count for their folder and those inside it.

    Raises:
        InputError: there is no such folder, or it holds no pair; the message says what it does hold.

    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"'{folder}' {found}, expected a folder of sounds and curves; check the path")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    files = [path for path in files if not _is_clap(path)]
    sounds = [path for path in files if path.suffix.lower() in SOUND_ENDINGS]
    name_files = [path for path in files if _maya(path) == "name"]
    curves = [path for path in files if _holds_curves(path)]
    made, left = _match(sounds, curves, name_files, folder)
    if not made:
        why = "; ".join(f"{path.name}: {reason}" for path, reason in left[:2])
        raise InputError(
            f"'{folder}' holds {len(sounds)} sounds and {len(curves)} files of curves, but no pair of them"
            f"{f' ({why})' if why else ''}; put take.wav beside take.csv, take.json or take.npz, "
            "or each BS_value.npy into a folder with its sound"
        )
    return Pairing(tuple(made), tuple(left))


def _match(
    sounds: list[Path], curves: list[Path], names: list[Path], root: Path
) -> tuple[list[Pair], list[tuple[Path, str]]]:
    made: dict[str, Pair] = {}
    left: list[tuple[Path, str]] = []
    open_sounds = list(sounds)

    def add(path: Path, sound: Path) -> None:
        title = path.relative_to(root).with_suffix("").as_posix().replace("/", "-")
        short = _key(path) or path.parent.name
        name = short if short not in made else title
        named = _names_for(path, names, root) if _maya(path) == "value" else None
        if _maya(path) == "value" and named is None:
            left.append((path, "no BS_name.npy in its folder or above it: nobody says what its columns are"))
            return
        taken = next((pair.curves for pair in made.values() if pair.sound == sound), None)
        if taken is not None:
            left.append((path, f"its sound already has curves, {_short(taken)}"))
            return
        made[name] = Pair(name, sound, path, named)
        if sound in open_sounds:
            open_sounds.remove(sound)

    by_key: dict[str, list[Path]] = defaultdict(list)
    for sound in sounds:
        by_key[_key(sound)].append(sound)
    siblings: dict[Path, list[Path]] = defaultdict(list)
    for path in curves:
        siblings[path.parent].append(path)
    # Live Link's calibrated file comes before the raw one of the same take.
    for path in sorted(curves, key=lambda path: path.stem.lower().endswith("_raw")):
        same = by_key[_key(path)] if _key(path) else []
        near = [sound for sound in same if sound.parent == path.parent]
        here = [sound for sound in sounds if sound.parent == path.parent]
        if len(near) == 1 or len(same) == 1:
            add(path, (near or same)[0])
        elif len(same) > 1:
            left.append((path, f"{len(same)} sounds have its name: {', '.join(map(_short, same[:3]))}"))
        elif len(here) == 1 and len(siblings[path.parent]) == 1:
            add(path, here[0])
        elif path.suffix.lower() == ".npz":
            add(path, path)
        else:
            left.append((path, f"no sound is called '{_key(path) or path.parent.name}'"))
    left += [(sound, f"no curves are called '{_key(sound)}'") for sound in open_sounds]
    return sorted(made.values(), key=lambda pair: pair.name), left


def _holds_curves(path: Path) -> bool:
    if _maya(path):
        return _maya(path) == "value"
    if path.name in NOT_CURVES or path.stem.lower().endswith("_neutral"):
        return False
    return path.suffix.lower() in CURVE_ENDINGS


def _maya(path: Path) -> str | None:
    """Return "value" or "name" for one of Maya's arrays, else None."""
    found = _MAYA.search(path.stem) if path.suffix.lower() == ".npy" else None
    return found[1].lower() if found else None


def _key(path: Path) -> str:
    """Return what a file has in common with its partner: its stem, less what only marks its kind."""
    stem = path.stem
    if _maya(path):
        stem = _MAYA.sub("", stem)
    elif path.suffix.lower() == ".csv":
        stem = _LIVE_LINK.sub("", stem)
    return stem.strip("_- .").lower()


def _names_for(path: Path, names: list[Path], root: Path) -> Path | None:
    """Return the nearest file of names: of the same take, of the same folder, of a folder above."""
    for folder in [path.parent, *path.parent.parents]:
        here = [name for name in names if name.parent == folder]
        own = [name for name in here if _key(name) == _key(path)]
        if own or here:
            return (own or here)[0]
        if folder == root:
            return None
    return None


def _is_clap(path: Path) -> bool:
    return path.parent.name == CLAPS and (path.parent.parent / NOT_CURVES[0]).is_file()


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
