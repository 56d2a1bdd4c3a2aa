"""What conversations share is chosen by the settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rhapsode.conversation import Resources
from rhapsode.conversation.resources import THINKERS
from rhapsode.settings import Hear, Settings, Think


@pytest.fixture
def resources() -> Iterator[Resources]:
    made = Resources()
    yield made
    made.close()


def test_it_listens_for_the_languages_of_its_script(resources: Resources) -> None:
    assert resources.hear(Settings()).languages == ("en", "zh")
    assert resources.hear(Settings(hear=Hear(languages=("ja",)))).languages == ("ja",)
    assert resources.hear(Settings(hear=Hear(language="zh"))).languages == ()


@pytest.mark.parametrize("think", [Think(kind="model"), Think(kind="both"), Think(script="/nowhere.yaml")])
def test_where_answers_come_in_any_language_it_listens_for_all(resources: Resources, think: Think) -> None:
    assert resources.hear(Settings(think=think)).languages == ()


def test_thinkers_are_shared_and_those_not_used_for_long_let_go(resources: Resources) -> None:
    pytest.importorskip("openai")

    def thinker(persona: str) -> object:
        return resources.thinker(Settings(think=Think(kind="model", model="small", persona=persona)))

    first, kept = thinker("0"), thinker("kept")
    assert thinker("0") is first
    for number in range(THINKERS):
        thinker(f"{number}")
        assert thinker("kept") is kept
    assert thinker("0") is not first
