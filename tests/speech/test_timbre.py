"""Another voice is taken on: pitch, formants and colour come near to the reference; times and words stay."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rhapsode.audio.resample import Resampler, resample
from rhapsode.cli import app
from rhapsode.conversation.converting import Converting
from rhapsode.errors import FormatError, MissingExtraError, SettingError, SpeechError
from rhapsode.performance import Float32, Sound, Span, Words
from rhapsode.server.samples import find_sample
from rhapsode.sources import FileSource
from rhapsode.speech import world
from rhapsode.speech.conversion import make_converter
from rhapsode.speech.timbre import Timbre, formant_warp
from rhapsode.speech.voice import Speech, Voice
from rhapsode.speech.world import RATE, Profile, in_band, measure

pytestmark = pytest.mark.skipif(find_spec("pyworld") is None, reason="needs the extra 'timbre'")

LOWER = 0.85
"""The reference is a voice whose pitch and formants lie at this part of the speaker's."""


def recording(name: str) -> Float32:
    sound = [block for block, _ in FileSource(find_sample(name).path).blocks()]
    resampler = Resampler(sound[0].sample_rate, RATE)
    return np.concatenate([*(resampler.push(part.mono()) for part in sound), resampler.finish()])


@pytest.fixture(scope="module")
def spoken() -> Float32:
    return np.concatenate([recording("welcome"), recording("moon")])


