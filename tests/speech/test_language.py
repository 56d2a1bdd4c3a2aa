from __future__ import annotations

import pytest

from rhapsode.speech.language import foreign_language, other_script_words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好，世界", "Chinese or Japanese"),
        ("これは日本語です", "Japanese"),
        ("안녕하세요 여러분", "Korean"),
        ("Привет, как дела?", "a Cyrillic script"),
        ("Der Hund ist nicht auf der Straße.", "German"),
        ("Je suis dans la rue avec vous.", "French"),
        ("El perro está en la calle y no es muy grande.", "Spanish"),
    ],
)
def test_a_foreign_text_is_named(text: str, language: str) -> None:
    assert foreign_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Mr. Jean de la Fontaine et al. met Señor Peña in the Champs-Élysées.",
        "Déjà vu, a café, a naïve façade and a résumé.",
        "Go, Los Angeles! El Niño, El Paso, Las Vegas.",
        "12:30, 50%",
        "The word 你好 means hello.",
        "Say “ich bin ein Berliner” for the crowd, and then wait.",
        "",
    ],
)
def test_english_with_foreign_words_is_english(text: str) -> None:
    assert foreign_language(text) is None


def test_words_of_other_scripts_are_found_and_latin_ones_are_not() -> None:
    assert other_script_words("The word 你好 and α in café ﬁne") == ["你好", "α"]
