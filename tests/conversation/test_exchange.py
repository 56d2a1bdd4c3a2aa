"""What of a conversation needs no sound: latency by stage, backchannels, what is left of an answer."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rhapsode.conversation.backchannels import is_backchannel, is_stop
from rhapsode.conversation.exchange import rest_of
from rhapsode.conversation.lines import line
from rhapsode.conversation.microphone import LIMIT_S, RATE, STALL_S, Microphone
from rhapsode.conversation.stopwatch import Stopwatch
from rhapsode.errors import SettingError
from rhapsode.live.items import SoundItem
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, MicrophoneFrame
from tests.live.virtual import Inline, play


def test_stages_add_up_to_the_whole_and_what_ran_beside_another_counts_as_nothing():
    watch = Stopwatch(3, 10.0)
    watch.mark("turn_end", 10.5)
    watch.mark("recognise", 10.3)  # was there before the turn was over
    watch.mark("think", 10.6)
    watch.mark("think", 10.9)  # only the first word counts
    watch.mark("speak", 10.7)
    latency = watch.latency(10.8)
    assert latency.turn == 3
    assert latency.total_ms == pytest.approx(800)
    wanted = {"turn_end": 500.0, "recognise": 0.0, "think": 100.0, "speak": 100.0, "perform": 100.0}
    assert latency.stages_ms == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["Mm-hm.", "Yeah, okay.", "I see!", "嗯。", "好的，明白", "はい"])
def test_backchannels(text: str):
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["Stop!", "Okay, but why?", "No.", "多少钱？", "What?", "Right, and when?"])
def test_what_is_no_backchannel(text: str):
    assert not is_backchannel(text)


@pytest.mark.parametrize(("text", "stops"), [("Stop!", True), ("停。", True), ("Stop that bus", False)])
def test_a_request_for_silence(text: str, stops: bool):
    assert is_stop(text) == stops


@pytest.mark.parametrize(
    ("text", "heard", "rest"),
    [
        ("One two.  Three", "One two.", "Three"),
        ("One", "One", ""),
        ("你好。再见", "你好。", "再见"),
        ("a b", "", "a b"),
    ],
)
def test_what_is_left_of_an_answer(text: str, heard: str, rest: str):
    assert rest_of(text, heard) == rest


def test_lines_are_in_the_language_of_the_listener():
    assert "没有听清" in line("again", "zh-CN")
    assert line("again", "xx") == line("again", "en")
    assert line("failed", "en")


async def _next(microphone: Microphone) -> MicrophoneFrame:
    frame = await microphone.next()
    assert isinstance(frame, MicrophoneFrame)
    return frame


def test_a_turn_ends_behind_the_sound_that_came_before():
    async def story() -> None:
        microphone = Microphone(16_000, Inline())
        for k in range(80):  # more than is kept
            microphone.hear(np.full(1600, 0.5, np.float32), k * 0.1)
            if k == 39:
                microphone.end_turn()
        microphone.end_turn()
        kinds = [type(await microphone.next()) for _ in range(52)]
        ends = [at for at, kind in enumerate(kinds) if kind is EndTurnFrame]
        assert ends == [10, 51]
        assert microphone.lost_s == pytest.approx(3.0)

    play(story())


def test_a_microphone_is_bounded_and_brought_to_one_rate():
    async def story() -> None:
        microphone = Microphone(48_000, Inline())
        for k in range(200):
            microphone.hear(np.full((4800, 2), 0.5, np.float32), k * 0.1)
        assert microphone.lost_s == pytest.approx(20 - LIMIT_S, abs=0.1)
        frames = [await _next(microphone) for _ in range(50)]
        assert sum(len(frame.audio) for frame in frames) / 2 == pytest.approx(LIMIT_S * RATE, abs=200)
        assert frames[-1].arrived == pytest.approx(19.9)

    play(story())


def test_silence_stands_in_for_a_microphone_that_stalls_but_not_for_ever():
    async def story() -> None:
        microphone = Microphone(16_000, Inline())
        loop = asyncio.get_running_loop()
        microphone.hear(np.full(1600, 0.5, np.float32), loop.time())
        await _next(microphone)
        silent = 0
        try:
            async with asyncio.timeout(60):
                while True:
                    silent += len((await _next(microphone)).audio) // 2
        except TimeoutError:
            pass
        assert silent / RATE == pytest.approx(12.0, abs=0.2)

    play(story())


def test_sound_that_comes_in_while_the_machine_is_busy_is_no_stall():
    async def story() -> None:
        microphone = Microphone(16_000, Inline())
        loop = asyncio.get_running_loop()
        microphone.hear(np.full(1600, 0.5, np.float32), loop.time())
        await _next(microphone)
        taking = asyncio.ensure_future(_next(microphone))
        await asyncio.sleep(STALL_S - 0.01)

        def late() -> None:  # right before and right after the time at which silence would stand in
            microphone.hear(np.full(1600, 0.25, np.float32), loop.time())

        loop.call_at(loop.time() + 0.01 + 1e-6, late)
        loop.call_at(loop.time() + 0.01, late)
        frame = await taking
        assert np.frombuffer(frame.audio, np.int16).max() > 8000

    play(story())


def test_what_is_played_reaches_who_takes_out_the_echo_at_its_time():
    class FakeEcho:
        lag_s = 0.01

        def __init__(self) -> None:
            self.told: list[tuple[str, int, float]] = []

        def __call__(self, y: Float32, /, at: float) -> Float32:
            self.told.append(("heard", len(y), at))
            return y * 0

        def played(self, samples: Float32, at: float) -> None:
            self.told.append(("played", len(samples), at))

        def silenced(self, at: float) -> None:
            self.told.append(("silenced", 0, at))

    echo = FakeEcho()

    async def story() -> None:
        microphone = Microphone(16_000, Inline(), lambda: [echo])
        microphone.played(SoundItem(1, 0, np.zeros(4800, np.float32), 24_000), 7.5)
        microphone.silenced(7.6)
        microphone.hear(np.full(1600, 0.5, np.float32), 1.0)
        frame = await _next(microphone)
        assert not np.frombuffer(frame.audio, np.int16).any()
        assert frame.arrived == pytest.approx(0.99)

    play(story())
    (played, count, at), silenced, heard = echo.told
    assert (played, at) == ("played", 7.5)
    assert count == pytest.approx(3200, abs=40)
    assert silenced == ("silenced", 0, 7.6)
    assert heard == ("heard", 1600, 1.0)


def test_what_was_silenced_for_nothing_is_told_to_come_again():
    class Repents:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, y: Float32, /) -> Float32:
            self.calls += 1
            return np.concatenate([np.full(1024, 0.25, np.float32), y]) if self.calls == 2 else y

    async def story() -> None:
        microphone = Microphone(16_000, Inline(), lambda: [Repents()])
        for k in range(3):
            microphone.hear(np.full(1600, 0.5, np.float32), k * 0.1)
        frames = [await _next(microphone) for _ in range(3)]
        assert [frame.again for frame in frames] == [0, 1024, 0]
        assert [len(frame.audio) // 2 for frame in frames] == [1600, 2624, 1600]

    play(story())


def test_a_rate_that_cannot_be_used_is_refused():
    with pytest.raises(SettingError, match="positive whole number"):
        Microphone(0, Inline())
