"""Answers are begun while the question is still asked; with a script whose embeddings count letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.conversation import Resources
from rhapsode.conversation.foresight import foreseeing
from rhapsode.dialogue.script import ScriptLibrary
from rhapsode.dialogue.turns import Question, Turn
from rhapsode.errors import SpeechError
from rhapsode.performance import Float32
from rhapsode.settings import Settings, Speak, Think
from tests.live.virtual import Inline

SCRIPT = """
name: shop
languages: [en, zh]
entries:
  - id: hours
    questions: {en: When do you open the shop in the morning?, zh: 你们早上几点开门？}
    answers:
      en: ["[joy] At nine, as every morning. Come in!", "Nine."]
      zh: 九点开门。
  - id: later
    after: [hours]
    questions: {en: And on the weekend?}
    answers: {en: At ten.}
"""


def _letters(texts: Sequence[str], *_: Any) -> Float32:
    rows = np.zeros((len(texts), 512), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for one, two in pairwise(text):
            row[(ord(one) * 31 + ord(two)) % 512] += 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


class Guessing(Resources):
    """Notes what is expected of the voice."""

    def __init__(self, folder: Path) -> None:
        super().__init__(pool=Inline())
        path = folder / "shop.yaml"
        path.write_text(SCRIPT, encoding="utf-8")
        self.script = ScriptLibrary(path, embed=_letters, model="letters", folder=folder)
        self.expected: list[tuple[list[str], str]] = []
        self.fails = False

    def library(self, think: Think) -> ScriptLibrary:
        return self.script

    def expect(self, settings: Settings, texts: Sequence[str], language: str) -> None:
        if self.fails:
            raise SpeechError("no voice")
        self.expected.append((list(texts), language))


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Guessing]:
    made = Guessing(tmp_path)
    yield made
    made.close()


def test_all_answers_of_the_entry_that_is_meant_are_expected(resources: Guessing) -> None:
    settings = Settings()
    resources.foresee("When do you open the shop in the", "en", settings, ())
    answers = ["[joy] At nine, as every morning. Come in!", "Nine."]
    assert resources.expected == [(answers, "en")]
    resources.foresee("你们早上几点开门", "zh", settings, ())
    assert resources.expected[1:] == [(["九点开门。"], "zh")]
    resources.foresee("When do you open the shop in the morning?", "fr", settings, ())
    assert resources.expected[2:] == [(answers, "en")], "in the script's first language where it has no other"


def test_words_that_point_nowhere_change_nothing(resources: Guessing) -> None:
    resources.foresee("Zzz", "en", Settings(), ())
    resources.foresee("", "en", Settings(), ())
    resources.foresee("When do you open the shop", "en", Settings(think=Think(kind="model")), ())
    assert resources.expected == []


def test_what_the_talk_is_about_counts(resources: Guessing) -> None:
    resources.foresee("And on the weekend?", "en", Settings(), ())
    assert resources.expected == []
    resources.foresee("And on the weekend?", "en", Settings(), (Turn("assistant", "Nine.", "en"),))
    assert resources.expected == [(["At ten."], "en")]


def test_words_are_told_as_they_are_recognised() -> None:
    told: list[str] = []
    questions = iter([Question(""), Question("When", "en"), Question("When do you", "en")])

    def recognise(samples: Float32, *, final: bool) -> Question:
        return next(questions)

    both = foreseeing(recognise, lambda question: told.append(question.text))
    found = [both(np.zeros(160, np.float32), final=final).text for final in (False, False, True)]
    assert found == ["", "When", "When do you"]
    assert told == ["When", "When do you"]


def test_what_fails_is_left_and_tried_again(resources: Guessing) -> None:
    resources.fails = True
    resources.foresee("And when do you open the shop in the morning?", "en", Settings(), ())
    resources.fails = False
    resources.foresee("When do you open the shop in the morning?", "en", Settings(), ())
    assert len(resources.expected) == 1


def test_beginnings_are_spoken_as_the_voice_will_speak_them() -> None:
    resources, told = Resources(pool=Inline()), []
    resources.rehearsal.expect = lambda *args: told.append(args)  # type: ignore[method-assign]
    settings = Settings(speak=Speak(voice="hibari", rate=1.1))
    resources.expect(settings, ["[joy] Yes, of course, my dear. Come in!"], "en-GB")
    ((voice, plans, manner, language),) = told
    assert (voice, manner.rate, language) == ("hibari", 1.1, "en")
    assert [sentence.text for sentence in plans[0]] == ["Yes, of course,", "my dear.", "Come in!"]
    assert plans[0][0].manner.emotion is not None
    resources.close()
