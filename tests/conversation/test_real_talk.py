"""The whole stack, in real time: a microphone, words, answer, voice, curves; interrupted in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from rhapsode.audio.resample import Resampler
from rhapsode.conversation import Conversation, Resources
from rhapsode.conversation.events import Answered, Answering, Asked, Event, Latency, SpeakingStarted
from rhapsode.errors import RhapsodeError
from rhapsode.live.engine import ProductEngine
from rhapsode.live.items import CurvesItem, Item, SoundItem, WordsItem
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Float32
from rhapsode.rigs import FACE
from rhapsode.settings import Hear, Settings
from rhapsode.speech import load_voice, voice_for

RATE = 48_000
JAW = FACE.index("jawOpen")

TALKS = {
    "en": ("What time do you open on Sundays?", "And how much is a ticket?", "opening-hours", "tickets"),
    "zh": ("请问你们几点开门？", "请问门票多少钱一张？", "opening-hours", "tickets"),
}


class Stage:
    """Takes all that a session gives out."""

    def __init__(self, session: Session) -> None:
        self.items: list[Item] = []
        self.session = session
        self.cut_at: list[float] = []
        session.attach(self)

    def offer(self, item: Item) -> None:
        self.items.append(item)

    def interrupted(self, generation: int) -> None:
        self.cut_at.append(asyncio.get_running_loop().time())

    def of(self, generation: int, kind: type) -> list:
        return [i for i in self.items if isinstance(i, kind) and i.generation == generation]


def spoken(text: str, language: str) -> Float32:
    """Return ``text`` said by a person, at `RATE`."""
    try:
        sound = load_voice(voice_for(language)).speak(text, language=language).sound
    except RhapsodeError as error:
        pytest.skip(f"nobody can ask in '{language}' here: {error}")
    resampler = Resampler(sound.sample_rate, RATE)
    return np.concatenate([resampler.push(sound.mono()), resampler.finish()])


async def say(talk: Conversation, y: Float32, until: Callable[[], bool]) -> None:
    """Speak into the microphone in real time, then be silent until something is so."""
    loop, step = asyncio.get_running_loop(), RATE // 50
    begin = at = loop.time()
    rng = np.random.default_rng(0)
    quiet = (rng.standard_normal(step) * 1e-4).astype(np.float32)
    for first in range(0, 10**9, step):
        chunk = y[first : first + step]
        talk.hear(chunk if len(chunk) == step else quiet)
        if first > len(y) and until():
            return
        assert at - begin < 150, "what was waited for did not happen"
        at += 0.02
        await asyncio.sleep(max(at - loop.time(), 0))


@pytest.mark.slow
@pytest.mark.parametrize("language", sorted(TALKS))
def test_a_conversation_with_an_interruption_in_the_middle(language: str):
    first, second, opening, tickets = TALKS[language]
    questions = [spoken(text, language) for text in (first, second)]
    events: list[Event] = []

    def told(kind: type) -> list:
        return [event for event in events if isinstance(event, kind)]

    async def talk() -> Stage:
        pool = ThreadPoolExecutor(3)
        session = Session(ProductEngine(), pool)
        stage, resources = Stage(session), Resources()
        settings = Settings(hear=Hear(languages=("en", "zh")))
        conversation = Conversation(session, settings, resources=resources)
        conversation.watch(events.append)
        jobs = [asyncio.ensure_future(job) for job in (session.run(), conversation.run())]
        try:
            await asyncio.wait_for(conversation.ready.wait(), 300)
            conversation.listen(RATE)
            loop = asyncio.get_running_loop()
            await say(conversation, questions[0], lambda: bool(told(SpeakingStarted)))
            begun = loop.time()
            await say(conversation, np.zeros(RATE, np.float32), lambda: loop.time() > begun + 1.6)
            await say(conversation, questions[1], lambda: len(told(SpeakingStarted)) == 2)
            await say(conversation, np.zeros(RATE, np.float32), lambda: len(told(Answered)) == 2)
            return stage
        except AssertionError as error:
            raise AssertionError(f"{error}; told: {events}") from error
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            resources.close()
            pool.shutdown()

    stage = asyncio.run(talk())
    one, two = told(Asked)
    assert (one.language, two.language) == (language, language)
    assert [answering.id for answering in told(Answering)] == [opening, tickets]
    cut, whole = told(Answered)
    assert cut.interrupted
    assert not whole.interrupted
    assert cut.meant.startswith(cut.text)
    assert 0 < len(cut.text) < len(cut.meant)
    assert whole.text == whole.meant
    for started in told(SpeakingStarted):
        sounds = stage.of(started.generation, SoundItem)
        curves = stage.of(started.generation, CurvesItem)
        assert max(float(np.abs(item.samples).max()) for item in sounds) > 0.1
        assert max(float(item.values[:, JAW].max()) for item in curves) > 0.15
        assert all(two.start >= one.start for one, two in pairwise(curves))
        words = [span for item in stage.of(started.generation, WordsItem) for span in item.words.phones]
        assert words, "the face knows the phones of its own voice"
    last = stage.of(told(SpeakingStarted)[0].generation, CurvesItem)[-1]
    assert last.start / CLOCK_HZ > 0
    for latency in told(Latency):
        print(language, round(latency.total_ms), dict(latency.stages_ms))
