"""Turn what was synthesised and aligned so far into shards that training reads; run it at any time.

    python recipes/corpus/measure_offsets.py FOLDER
    python recipes/corpus/label.py FOLDER --data ../shared/data

Writes FOLDER/shards/<language>.npz and FOLDER/shards/warped.npz with paths below FOLDER/raw, and
FOLDER/shards/natural.npz with paths below --data; `rhapsode.train.teacher.corpus.read_shard` documents
the arrays.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from measure_offsets import HOP_S, RATE, events, level
from synthesise import done
from times import Span, spans

QUIET_DB = 40.0
"""What is that far below the peak is silence."""

PAUSE_S = 0.01
LATE_S = 0.15
"""A phone may outlast its duration frames by this, before a pause."""

SHORTEST_S = 0.03
FARTHEST_SNAP_S = 0.035
"""An event farther than this from its boundary is another one."""

LEAST_S = 0.01
MOST_COST = 3.4
"""Stretches whose warping fits worse were not what was said."""

GRID_HELD_OUT = 80
"""GRID sentences for testing; the same ones as `rhapsode.train.takes.held_out` names."""


def settled(phones: list[Span], y: np.ndarray) -> list[Span]:
    """End the phones before pauses where the sound ends; the duration frames only guess that."""
    loud = level(y)
    audible = loud > loud.max() - QUIET_DB
    found = []
    for one, two in zip(phones, [*phones[1:], None], strict=True):
        limit = two.start if two else len(y) / RATE
        if two is None or limit - one.end > PAUSE_S:
            first, last = round(one.start / HOP_S), round(min(one.end + LATE_S, limit) / HOP_S)
            heard = np.flatnonzero(audible[first:last])
            end = (first + heard[-1] + 1) * HOP_S if len(heard) else one.end
            one = one._replace(end=min(max(end, one.start + SHORTEST_S), limit))
        found.append(one)
    return found


def snapped(phones: list[Span], y: np.ndarray, usual: dict[str, float]) -> list[Span]:
    """Move the boundaries that can be heard to where they are heard; the frames are only 25 ms fine.

    Args:
        phones: of one utterance.
        y: (N,) its sound.
        usual: the median lag of each kind of event behind the phone's time; what differs from it is moved.

    """
    found = list(phones)
    for name, k, lag in events(y, phones, 0.0):
        move = lag - usual.get(name, 0.0)
        if name == "closure" or abs(move) > FARTHEST_SNAP_S:
            continue
        one, two = (k, k + 1) if name == "hiss off" else (k - 1, k)
        at = min(max(found[two].start + move, found[one].start + LEAST_S), found[two].end - LEAST_S)
        found[one], found[two] = found[one]._replace(end=at), found[two]._replace(start=at)
    return found


def synthetic(folder: Path) -> Iterator[dict]:
    offsets = json.loads((folder / "offsets.json").read_text())
    for entry in done(folder):
        path = f"{entry['language']}/{entry['id']}.flac"
        y, _ = soundfile.read(folder / "raw" / path)
        measured = offsets[entry["cell"]]
        usual = {name: median - measured["shift"] for name, (median, _) in measured["events"].items()}
        phones = spans(entry["symbols"], entry["frames"], measured["shift"])
        voice = "+".join(dict.fromkeys(entry["voices"]))
        yield {
            **{key: entry[key] for key in ("id", "language", "split", "seconds")},
            "path": path,
            "voice": voice,
            "text": " ".join(entry["lines"]),
            "phones": [phone for phone in settled(snapped(phones, y, usual), y) if phone.end > phone.start],
        }


def natural(folder: Path, data: Path) -> Iterator[dict]:
    entries = [
        json.loads(line) for line in (folder / "natural.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    grid = [Path(entry["path"]).stem for entry in entries if entry["corpus"] == "grid"]
    learned = set(sorted(grid, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[GRID_HELD_OUT:])
    for entry in entries:
        yield {
            "id": Path(entry["path"]).stem,
            "language": "en",
            "path": entry["path"],
            "split": "train" if Path(entry["path"]).stem in learned else "test",
            "voice": entry["speaker"],
            "text": entry["text"],
            "seconds": soundfile.info(data / entry["path"]).duration,
            "phones": [Span(*phone) for phone in entry["phones"]],
        }


def warped(folder: Path, data: Path) -> Iterator[dict]:
    """Yield the stretches of warped.jsonl, each cut out into a sound of its own."""
    for k, line in enumerate((folder / "warped.jsonl").read_text(encoding="utf-8").splitlines()):
        entry = json.loads(line)
        if entry["cost"] > MOST_COST:
            continue
        first, last = round(entry["begin"] * RATE), round(entry["end"] * RATE)
        y, _ = soundfile.read(data / entry["path"], start=first, stop=last)
        name = f"{Path(entry['path']).stem}_{k:04d}"
        path = folder / "raw" / "warped" / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, y, RATE, subtype="PCM_16")
        yield {
            **{key: entry[key] for key in ("language", "split", "text")},
            "id": name,
            "path": f"warped/{name}.flac",
            "voice": entry["speaker"],
            "seconds": len(y) / RATE,
            "phones": [Span(*phone) for phone in entry["phones"]],
        }


def write(path: Path, entries: list[dict]) -> None:
    phones = [phone for entry in entries for phone in entry["phones"]]
    columns = {
        key: np.asarray([entry[key] for entry in entries])
        for key in ("id", "path", "language", "split", "voice", "text", "seconds")
    }
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        path,
        **columns,
        count=np.asarray([len(entry["phones"]) for entry in entries]),
        phone=np.asarray([phone.phone for phone in phones]),
        span=np.asarray([phone[1:] for phone in phones], np.float32),
    )
    minutes = sum(entry["seconds"] for entry in entries) / 60
    print(f"{path.name}: {len(entries)} utterances, {minutes:.1f} min, {len(phones)} phones")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    by_language: dict[str, list[dict]] = {}
    for entry in synthetic(options.folder):
        by_language.setdefault(entry["language"], []).append(entry)
    for language, entries in sorted(by_language.items()):
        write(options.folder / "shards" / f"{language}.npz", entries)
    if (options.folder / "natural.jsonl").exists():
        write(options.folder / "shards" / "natural.npz", list(natural(options.folder, options.data)))
    if (options.folder / "warped.jsonl").exists():
        write(options.folder / "shards" / "warped.npz", list(warped(options.folder, options.data)))


if __name__ == "__main__":
    main()
