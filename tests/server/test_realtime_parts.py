"""Parts of the Realtime API by themselves: sound, pace, items, settings, what waits for a slow reader."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import numpy as np
import pytest
import soundfile

from rhapsode.errors import AudioError
from rhapsode.performance import Float32
from rhapsode.server.realtime.config import Config
from rhapsode.server.realtime.feed import DRIFT, EARLY_S, MOST_S, Feed
from rhapsode.server.realtime.items import Item, Items
from rhapsode.server.realtime.outbox import MOST_BYTES, STUCK_S, Outbox, SlowReaderError
from rhapsode.server.realtime.sound import Format, Writer, read
from rhapsode.server.realtime.update import RealtimeError, SessionUpdate
from rhapsode.server.realtime.words import Settled
from rhapsode.settings import Hear, Settings
from tests.live.virtual import play


@pytest.mark.parametrize(("form", "subtype"), [("audio/pcmu", "ULAW"), ("audio/pcma", "ALAW")])
def test_telephone_sound_is_what_libsndfile_reads_and_writes(form: Format, subtype: str):
    codes = bytes(range(256))
    options = {"samplerate": 8000, "channels": 1, "format": "RAW", "subtype": subtype}
    levels, _ = soundfile.read(io.BytesIO(codes), dtype="int16", **options)
    np.testing.assert_array_equal(read(base64.b64encode(codes).decode(), form) * 32768, levels)
    y = (0.5 * np.sin(np.arange(24_000) / 40)).astype(np.float32)
    writer = Writer(form)
    sent = writer.push(y[:7001]), writer.push(y[7001:]), writer.finish()
    raw = b"".join(base64.b64decode(part) for part in sent)
    back, _ = soundfile.read(io.BytesIO(raw), dtype="float32", **options)
    assert len(back) == 8000
    np.testing.assert_allclose(back[50:-50], y[::3][50:-50], atol=0.02)


def test_plain_sound_comes_back_as_it_was():
    y = np.linspace(-1, 1, 999, dtype=np.float32)
    np.testing.assert_allclose(read(Writer("audio/pcm").push(y), "audio/pcm"), y, atol=1e-4)


@pytest.mark.parametrize(("data", "said"), [("%", "base64"), ("AA==", "16-bit samples, got 1 bytes")])
def test_what_is_no_sound_is_refused(data: str, said: str):
    with pytest.raises(AudioError, match=said):
        read(data, "audio/pcm")


def test_sound_that_comes_at_once_is_heard_at_its_own_pace_and_in_order():
    async def scene() -> tuple[list[tuple[float, float]], float, int]:
        heard: list[tuple[float, float]] = []
        loop = asyncio.get_running_loop()

        def hear(sound: Float32) -> None:
            heard.append((round(loop.time(), 3), float(sound[0])))

        feed = Feed(hear)
        job = asyncio.ensure_future(feed.run())
        done = loop.create_future()
        for k in range(20):
            feed.push(np.full(2400, k, np.float32), 24_000)
        feed.then(lambda: done.set_result(loop.time()))
        at = await done
        ms = feed.ms_at(loop.time() - 0.3)
        job.cancel()
        return heard, at, ms

    heard, at, ms = play(scene())
    assert [level for _, level in heard] == list(range(20))
    assert at == pytest.approx(1.9 / DRIFT, abs=EARLY_S)
    assert ms == pytest.approx(1700, abs=50)


def test_sound_that_waits_is_bounded_and_can_be_cleared():
    async def scene() -> None:
        feed = Feed(lambda sound: None)
        feed.push(np.zeros(round(MOST_S * 100), np.float32), 100)
        with pytest.raises(RealtimeError, match="300 s of sound wait"):
            feed.push(np.zeros(10, np.float32), 100)
        feed.clear()
        assert feed.waiting_s == pytest.approx(0)
        assert feed.fresh_s == 0

    play(scene())


@pytest.mark.parametrize(
    ("seconds", "heard"),
    [(0.0, ""), (0.5, "Hello"), (0.7, "Hello, dear"), (0.95, "Hello, dear"), (1.0, "Hello, dear guest!")],
)
def test_of_an_answer_the_words_that_were_heard_whole_are_left(seconds: float, heard: str):
    words = [("Hello", 0.5), ("dear", 0.7), ("guest", 1.0)]
    item = Item("assistant", "Hello, dear guest!", spoken=True, words=words)
    assert item.heard(seconds) == heard


def test_words_that_are_not_made_yet_were_not_heard():
    item = Item("assistant", "One two three.", spoken=True, words=[("One", 0.3)])
    assert item.heard(5.0) == "One"


def test_items_are_put_where_they_belong():
    items = Items()
    first, second, third = (Item("user", text, asked=True) for text in ("1", "2", "3"))
    assert items.add(second) is None
    assert items.add(first, "root") is None
    assert items.add(third, first.id) == first.id
    assert [turn.text for turn in items.history()] == ["1", "3", "2"]
    with pytest.raises(RealtimeError, match="already"):
        items.add(first)
    with pytest.raises(RealtimeError, match="no item 'x'"):
        items.add(Item("user"), "x")


def test_a_session_begins_as_the_settings_are_and_changes_what_it_names():
    base = Settings(hear=Hear(turn="silence", silence_s=0.9, interruptible=False))
    config = Config.of(base)
    assert config.settings(base).hear == base.hear
    push = config.changed(SessionUpdate.model_validate({"turn_detection": None}), ())
    assert push.settings(base).hear.turn == "push"
    smart = {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}}
    changed = config.changed(SessionUpdate.model_validate(smart), ()).settings(base)
    assert (changed.hear.turn, changed.hear.silence_s) == ("smart", 2.0)
    assert changed.speak == base.speak
    assert (config.holds, push.holds) == (False, True)
    held = SessionUpdate.model_validate({"turn_detection": {"create_response": False}})
    assert config.changed(held, ()).holds
    slow = config.changed(SessionUpdate.model_validate({"speed": 0.25}), ())
    assert slow.settings(base).speak.rate == 0.5


@pytest.mark.parametrize("stuck", [True, False])
def test_who_reads_too_slowly_is_let_go(stuck: bool):
    async def scene() -> float:
        async def send(text: str) -> None:
            if stuck:
                await asyncio.get_running_loop().create_future()

        outbox = Outbox(send, beta=False)
        outbox.say("x", text="" if stuck else "y" * (MOST_BYTES + 1))
        with pytest.raises(SlowReaderError):
            await outbox.run()
        return asyncio.get_running_loop().time()

    assert play(scene()) == (STUCK_S if stuck else 0.0)


def test_the_sound_of_a_cancelled_response_is_not_sent():
    async def scene() -> list[str]:
        sent: list[str] = []

        async def send(text: str) -> None:
            sent.append(json.loads(text)["type"])

        outbox = Outbox(send, beta=False)
        outbox.say("sound", live="r1")
        outbox.say("told")
        outbox.say("sound", live="r2")
        outbox.drop("r1")
        job = asyncio.ensure_future(outbox.run())
        await asyncio.sleep(1)
        job.cancel()
        return sent

    assert play(scene()) == ["told", "sound"]


def test_words_are_told_once_two_looks_agree():
    settled = Settled()
    told = [
        settled.push(text) for text in ("What", "What ti", "What time is", "What time is it", "What else")
    ]
    assert told == ["", "What", "", " time is", ""]
    assert settled.finish("What time is it?") == " it?"
    assert settled.finish("Another") == ""


def test_words_without_spaces_are_told_letter_by_letter():
    settled = Settled()
    assert [settled.push(text) for text in ("今天", "今天天气", "今天天")] == ["", "今天", "天"]
    assert settled.finish("今天天气好吗") == "气好吗"
