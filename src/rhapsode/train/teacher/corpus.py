"""Utterances with phone times, as recipes/corpus writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.performance import Float32
from rhapsode.train.takes import read_sound
from rhapsode.train.teacher.blend import TimedPhone


@dataclass(frozen=True)
class Utterance:
    """One recording or synthesis.

    Args:
        name: unique within its shard.
        path: the sound, 16 kHz flac.
        language: two letters.
        voice: the speaker; "one+two" is a mixture of two synthetic voices.
        split: "train" or "test"; voices of the test split occur in no training utterance.
        text: as written.
        seconds: length of the sound.
        phones: in order of time; what lies between them is silence.

    """

    name: str
    path: Path
    language: str
    voice: str
    split: str
    text: str
    seconds: float
    phones: tuple[TimedPhone, ...]

    def sound(self) -> Float32:
        """Return the (N,) sound at 16 kHz."""
        return read_sound(self.path)


def read_shard(shard: Path, sounds: Path) -> list[Utterance]:
    """Return the utterances of a shard.

    Args:
        shard: npz with one row per utterance in id, path, language, split, voice, text, seconds, count,
            and one row per phone, utterance after utterance, in phone (IPA) and span (start, end, stress).
        sounds: the folder that the paths start from.

    """
    table = np.load(shard)
    ends = np.cumsum(table["count"])
    names, spans = table["phone"].tolist(), table["span"].tolist()
    rows = zip(
        *(table[key].tolist() for key in ("id", "path", "language", "voice", "split", "text", "seconds")),
        (ends - table["count"]).tolist(),
        ends.tolist(),
        strict=True,
    )
    return [
        Utterance(
            name,
            sounds / path,
            language,
            voice,
            split,
            text,
            seconds,
            tuple(TimedPhone(names[k], *spans[k]) for k in range(first, last)),
        )
        for name, path, language, voice, split, text, seconds, first, last in rows
    ]
