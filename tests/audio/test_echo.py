"""Its own voice does not interrupt it, and a person who speaks over it is heard."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.audio.echo import RATE, SURPLUS, EchoGate
from rhapsode.audio.resample import Resampler
from rhapsode.audio.vad import SileroVad
from rhapsode.errors import SettingError
from rhapsode.performance import Float32
from rhapsode.server.samples import find_sample
from rhapsode.sources import FileSource

CHUNK = 320
ZERO = 100.0
"""The loop's time at the beginning, seconds."""

START_WINDOWS = 5
"""So many windows of voice in a row are taken for speech (160 ms)."""


def recording(name: str) -> Float32:
    sound = [block for block, _ in FileSource(find_sample(name).path).blocks()]
    resampler = Resampler(sound[0].sample_rate, RATE)
    return np.concatenate([*(resampler.push(part.mono()) for part in sound), resampler.finish()])


def room(played: Float32, *, delay_ms: int, decay_s: float = 0.3, gain_db: float = -6.0) -> Float32:
    """Return how ``played`` is heard: a direct sound, a decaying tail as loud as half of it, noise."""
    random = np.random.default_rng(delay_ms)
    length = int(decay_s * RATE)
    path = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    path *= 0.5 / np.sqrt((path**2).sum())
    path[0] = 1.0
    size = 1 << int(np.ceil(np.log2(len(played) + length)))
    wet = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(path, size))[: len(played)]
    heard = np.zeros(len(played))
    late = delay_ms * RATE // 1000
    heard[late:] = wet[: len(played) - late] * 10 ** (gain_db / 20)
    return np.asarray(heard + 1e-3 * random.standard_normal(len(played)), np.float32)


def joined(out: Float32, y: Float32, came: int) -> Float32:
    """Return all that a gate gave: what is more than ``came`` in ``y`` stands for the end of ``out``."""
    surplus = len(y) - came
    assert surplus % SURPLUS == 0
    assert 0 <= surplus <= len(out)
    return np.concatenate([out[: len(out) - surplus], y])


def clean(
    played: Float32, heard: Float32, *, jitter_s: float = 0.0, before: EchoGate | None = None
) -> tuple[Float32, EchoGate]:
    """Run a gate that is told of what is played up to a second before it is due, at times that jitter."""
    gate, random, told = EchoGate(RATE), np.random.default_rng(1), 0
    if before is not None:
        gate.learn_from(before)
    out = np.zeros(0, np.float32)
    for first in range(0, len(heard), CHUNK):
        while told < min(first + RATE, len(played)):
            gate.played(played[told : told + 3200], ZERO + told / RATE + jitter_s * random.uniform(-1, 1))
            told += 3200
        chunk = heard[first : first + CHUNK]
        y = gate(chunk, ZERO + (first + len(chunk)) / RATE + jitter_s * random.uniform(0, 1))
        out = joined(out, y, len(chunk))
    return out, gate


def voiced(y: Float32) -> np.ndarray:
    return np.asarray(SileroVad().push(y) >= 0.5)


def starts(y: Float32) -> int:
    """Return how often speech begins, as the turns of a conversation have it."""
    flat = "".join("1" if window else "0" for window in voiced(y))
    return sum(len(run) >= START_WINDOWS for run in flat.split("0"))


def level(y: Float32) -> float:
    return float(10 * np.log10(np.mean(y**2) + 1e-12))


