"""Sentences of whole and of streamed texts."""

from __future__ import annotations

import random

import pytest

from rhapsode.speech.sentences import LONGEST, Sentences, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "Dr. Wu paid $3.50, e.g. to J. K. Lee. It was 3.14.",
            ["Dr. Wu paid $3.50, e.g. to J. K. Lee.", "It was 3.14."],
        ),
        (
            "He said “Go!” and went. “Go!” Then silence.",
            ["He said “Go!” and went.", "“Go!”", "Then silence."],
        ),
        ("They say… no. Well... yes. Wait... What?", ["They say… no.", "Well... yes.", "Wait...", "What?"]),
        ("Visit example.com. Or not.", ["Visit example.com.", "Or not."]),
        ("At 7 p.m. sharp. The U.S. won.", ["At 7 p.m. sharp.", "The U.S. won."]),
        ("1. First\n2. Second", ["1. First", "2. Second"]),
        (
            "今天很好。我们走吧！真的吗？！是的……走",
            ["今天很好。", "我们走吧！", "真的吗？！", "是的……", "走"],
        ),
        ("他说：“你好。我是小明。”然后走了。", ["他说：“你好。我是小明。”", "然后走了。"]),
        ("こんにちは。元気ですか？", ["こんにちは。", "元気ですか？"]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("¿Qué tal? ¡Bien! Gracias.", ["¿Qué tal?", "¡Bien!", "Gracias."]),
        ("Hello. 你好。Bye.", ["Hello.", "你好。", "Bye."]),
        ("...! — 😀", []),
        ("", []),
    ],
)
def test_sentences_of_whole_texts(text: str, sentences: list[str]) -> None:
    assert [one.strip() for one in split_sentences(text)] == sentences


def test_a_first_clause_comes_early_and_only_once() -> None:
    chunker = Sentences()
    assert chunker.push("Well, my dear friend, I th") == ["Well, my dear friend, "]
    assert chunker.push("ink so, and you, my friend, too. And") == ["I think so, and you, my friend, too. "]
    assert chunker.flush() == ["And"]
    assert Sentences().push("今天天气很好，我") == ["今天天气很好，"]
    assert Sentences(first_clause=False).push("今天天气很好，我") == []
    assert Sentences().push("It costs 1,234,567 d") == []
    assert Sentences().push("“Come here, my dear, ") == []


def test_nothing_is_decided_that_the_next_letter_could_change() -> None:
    chunker = Sentences(first_clause=False)
    assert chunker.push("It is 3.") == []
    assert chunker.push("14 now. ") == []
    assert chunker.push("Y") == ["It is 3.14 now. "]
    assert chunker.push("es。") == ["Yes。"]


def test_pieces_of_any_size_lose_nothing() -> None:
    text = (
        "Hello there, Dr. Wu; it's 3.14… no? Yes! 今天天气很好，“我们走吧。”他说。真的吗？！\n\nThe end, "
        + "long " * 100
        + "长" * 400
    )
    bare = "".join(c for c in text if c.isalnum())
    for seed in range(30):
        rng, chunker, found, at = random.Random(seed), Sentences(), [], 0
        while at < len(text):
            step = rng.randint(1, 9)
            found += chunker.push(text[at : at + step])
            at += step
        found += chunker.flush()
        assert "".join(c for c in "".join(found) if c.isalnum()) == bare
        assert all(any(c.isalnum() for c in piece) for piece in found)
        assert max(map(len, found)) <= LONGEST + 1
