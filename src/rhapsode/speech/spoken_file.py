"""Spoken texts as files of the user's cache: sound, times of words and phones, notes."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.performance import Float32, Sound, Span, Words
from rhapsode.speech.cache import cache_folder, cached_bytes
from rhapsode.speech.voice import Speech

_FOLDER = "spoken"


def spoken_file(key: str) -> Path:
    """Return where the text is kept that has the name ``key``."""
    return cache_folder() / _FOLDER / f"{key}.npz"


def keep_spoken(key: str, parts: list[Speech], most: int) -> None:
    """Keep a spoken text; the files that were not used for longest go until all take ``most`` bytes."""
    data = _packed(parts)
    if len(data) <= most:
        cached_bytes(f"{_FOLDER}/{key}.npz", lambda: data)
        _trim(most)


def _packed(parts: list[Speech]) -> bytes:
    sounds: dict[str, Any] = {
        f"sound{k}": np.round(part.sound.samples * 32767).astype(np.int16) for k, part in enumerate(parts)
    }
    told = json.dumps([told_of(part) for part in parts])
    out = io.BytesIO()
    np.savez_compressed(out, about=np.frombuffer(told.encode(), np.uint8), **sounds)
    return out.getvalue()


def read_spoken(file: Path) -> list[Speech] | None:
    """Return what a file holds; None, and no file, if it is not there or not whole."""
    try:
        with np.load(file, allow_pickle=False) as held:
            told = json.loads(held["about"].tobytes())
            scale = np.float32(1 / 32767)
            parts = [
                speech_of(one, held[f"sound{k}"].astype(np.float32) * scale) for k, one in enumerate(told)
            ]
        os.utime(file)
    except FileNotFoundError:
        return None
    except Exception:  # anything may be wrong with a damaged file
        file.unlink(missing_ok=True)
        return None
    return parts


def told_of(part: Speech) -> dict[str, Any]:
    """Return everything of ``part`` but its samples, as plain data."""
    return {
        "rate": part.sound.sample_rate,
        "start": [part.sound.start.numerator, part.sound.start.denominator],
        "words": [[w.text, w.start_s, w.end_s] for w in part.words.words],
        "phones": [[p.text, p.start_s, p.end_s] for p in part.words.phones],
        "marks": [[m.text, m.start_s, m.end_s] for m in part.marks],
        "notes": part.notes,
    }


def speech_of(told: Mapping[str, Any], samples: Float32) -> Speech:
    """Return the speech of which `told_of` told, with its ``samples``, (n, 1)."""

    def spans(name: str) -> tuple[Span, ...]:
        return tuple(Span(str(text), float(start), float(end)) for text, start, end in told[name])

    sound = Sound(samples, int(told["rate"]), Fraction(*told["start"]))
    return Speech(sound, Words(spans("words"), spans("phones")), tuple(told["notes"]), spans("marks"))


def _trim(most: int) -> None:
    """Delete the files that were not used for longest until the folder fits."""
    try:
        files = [(file.stat(), file) for file in (cache_folder() / _FOLDER).glob("*.npz")]
    except OSError:
        return
    used = sum(stat.st_size for stat, _ in files)
    for stat, file in sorted(files, key=lambda one: one[0].st_mtime):
        if used <= most:
            return
        file.unlink(missing_ok=True)
        used -= stat.st_size
