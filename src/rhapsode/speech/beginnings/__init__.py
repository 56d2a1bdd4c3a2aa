"""How answers of the scripts that come with the product begin, spoken: a first run answers at once.

One file for a voice, ``NAME.npz``: ``about`` is JSON (format, voice, version of its weights, and for each
text the parts of its speech), ``sound0``, ``sound1``, ... are their samples as Ogg Vorbis.
``recipes/voices/beginnings.py`` makes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from rhapsode.performance import Float32, as_float32
from rhapsode.speech.manner import Manner
from rhapsode.speech.spoken_file import speech_of, told_of
from rhapsode.speech.voice import Speech, Voice

_log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
FORMAT = 1

_QUALITY = 0.45
"""Of Vorbis, 0 to 1: about 40 kbit/s for a voice at 24 kHz."""


class Beginnings:
    """What one voice says of itself at once.

    Args:
        file: of the voice; nothing is known where it is not there, or cannot be read.

    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self._about: Mapping[str, Any] = {}
        try:
            with np.load(file, allow_pickle=False) as held:
                about = json.loads(held["about"].tobytes())
            self._about = about if about["format"] == FORMAT else {}
        except FileNotFoundError:
            pass
        except Exception as error:  # a damaged installation still speaks
            _log.warning("the beginnings in '%s' cannot be read (%s); install the package again", file, error)

    def __len__(self) -> int:
        return len(self._about.get("texts", ()))

    def holds(self, voice: Voice, text: str, *, manner: Manner, seed: int = 0, language: str = "") -> bool:
        """Tell whether ``text`` is here, of the weights that ``voice`` has."""
        return self._parts(voice, text, manner, seed, language) is not None

    def find(
        self, voice: Voice, text: str, *, manner: Manner, seed: int = 0, language: str = ""
    ) -> list[Speech] | None:
        """Return ``text`` as ``voice`` speaks it; None where it is not here, or of other weights."""
        parts = self._parts(voice, text, manner, seed, language)
        if parts is None:
            return None
        with self._lock, np.load(self._file, allow_pickle=False) as held:
            sounds = [held[f"sound{one['sound']}"].tobytes() for one in parts]
        return [speech_of(one, _samples(sound)) for one, sound in zip(parts, sounds, strict=True)]

    def _parts(
        self, voice: Voice, text: str, manner: Manner, seed: int, language: str
    ) -> list[dict[str, Any]] | None:
        if self._about.get("version") != getattr(voice, "version", ""):
            return None
        parts: list[dict[str, Any]] | None = self._about["texts"].get(name_of(text, manner, seed, language))
        return parts


@cache
def beginnings_of(voice: str) -> Beginnings:
    """Return those of the voice with this name."""
    return Beginnings(file_of(voice))


def file_of(voice: str, folder: Path = FOLDER) -> Path:
    """Return the file of a voice: "kokoro:zf_xiaoxiao" is kokoro-zf_xiaoxiao.npz."""
    return folder / f"{voice.replace(':', '-')}.npz"


def name_of(text: str, manner: Manner, seed: int, language: str) -> str:
    """Return the name of a text within a file."""
    return hashlib.sha256(json.dumps([text, manner.key(), seed, language]).encode()).hexdigest()[:24]


def write_beginnings(voice: Voice, said: Mapping[str, Sequence[Speech]], folder: Path = FOLDER) -> Path:
    """Write what ``voice`` said, by `name_of`; return the file."""
    texts: dict[str, list[dict[str, Any]]] = {}
    sounds: dict[str, Any] = {}
    for name, parts in said.items():
        texts[name] = []
        for part in parts:
            told = {**told_of(part), "sound": len(sounds)}
            sounds[f"sound{len(sounds)}"] = np.frombuffer(_vorbis(part), np.uint8)
            texts[name].append(told)
    about = {"format": FORMAT, "voice": voice.name, "version": getattr(voice, "version", ""), "texts": texts}
    held = np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8)
    file = file_of(voice.name, folder)
    np.savez_compressed(file, about=held, **sounds)
    return file


def _samples(vorbis: bytes) -> Float32:
    return as_float32(soundfile.read(io.BytesIO(vorbis), dtype="float32", always_2d=True)[0])


def _vorbis(part: Speech) -> bytes:
    out = io.BytesIO()
    soundfile.write(
        out,
        part.sound.samples,
        part.sound.sample_rate,
        format="OGG",
        subtype="VORBIS",
        compression_level=1.0 - _QUALITY,
    )
    return out.getvalue()
