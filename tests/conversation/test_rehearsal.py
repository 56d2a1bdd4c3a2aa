"""What is spoken before it is needed, and in which order; with a cache that only notes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest

from rhapsode.conversation.rehearsal import Rehearsal
from rhapsode.pipecat.planning import Sentence
from rhapsode.speech.manner import PLAIN, Manner


class Notes:
    """Stands in for the cache: notes what it is given, once the gate is open."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []
        self.gate = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)
        self.closed = False

    def prerender(self, voice: str, texts: Iterable[str], *, manner: Manner, language: str) -> None:
        self.spoken += [(voice, text) for text in texts]
        self.asked.release()

    def wait(self) -> bool:
        return self.gate.acquire(timeout=10)

    def close(self) -> None:
        self.closed = True
        self.gate.release()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def rehearsal(notes: Notes) -> Iterator[Rehearsal]:
    made = Rehearsal(lambda: cast(Any, notes))
    yield made
    made.close()


def _plans(*answers: str) -> list[list[Sentence]]:
    return [[Sentence(text, PLAIN) for text in answer.split()] for answer in answers]


def _all(notes: Notes, rehearsal: Rehearsal, count: int) -> list[str]:
    for _ in range(count):
        assert notes.asked.acquire(timeout=10)
        notes.gate.release()
    return [text for _, text in notes.spoken]


def _until(met: Callable[[], bool]) -> None:
    for _ in range(1000):
        if met():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def test_beginnings_come_first_and_voices_take_turns(notes: Notes, rehearsal: Rehearsal) -> None:
    me = object()
    rehearsal.work(me)
    rehearsal.add("english", _plans("a1 a2 a3", "b1", "c1 c2"), PLAIN, "en")
    rehearsal.add("mandarin", _plans("x1 x2", "y1"), PLAIN, "zh")
    rehearsal.add("english", _plans("a1 a2 a3"), PLAIN, "en")
    assert rehearsal.left == 9
    assert notes.spoken == [], "nothing is spoken while a conversation works"
    rehearsal.rest(me)
    assert _all(notes, rehearsal, 9) == ["a1", "x1", "b1", "y1", "c1", "a2", "x2", "a3", "c2"]
    assert rehearsal.left == 0
    assert dict(notes.spoken[:2]) == {"english": "a1", "mandarin": "x1"}
    _until(lambda: rehearsal._thread is None)
    rehearsal.add("english", _plans("d1"), PLAIN, "en")
    assert _all(notes, rehearsal, 1)[-1] == "d1", "it begins anew"


def test_what_is_expected_comes_at_once(notes: Notes, rehearsal: Rehearsal) -> None:
    me, other = object(), object()
    rehearsal.work(me)
    rehearsal.add("v", _plans("a1 a2"), PLAIN, "en")
    rehearsal.expect("v", _plans("late1 late2", "later1"), PLAIN, "en")
    assert _all(notes, rehearsal, 2) == ["late1", "later1"], "the beginnings, though somebody talks"
    rehearsal.work(other)
    rehearsal.expect("v", _plans("old1"), PLAIN, "en")
    rehearsal.expect("v", _plans("new1"), PLAIN, "en")
    assert not notes.asked.acquire(timeout=0.05), "several conversations need the processor more"
    rehearsal.rest(other)
    assert _all(notes, rehearsal, 1)[2:] == ["new1"], "only the newest guess counts"
    rehearsal.rest(me)
    assert _all(notes, rehearsal, 2)[3:] == ["a1", "a2"]


def test_closing_leaves_the_rest_unspoken(notes: Notes, rehearsal: Rehearsal) -> None:
    rehearsal.add("v", _plans("a1 a2", "b1"), PLAIN, "en")
    assert notes.asked.acquire(timeout=10)
    rehearsal.close()
    assert notes.closed
    assert [text for _, text in notes.spoken] == ["a1"]
    rehearsal.expect("v", _plans("c1"), PLAIN, "en")
    assert rehearsal._thread is None
