"""Every spoken word finds the word that was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.speech.alignment import align_words, written_words

words = st.lists(st.text(alphabet="abc.1$", min_size=1, max_size=4), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("written", "spoken", "homes"),
    [
        ("Dr. Smith paid", "Doctor Smith paid", [0, 1, 2]),
        ("at 7:30 pm!", "at seven thirty P.M.!", [0, 1, 1, 2]),
        ("on 3/4/2024. Then", "on March fourth, 2024. Then", [0, 1, 1, 1, 2]),
        ("50% - off", "50% off", [0, 2]),
        ("A 5 km run", "A 5 kilometers run", [0, 1, 2, 3]),
        ("call 555-1234 now", "call 5 5 5 , 1 2 3 4 now", [0, 1, 1, 1, 1, 1, 1, 1, 1, 2]),
        ("the the the", "the the the", [0, 1, 2]),
    ],
)
def test_readings_of_numbers_and_abbreviations(written: str, spoken: str, homes: list[int]) -> None:
    assert align_words(written.split(), spoken.split()) == homes


@given(words, words)
def test_homes_exist_and_never_go_back(written: list[str], spoken: list[str]) -> None:
    homes = align_words(written, spoken)
    assert len(homes) == len(spoken)
    assert homes == sorted(homes)
    assert all(0 <= home < len(written) for home in homes)


@given(words)
def test_a_text_read_as_it_is_written_aligns_with_itself(written: list[str]) -> None:
    assert align_words(written, written) == list(range(len(written)))


def test_the_normaliser_of_a_word_alone_settles_long_runs() -> None:
    numbers = {str(n): f"number {'x' * (n % 7)}{n}" for n in range(100)}
    spoken = " ".join(numbers.values()).split()
    assert align_words(list(numbers), spoken, numbers.__getitem__) == [k // 2 for k in range(200)]


def test_a_word_with_its_phones_given_stands_as_itself() -> None:
    assert written_words("Hear [New York](/nˈu jˈɔɹk/), now") == ["Hear", "New York,", "now"]
    assert written_words("See [this](that) too") == ["See", "[this](that)", "too"]
