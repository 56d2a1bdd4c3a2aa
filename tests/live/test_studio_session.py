"""Own speech with the studio weights, live: their look-ahead costs nothing, known phones close the lips."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rhapsode.face.direction import Direction
from rhapsode.live.asked import Speech
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.engine import Block, FaceStage, ProductEngine
from rhapsode.live.items import BeginItem, CurvesItem, EndItem, Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import Float32, Sound, Span, Words
from rhapsode.rigs import FACE
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from tests.live.virtual import Inline, play
from tests.sounds import speechlike

JAW = FACE.index("jawOpen")
PHONES = tuple(Span("m" if k % 2 else "ɑ", 0.2 + 0.12 * k, 0.32 + 0.12 * k) for k in range(15))
"""Of two seconds of speech: what the sound itself holds does not matter."""


@dataclass(frozen=True)
class Line:
    """Speaks the same two seconds in two blocks."""

    names: tuple[str, ...] = FACE.channels

    def face(self, direction: Direction) -> FaceStage:
        return ProductEngine().face(direction)

    def speak(self, text: str) -> Iterator[Block]:
        y = speechlike(2.2, sample_rate=24_000)
        for k in range(2):
            begin, end = 1.1 * k, 1.1 * (k + 1)
            phones = tuple(p for p in PHONES if begin <= p.start_s < end)
            yield Sound(y[26_400 * k : 26_400 * (k + 1)], 24_000), Words((Span("word", begin, end),), phones)

    def play(self, path: Path) -> Iterator[Block]:
        yield from self.speak("")


class Seen:
    def __init__(self, session: Session) -> None:
        self.session, self.items = session, list[tuple[float, Item]]()

    def offer(self, item: Item) -> None:
        self.items.append((asyncio.get_running_loop().time(), item))

    def interrupted(self, generation: int) -> None:
        pass


def told(weights: str, *, behave: bool = False, stop_at: float | None = None) -> tuple[Seen, float]:
    """Let a session idle for a second and then speak; return what went out, and when it was asked to."""

    async def scene() -> tuple[Seen, float]:
        session = Session(Line(), Inline(), direction=Direction(weights=weights))
        seen = Seen(session)
        session.attach(seen)
        if behave:
            Behaviour(session)
        serving = asyncio.create_task(session.run())
        await session.ready.wait()
        await asyncio.sleep(1.0)
        asked = asyncio.get_running_loop().time()
        session.perform(Speech("line", "text", lambda: Line().speak("")))
        if stop_at is not None:
            await asyncio.sleep(stop_at)
            session.interrupt()
        await asyncio.sleep(4.0)
        serving.cancel()
        return seen, asked

    return play(scene())


@pytest.mark.parametrize("behave", [False, True])
@pytest.mark.parametrize("weights", ["live", "studio"])
def test_speech_begins_at_once_with_curves_before_sound_and_none_late(weights: str, behave: bool):
    seen, asked = told(weights, behave=behave)
    begin = next(item for _, item in seen.items if isinstance(item, BeginItem))
    covered, sounding = begin.start, 0
    for at, item in seen.items:
        if isinstance(item, CurvesItem) and item.start + 320 * len(item.values) > begin.start and at >= asked:
            due = seen.session.timeline.time_of(max(item.start, begin.start))
            assert at <= due + 1e-6, "a curve frame goes out before it is due"
            covered = item.start + 320 * len(item.values)
        elif isinstance(item, SoundItem):
            if not sounding:
                assert at - asked < 0.05, "the look-ahead costs nothing: the sound is there already"
            sounding += len(item.samples)
            if not behave:
                assert item.start + len(item.samples) * 2 // 3 <= covered
    end = next(item for _, item in seen.items if isinstance(item, EndItem))
    assert end.sample - begin.start == pytest.approx(2.2 * 16_000, abs=320)


@pytest.mark.parametrize("weights", ["live", "studio"])
def test_known_phones_close_the_lips_at_their_time(weights: str):
    seen, _ = told(weights)
    begin = next(item for _, item in seen.items if isinstance(item, BeginItem))
    rows: dict[int, Float32] = {}
    for _, item in seen.items:
        if isinstance(item, CurvesItem):
            rows |= {item.start + 320 * k: row for k, row in enumerate(item.values)}
    gap = lip_gap(np.stack([rows[begin.start + 320 * k][:52] for k in range(110)]))
    for phone in PHONES:
        inside = gap[round(phone.start_s * 50) : round(phone.end_s * 50) + 1]
        if phone.text == "m":
            assert inside.min() < CLOSED_GAP, phone
        else:
            assert inside[2:-2].min() > CLOSED_GAP, phone


def test_after_an_interruption_no_phone_of_what_was_not_said_moves_the_mouth():
    seen, asked = told("studio", stop_at=0.8)
    later = [item.values for at, item in seen.items if isinstance(item, CurvesItem) and at > asked + 1.0]
    assert np.concatenate(later)[:, JAW].max() < 0.05