@pytest.fixture(scope="module")
def own(spoken: Float32) -> Profile:
    return measure(spoken)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a darker, lower voice: another text, played slower, without its heights."""
    y = np.concatenate([recording("plums"), recording("violins")])
    low = resample(y, round(RATE * LOWER), RATE)
    dark = low + 0.7 * np.concatenate([[0], low[:-1]]).astype(np.float32)
    path = tmp_path_factory.mktemp("voice") / "reference.wav"
    soundfile.write(path, dark / np.abs(dark).max() * 0.8, RATE)
    return path


@pytest.fixture(scope="module")
def timbre(reference: Path) -> Timbre:
    return Timbre.from_file(reference)


def speech(y: Float32, rate: int = RATE) -> Speech:
    words = Words((Span("welcome", 0.2, 0.8),), (Span("w", 0.2, 0.3),))
    return Speech(Sound(y[:, None], rate, Fraction(320)), words, ("a note",))


def apart(one: Profile, other: Profile) -> float:
    band = in_band(len(one.voiced))
    difference = np.convolve(one.voiced[band] - other.voiced[band], np.ones(15) / 15, "valid")
    return float(np.sqrt(np.mean(difference**2)) * 10 / np.log(10))


@pytest.mark.slow
def test_it_comes_near_to_the_reference(spoken: Float32, own: Profile, timbre: Timbre):
    made = measure(timbre.convert(speech(spoken), own).sound.mono())
    aim = timbre.profile
    assert aim.pitch < own.pitch - 0.1, "the reference is lower"
    assert made.pitch == pytest.approx(aim.pitch, abs=0.04)
    assert apart(own, aim) > 3
    assert apart(made, aim) < 0.5 * apart(own, aim)


def test_formants_are_found_again(own: Profile, spoken: Float32):
    low = measure(resample(spoken, round(RATE * LOWER), RATE))
    assert formant_warp(own.voiced, low.voiced) == pytest.approx(LOWER, abs=0.05)
    assert formant_warp(own.voiced, own.voiced) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_samples_words_and_times_stay(spoken: Float32, own: Profile, timbre: Timbre, rate: int):
    said = speech(resample(spoken[: 3 * RATE], RATE, rate), rate)
    made = timbre.convert(said, own)
    assert made.sound.samples.shape == said.sound.samples.shape
    assert made.sound.samples.dtype == np.float32
    assert (made.sound.sample_rate, made.sound.start) == (rate, Fraction(320))
    assert (made.words, made.notes) == (said.words, said.notes)
    steps = [
        np.square(s.sound.mono()[: len(said.sound.samples) // 240 * 240]).reshape(-1, 240)
        for s in (said, made)
    ]
    loud = [10 * np.log10(step.mean(axis=1) + 1e-6) for step in steps]
    assert np.corrcoef(loud[0], loud[1])[0, 1] > 0.8, "it is loud when the voice is"


def test_it_neither_clips_nor_begins_or_ends_with_a_click(spoken: Float32, own: Profile, timbre: Timbre):
    cut = np.clip(spoken[RATE : 3 * RATE] * 3, -1, 1)
    y = timbre.convert(speech(cut), own).sound.mono()
    assert np.abs(y).max() < 1
    assert abs(y[0]) < 1e-3
    assert abs(y[-1]) < 1e-3


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3])
def test_silence_stays_silent(seconds: float, own: Profile, timbre: Timbre):
    said = speech(np.zeros(round(seconds * RATE), np.float32))
    made = timbre.convert(said, own).sound.samples
    assert made.shape == said.sound.samples.shape
    assert np.abs(made).max(initial=0) < 1e-3


def test_it_is_kept_in_a_file(timbre: Timbre, tmp_path: Path):
    again = Timbre.from_file(timbre.save(tmp_path / "anna.timbre.npz"))
    assert again.name == "reference"
    assert again.checksum == timbre.checksum
    assert len(again.checksum) == 64
    assert np.array_equal(again.profile.voiced, timbre.profile.voiced)
    assert again.profile.pitch == timbre.profile.pitch
    with pytest.raises(FormatError, match=r"got 'anna\.wav'"):
        timbre.save(tmp_path / "anna.wav")
    assert [file.name for file in tmp_path.iterdir()] == ["anna.timbre.npz"]


def test_what_is_no_voice_is_refused(tmp_path: Path):
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.1, 5 * RATE), RATE)
    with pytest.raises(SpeechError, match="4 s of voiced speech at the least"):
        Timbre.from_file(noise)
    (tmp_path / "broken.npz").write_bytes(b"PK no")
    with pytest.raises(FormatError, match="no timbre of this version"):
        Timbre.from_file(tmp_path / "broken.npz")
    with pytest.raises(FormatError, match="there is no timbre"):
        Timbre.from_file(tmp_path / "none.npz")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    world._world.cache_clear()
    monkeypatch.setattr(world, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[timbre\]"):
        measure(np.zeros(RATE, np.float32))


# Converters of others, and of a conversation


class FakeVoice:
    name, language = "fake", "en-US"


def backwards(voice: Voice, language: str):  # type: ignore[no-untyped-def]
    def convert(said: Speech) -> Speech:
        if "fail" in said.notes:
            raise ZeroDivisionError("a fault of another's")
        y = said.sound.samples[::-1] if "long" not in said.notes else said.sound.samples[:-1]
        return Speech(Sound(y, said.sound.sample_rate, said.sound.start), said.words)

    return convert


def test_a_converter_is_named_by_its_function():
    converter = make_converter(f"{__name__}:backwards", FakeVoice(), language="en")  # type: ignore[arg-type]
    y = np.arange(10, dtype=np.float32) / np.float32(10)
    assert np.array_equal(converter(speech(y)).sound.mono(), y[::-1])
    for name in ("no.such.module:function", f"{__name__}:nothing"):
        with pytest.raises(SettingError, match="there is no converter"):
            make_converter(name, FakeVoice())  # type: ignore[arg-type]


def parts(*notes: str) -> Iterator[Speech]:
    y = np.arange(10, dtype=np.float32) / np.float32(10)
    for note in notes:
        yield Speech(Sound(y[:, None], RATE, Fraction(0)), Words(), (note,))


def test_an_answer_is_spoken_though_its_converter_fails():
    told: list[str] = []
    converting = Converting(lambda key, make: make(), lambda why: told.append(why) or True)  # type: ignore[func-returns-value]
    name = f"{__name__}:backwards"
    made = list(converting(parts("", "fail", "long", "fail"), name, "hibari", "en"))
    first = [float(part.sound.samples[0, 0]) for part in made]
    assert first == pytest.approx([0.9, 0.0, 0.0, 0.0])
    assert len(told) == 2, "each reason is told once"
    assert "a fault of another's" in told[0]
    assert "must keep the samples (10, 1), got (9, 1)" in told[1]
    same = list(converting(parts(""), "no_such:thing", "hibari", "en"))
    assert float(same[0].sound.samples[0, 0]) == 0.0
    assert "there is no converter" in told[2]
    assert len(list(converting(parts("", ""), "", "hibari", "en"))) == 2


def test_the_command_line_makes_one(reference: Path, tmp_path: Path):
    out = tmp_path / "anna.timbre.npz"
    done = CliRunner().invoke(app, ["voice", "make", str(reference), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "of voiced speech" in done.output
    assert Timbre.from_file(out).name == "reference"
    listed = CliRunner().invoke(app, ["voice", "list", "--json"])
    assert '"hibari"' in listed.output


@pytest.mark.slow
def test_a_recogniser_hears_the_same_words(timbre: Timbre):
    pytest.importorskip("faster_whisper", reason="needs the extra 'converse'")
    from rhapsode.speech import load_voice
    from rhapsode.speech.recognition import recogniser

    voice = load_voice("hibari")
    from rhapsode.speech.conversion import WorldConverter, own_profile

    said = voice.speak("Today you can see paintings, and the garden is open until six o'clock.")
    made = WorldConverter(timbre, own_profile(voice))(said)
    heard = recogniser("whisper-base").transcribe(
        resample(made.sound.mono(), made.sound.sample_rate, 16_000), language="en", languages=()
    )
    plain = "".join(c for c in heard.text.lower() if c.isalpha() or c == " ")
    assert "today you can see paintings and the garden is open until" in plain