@pytest.fixture(scope="module")
def played() -> Float32:
    """Return 13 s of its own voice with pauses."""
    rest = np.zeros(RATE // 2, np.float32)
    return np.concatenate([rest, recording("welcome"), rest, recording("plums"), rest])


@pytest.fixture(scope="module")
def person() -> Float32:
    return recording("violins")[RATE // 2 : RATE * 5 // 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("delay_ms", "decay_s", "gain_db", "clips_at"),
    [(20, 0.2, -6.0, 1.0), (400, 0.5, -12.0, 1.0), (120, 0.4, 0.0, 0.3)],
)
def test_where_only_its_own_voice_is_heard_there_is_silence(
    played: Float32, delay_ms: int, decay_s: float, gain_db: float, clips_at: float
):
    heard = room(np.clip(played, -clips_at, clips_at), delay_ms=delay_ms, decay_s=decay_s, gain_db=gain_db)
    assert starts(heard) >= 3, "without the gate it would interrupt itself"
    out, gate = clean(played, heard, jitter_s=0.015)
    assert len(out) == len(heard)
    assert starts(out) == 0
    assert level(out[3 * RATE :]) < level(heard[3 * RATE :]) - 18
    assert gate.delay_s is not None
    assert abs(gate.delay_s + 0.032 - delay_ms / 1000) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("over_db", [0.0, -6.0])
def test_a_person_who_speaks_over_it_is_heard(played: Float32, person: Float32, over_db: float):
    heard = room(played, delay_ms=150)
    loud = person * 10 ** ((level(heard) - level(person) + over_db) / 20)
    for at in (3 * RATE, 9 * RATE):
        heard[at : at + len(loud)] += loud
    out, _ = clean(played, heard, jitter_s=0.015)
    for at in (3 * RATE, 9 * RATE):
        said = voiced(out[at : at + len(loud)])
        assert said.sum() * 512 / RATE >= 0.4, "that much voice interrupts"
    assert starts(np.concatenate([out[: 3 * RATE], out[6 * RATE : 9 * RATE]])) == 0


def test_without_its_own_voice_sound_passes_as_it_is(person: Float32):
    out, gate = clean(np.zeros(0, np.float32), person)
    lag = round(gate.lag_s * RATE)
    assert np.abs(out[lag:] - person[:-lag]).max() < 1e-5
    assert not np.any(out[: lag // 2])


def test_with_headphones_a_person_is_heard_while_it_speaks(played: Float32, person: Float32):
    heard = np.random.default_rng(2).normal(0, 1e-3, len(played)).astype(np.float32)
    heard[4 * RATE : 4 * RATE + len(person)] += person
    out, _ = clean(played, heard)
    lost = level(person) - level(out[4 * RATE + 512 : 4 * RATE + len(person)])
    assert abs(lost) < 3


@pytest.mark.parametrize("at_s", [0.3, 0.6])
def test_with_headphones_a_person_interrupts_within_the_first_second_of_the_first_answer(
    played: Float32, person: Float32, at_s: float
):
    heard = np.random.default_rng(2).normal(0, 1e-3, 5 * RATE).astype(np.float32)
    at = RATE // 2 + round(at_s * RATE)
    heard[at : at + len(person)] += person
    out, gate = clean(played, heard)
    assert np.abs(out[at + 512 :] - heard[at : len(out) - 512]).max() < 1e-4, "from the first sound on"
    assert gate.delay_s is None, "nothing was taken for an echo"


@pytest.mark.slow
def test_what_a_microphone_knew_of_the_echo_is_known_when_it_is_on_again(played: Float32, person: Float32):
    heard = room(played, delay_ms=150)
    _, before = clean(played, heard)
    at, last = round(0.65 * RATE), round(1.6 * RATE)
    heard[at : at + len(person)] += person
    fresh, _ = clean(played, heard[:last])
    out, _ = clean(played, heard[:last], before=before)
    assert voiced(out).sum() > voiced(fresh).sum() + 3, "0.15 s into the answer"
    alone, _ = clean(played, room(played, delay_ms=150), before=before)
    assert starts(alone) == 0
    moved, gate = clean(played, room(played, delay_ms=300), before=before)
    assert gate.delay_s is not None
    assert abs(gate.delay_s + 0.032 - 0.3) < 0.06
    assert starts(moved[2 * RATE :]) == 0


def test_what_is_taken_back_is_no_echo(played: Float32, person: Float32):
    """An interruption 2 s in: the rest of the answer is never heard, and the person is, at once."""
    gate = EchoGate(RATE)
    gate.played(played, ZERO)
    heard = room(played, delay_ms=100)
    heard[2 * RATE :] = 0
    out = np.zeros(0, np.float32)
    for first in range(0, 6 * RATE, CHUNK):
        if first == 2 * RATE:
            gate.silenced(ZERO + 2)
            heard[3 * RATE : 3 * RATE + len(person)] += person
        out = joined(out, gate(heard[first : first + CHUNK], ZERO + (first + CHUNK) / RATE), CHUNK)
    said = out[3 * RATE + 512 :][: len(person) - 512]
    assert np.abs(said - person[: len(said)]).max() < 1e-4


def test_the_same_comes_out_however_the_sound_is_cut(played: Float32):
    heard = room(played, delay_ms=60)[: 3 * RATE]
    made = []
    for size in (97, 1600):
        gate = EchoGate(RATE)
        gate.played(played, 0.0)
        out = np.zeros(0, np.float32)
        for k in range(0, len(heard), size):
            out = joined(out, gate(heard[k : k + size]), len(heard[k : k + size]))
        made.append(out)
    assert np.abs(made[0] - made[1]).max() < 1e-6


def test_other_rates_are_refused():
    with pytest.raises(SettingError, match="16000 Hz, got 48000"):
        EchoGate(48_000)
