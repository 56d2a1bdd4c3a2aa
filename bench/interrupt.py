"""How soon and how whole a person is heard who speaks into an answer, with headphones and over a loudspeaker.

The first seconds of an answer that the microphone has not heard before are the hard ones: whether there is
an echo, and of what delay, must be found out while both speak. The answer is a recording that comes with
the product; the persons are readers of ../shared/data/speech/vctk and our Mandarin voice. The microphone
goes through the real gate and the real turn taking, 20 ms at a time; the answer ends when the turn is taken,
as it does in a conversation. Rooms are made up: a direct sound, a tail of 0.3 s, noise.

Words are held against what the same recogniser understands with nothing played, characters in Mandarin.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soundfile
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from bench.hear import SPEECH, characters, distance, words
from rhapsode.audio.echo import RATE, EchoGate
from rhapsode.audio.resample import resample
from rhapsode.audio.vad import SileroVad
from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import MicrophoneFrame, PauseFrame
from rhapsode.pipecat.turns import Told, TurnTaking
from rhapsode.server.samples import find_sample
from rhapsode.settings import Hear
from rhapsode.speech import load_voice, voice_for
from rhapsode.speech.recognition import PACKAGED, recogniser

READ = ("p225_003", "p226_008", "p227_011", "p225_016", "p226_016", "p227_008")
SPOKEN = ("请问门票多少钱一张？", "洗手间在哪里？", "你们星期天几点关门？")
ROOMS: dict[str, float | None] = {
    "headphones": None, "-20 dB": -20.0, "-10 dB": -10.0, "-3 dB": -3.0, "+6 dB": 6.0,
}  # fmt: skip
PATHS = ((0.02, 0.2), (0.1, 0.5), (0.15, 0.3), (0.3, 0.5), (0.4, 0.2))
"""Delay and decay of the rooms in which nobody speaks, seconds."""

TIMES_S = (0.2, 0.6, 1.0, 1.5, 2.5, 4.0)
"""How far into the answer the person begins."""

CHUNK, PERSON_S, AFTER_S = RATE // 50, 3.0, 1.2
PEAK = 0.4


@dataclass
class Person:
    """What somebody says.

    Args:
        language: BCP 47 tag.
        sound: (n,) at 16 kHz, from the first voice on.

    """

    language: str
    sound: Float32


@dataclass
class Heard:
    """What came of it.

    Args:
        after_s: from the first sound of the person to the end of the answer; None where it went on.
        began: how often somebody was taken to begin to speak.
        audio: all that was taken for speech, (n,) at 16 kHz.

    """

    after_s: float | None = None
    began: int = 0
    audio: list[Float32] = field(default_factory=list)


class Turns(TurnTaking):
    """The real one, outside a pipeline: what it hands on is noted."""

    def __init__(self, told: Told, heard: Heard) -> None:
        super().__init__(
            SileroVad(), _Never(), hear=lambda: Hear(turn="silence"), busy=lambda: "speaking", told=told
        )
        self._heard = heard

    async def listen(self, y: Float32, surplus: int, at: float) -> None:
        """Take sound that came in at ``at``."""
        audio = (np.clip(y, -1, 1) * 32767).astype(np.int16).tobytes()
        await self._listen(MicrophoneFrame(audio, RATE, 1, arrived=at, again=surplus))

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        """Keep what would be recognised."""
        if isinstance(frame, PauseFrame):
            self._heard.audio.append(
                np.frombuffer(frame.audio, np.int16).astype(np.float32) / np.float32(32768)
            )

    async def broadcast_frame(self, frame_cls: type[Frame], **kwargs: Any) -> None:
        """Tell nobody."""

    async def broadcast_interruption(self) -> None:
        """Tell nobody."""


class _Never:
    async def complete(self, audio: bytes) -> bool:
        return False


def persons() -> list[Person]:
    """Return who speaks; the readers only where the recordings are there."""
    found = []
    for name in READ if SPEECH.is_dir() else ():
        y, rate = soundfile.read(SPEECH / "vctk" / f"{name}.flac", dtype="float32")
        found.append(Person("en", _trimmed(resample(y, rate, RATE, "VHQ"))))
    try:
        for text in SPOKEN:
            sound = load_voice(voice_for("zh")).speak(text, language="zh").sound
            found.append(Person("zh", _trimmed(resample(sound.mono(), sound.sample_rate, RATE, "VHQ"))))
    except RhapsodeError as error:
        print(f"  nobody speaks Mandarin: {error}", file=sys.stderr)
    return found


def _trimmed(y: Float32) -> Float32:
    first = int(np.argmax(np.abs(y) > 0.05 * np.abs(y).max()))
    y = y[first : first + round(PERSON_S * RATE)]
    return np.asarray(PEAK * y / np.abs(y).max(), np.float32)


def answer(names: tuple[str, ...]) -> Float32:
    """Return 13 s of speech, half a second of silence before it."""
    rest = np.zeros(RATE // 2, np.float32)
    parts = [soundfile.read(find_sample(name).path, dtype="float32") for name in names]
    y = np.concatenate(
        [rest, *(resample(y if y.ndim == 1 else y.mean(1), rate, RATE, "VHQ") for y, rate in parts)]
    )
    return np.asarray(PEAK * y / np.abs(y).max(), np.float32)


def echo(played: Float32, gain_db: float | None, delay_s: float, decay_s: float) -> Float32:
    """Return how ``played`` is heard: a direct sound, a decaying tail as loud as half of it, noise."""
    random = np.random.default_rng(7)
    noise = 1e-3 * random.standard_normal(len(played))
    if gain_db is None:
        return np.asarray(noise, np.float32)
    length, late = round(decay_s * RATE), round(delay_s * RATE)
    path = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    path *= 0.5 / np.sqrt((path**2).sum())
    path[0] = 1.0
    size = 1 << (len(played) + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(path, size))[: len(played)]
    noise[late:] += wet[: len(played) - late] * 10 ** (gain_db / 20)
    return np.asarray(noise, np.float32)


async def interrupt(
    played: Float32,
    gain_db: float | None,
    person: Person | None,
    at_s: float,
    path: tuple[float, float] = (0.15, 0.3),
) -> Heard:
    """Let ``person`` speak ``at_s`` into the answer; with nobody, return what is taken for somebody."""
    heard, gate, now, told = Heard(), EchoGate(RATE), 0, 0
    begin = round(at_s * RATE) + int(np.argmax(np.abs(played) > 0.01))
    length = len(played) if person is None else begin + len(person.sound) + round(AFTER_S * RATE)
    room = echo(played, gain_db, *path)
    voice = np.zeros(length, np.float32)
    if person is not None:
        voice[begin : begin + len(person.sound)] = person.sound

    def taken() -> None:
        nonlocal played, room
        if heard.after_s is None:
            heard.after_s = (now - begin) / RATE
            gate.silenced(now / RATE)
            played = np.where(np.arange(len(played)) < now, played, np.float32(0))
            room = echo(played, gain_db, *path)

    def started(at: float) -> None:
        heard.began += 1

    turns = Turns(Told(started=started, taken=taken), heard)
    while now < length:
        while told < min(now + RATE, len(played)) and heard.after_s is None:
            gate.played(played[told : told + 3200], told / RATE)
            told += 3200
        first, now = now, min(now + CHUNK, length)
        y = gate(room[first:now] + voice[first:now], now / RATE)
        await turns.listen(y, len(y) - (now - first), now / RATE)
    return heard


def measure() -> dict[str, Any]:
    """Return, for every room, how soon the answer ended and how much of the words was lost."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    played, turned, model = (
        answer(("welcome", "plums")),
        answer(("plums", "welcome")),
        recogniser(PACKAGED[0]),
    )

    def understood(heard: Heard, language: str) -> list[str]:
        texts = [model.transcribe(y, language=language).text for y in heard.audio[-1:]]
        return [token for text in texts for token in (characters if language == "zh" else words)(text)]

    people = persons()
    alone = [understood(await interrupt(np.zeros_like(played), None, p, 1.0), p.language) for p in people]
    table: dict[str, Any] = {}
    for room, gain_db in ROOMS.items():
        print(f"  {room}, nobody speaks", file=sys.stderr)
        nobody = [await interrupt(y, gain_db, None, 0.0, path) for y in (played, turned) for path in PATHS]
        rows: dict[str, Any] = {"false_starts": f"{sum(h.began for h in nobody)} in {len(nobody)}"}
        for at_s in TIMES_S:
            print(f"  {room}, {at_s} s into the answer", file=sys.stderr)
            heard = [await interrupt(played, gain_db, p, at_s) for p in people]
            lost = [
                min(distance(right, understood(h, p.language)) / len(right), 1.0)
                for p, h, right in zip(people, heard, alone, strict=True)
            ]
            after = [h.after_s for h in heard if h.after_s is not None]
            rows[f"{at_s} s"] = {
                "heard": f"{len(after)} of {len(people)}",
                "after_p50_s": round(float(np.median(after)), 2) if after else None,
                "after_most_s": round(max(after), 2) if after else None,
                "words_lost_percent": round(100 * float(np.mean(lost)), 1),
                "whole": f"{sum(share == 0 for share in lost)} of {len(people)}",
            }
        table[room] = rows
    return {"persons": len(people), "rooms": table}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
