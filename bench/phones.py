"""What known phones are worth: contacts and rounding of the product's own voices, by ear and with phones.

``python -m bench.phones`` speaks sentences that no training heard and prints one JSON document. The phones
that the mouth is told are those that it is judged by: the numbers say how much of them reaches the face.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import soxr

from rhapsode.errors import RhapsodeError
from rhapsode.evaluate.articulation import articulation
from rhapsode.evaluate.material import LINES
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CLOCK_HZ, Float32, Span, Words, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.speech import load_voice
from rhapsode.train.teacher import TimedPhone, parse

MANDARIN = (
    "妈妈买了白色的皮包，放在门旁边。",
    "朋友们明天八点半跑步去博物馆。",
    "飞机票非常便宜，我们不必排队买票。",
    "小明和爸爸在外面吃面包，喝牛奶。",
    "请把报名表放在我的桌子上面。",
    "北方的冬天比南方冷，风也比较大。",
)
"""Spoken by Kokoro where it is installed; no training heard them either."""

SETS = {
    "en": ("hibari", LINES),
    "en kokoro": ("kokoro:af_heart", LINES),
    "zh": ("kokoro:zf_xiaoxiao", MANDARIN),
}
"""Voice and lines by name."""

KEPT = (
    *("bilabials", "closed", "vowels", "vowels_closed", "precision", "apex_error_ms", "bitten"),
    *("vowels_bitten", "rounded", "spread", "pause_jaw", "gap_correlation"),
)
AROUND_S = 0.5


@dataclass(frozen=True, eq=False)
class Line:
    """A sentence as spoken, with its phones."""

    y: Float32
    phones: tuple[TimedPhone, ...]

    def sound(self) -> Float32:
        """Return (N,) at 16 kHz."""
        return self.y


def spoken(voice: str, lines: Sequence[str]) -> list[Line]:
    """Return ``lines`` as ``voice`` speaks them, with silence around."""
    speaker, around = load_voice(voice), np.zeros(round(AROUND_S * CLOCK_HZ), np.float32)
    made = []
    for line in lines:
        speech = speaker.speak(line)
        y = as_float32(soxr.resample(speech.sound.mono(), speech.sound.sample_rate, CLOCK_HZ))
        phones = [TimedPhone(p.text, p.start_s + AROUND_S, p.end_s + AROUND_S) for p in speech.words.phones]
        made.append(Line(np.concatenate([around, y, around]), tuple(filter(_judged, phones))))
    return made


def _judged(phone: TimedPhone) -> bool:
    try:
        return bool(parse(phone.phone))
    except (RhapsodeError, KeyError, ValueError):
        return False


def worth(lines: Sequence[Line], weights: str, *, told: bool) -> dict[str, float]:
    """Return the measures of ``lines``; with ``told`` the face knows their phones."""
    waiting = iter(lines)

    def face(y: Float32) -> Float32:
        line = next(waiting)
        stream = FaceStream(CLOCK_HZ, direction=Direction(weights=weights, life=Life.off()))
        if told:
            phones = tuple(Span(p.phone, p.start, p.end) for p in line.phones)
            stream.words(Words((), phones), begin_s=0.0, end_s=len(y) / CLOCK_HZ)
        parts = [stream.push(y), stream.finish()]
        return np.concatenate([part.values[:, : len(ARKIT)] for part in parts])

    found = articulation(lines, face)
    return {name: round(found[name], 4) for name in KEPT}


def main() -> None:
    """Measure and print."""
    document: dict[str, Any] = {}
    for name, (voice, lines) in SETS.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            heard = spoken(voice, lines)
        except (RhapsodeError, ImportError) as error:
            document[name] = {"error": str(error)}
            continue
        measure = partial(worth, heard)
        document[name] = {
            weights: {"by ear": measure(weights, told=False), "with phones": measure(weights, told=True)}
            for weights in ("live", "studio")
        }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
