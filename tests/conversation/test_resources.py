"""What conversations share is chosen by the settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rhapsode.conversation import Resources
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
