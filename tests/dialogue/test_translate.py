"""Translation: marks stay, failures leave the text as it is, nothing is asked twice."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest

from rhapsode.dialogue.model import ModelThinker
from rhapsode.dialogue.translate import (
    ArgosTranslator,
    ModelTranslator,
    Translations,
    passages,
    same_language,
)
from rhapsode.dialogue.translated import TranslatedThinker
from rhapsode.dialogue.turns import Say, Show, Source, Suggest
from rhapsode.errors import InputError, MissingExtraError
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer, Reply
from tests.dialogue.thinking import Stub, ask, run, sources, text_of


class Shout:
    """Translates to upper case and tells which languages."""

    def __init__(self, *, broken: bool = False) -> None:
        self.asked: list[str] = []
        self.broken = broken

    async def translate(self, text: str, *, source: str, target: str) -> str:
        self.asked.append(text)
        if self.broken:
            raise RuntimeError("out of words")
        return f"{target}({text.upper()})"


def translated(text: str, translator: Any = None, **more: Any) -> str | None:
    work = Translations(translator or Shout(), **more)
    return run(work.translate(text, source="en", target="de"))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello.", "de(HELLO.)"),
        ("[joy:0.5] Hello. Come in. [wave] Bye.", "[joy:0.5] de(HELLO. COME IN.) [wave] de(BYE.)"),
        ("Come [nod] in now.", "[nod] de(COME IN NOW.)"),
        ("Hello. [nod]", "de(HELLO.) [nod] "),
        ("<prosody rate='slow'>Slow.</prosody> Fast.", "<prosody rate='slow'> de(SLOW. FAST.) </prosody>"),
        ("See [page 3] (or [4]).", "de(SEE [PAGE 3] (OR [4]).)"),
        ("[nod]", "[nod]"),
        ("42!", "42!"),
        ("", ""),
    ],
)
def test_marks_stay_where_sentences_begin(text: str, told: str) -> None:
    assert (translated(text) or "").split() == told.split()


def test_passages_keep_every_mark() -> None:
    for text in ("[joy]a[nod]b.[shrug]c", "<b>x</b>[joy]", "a. [x y] [sad]b"):
        parts = passages(text)
        marks = "".join(part.before + part.after for part in parts)
        assert sorted(marks) == sorted(
            "".join(m for m in ("[joy]", "[nod]", "[shrug]", "<b>", "</b>", "[sad]") if m in text)
        )


def test_nothing_is_asked_twice_and_the_same_language_never() -> None:
    shout = Shout()
    work = Translations(shout, kept=2)

    async def several() -> None:
        for text in ("a", "b", "a", "c", "a", "b"):
            assert await work.translate(text, source="en", target="de") == f"de({text.upper()})"
        assert await work.translate("x", source="en-GB", target="en") == "x"

    run(several())
    assert shout.asked == ["a", "b", "c", "b"]
    assert same_language("zh-CN", "zh_TW")


def test_a_failure_is_told_and_gives_nothing() -> None:
    told: list[str] = []
    assert translated("Hello.", Shout(broken=True), failed=told.append) is None
    assert told == ["no translation from en to de: out of words"]


def test_by_the_model() -> None:
    pytest.importorskip("openai")
    with OpenAIServer() as server:
        model = ModelThinker(Think(base_url=server.base_url, model="small"), key="")
        server.reply(
            Reply(["<think>hm</think>", "„Guten ", "Tag.“"]), Reply(["“Hallo.”"]), Reply(["x " * 500])
        )

        async def work() -> None:
            translator = ModelTranslator(model)
            told = await translator.translate("Good day.", source="en", target="de")
            assert told == "„Guten Tag.“"
            assert await translator.translate("Hello.", source="en", target="de") == "Hallo."
            with pytest.raises(Exception, match="no translation"):
                await translator.translate("Hello.", source="en", target="de")

        run(work())
        system, user = server.requests[0]["messages"]
    assert "from English to German" in system["content"]
    assert user["content"] == "Good day."


def test_by_argos(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pair:
        def translate(self, text: str) -> str:
            return f" {text}! "

    def pairs(source: str, target: str) -> Pair | None:
        if source == "xx":
            raise AttributeError("'NoneType' object has no attribute 'get_translation'")
        return Pair() if (source, target) == ("en", "zh") else None

    package, module = ModuleType("argostranslate"), ModuleType("argostranslate.translate")
    module.get_translation_from_codes = pairs  # type: ignore[attr-defined]
    package.translate = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "argostranslate", package)
    monkeypatch.setitem(sys.modules, "argostranslate.translate", module)
    translator = ArgosTranslator()
    assert run(translator.translate("Hi", source="en-GB", target="zh-CN")) == "Hi!"
    for source in ("zh", "xx"):
        with pytest.raises(
            InputError, match=f"cannot translate from {source} to de; get the pair with: argospm"
        ):
            run(translator.translate("Hi", source=source, target="de"))


def test_argos_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argostranslate", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[translate\]"):
        ArgosTranslator()


HOURS = (
    Source("script", id="hours", score=0.9, language="en"),
    Show("Plan", "https://a.b"),
    Say("[joy] We open "),
    Say("at nine. [nod] Come in."),
    Suggest(("Where?", "How?")),
)
NOTHING = (Source("fallback", reason="nothing", language="en"), Say("Pardon?"))


def thinker(stub: Stub, translator: Shout, languages: Sequence[str] = ("en",)) -> TranslatedThinker:
    return TranslatedThinker(stub, Translations(translator), lambda: languages)


def test_an_answer_in_another_language_is_translated() -> None:
    stub = Stub({"Wann?": HOURS})
    pieces = ask(thinker(stub, Shout()), "Wann?", "de")
    assert pieces[0] == Source("script", id="hours", score=0.9)
    assert text_of(pieces) == "[joy] de(WE OPEN AT NINE.) [nod] de(COME IN.)"
    assert Suggest(("de(WHERE?)", "de(HOW?)")) in pieces
    assert Show("de(PLAN)", "https://a.b") in pieces
    assert len(stub.asked) == 1


def test_a_question_that_finds_nothing_is_asked_in_the_scripts_language() -> None:
    stub = Stub({"en(WANN?)": HOURS}, NOTHING)
    pieces = ask(thinker(stub, Shout()), "Wann?", "de")
    assert [question.language for question in stub.asked] == ["de", "en"]
    assert "WE OPEN" in text_of(pieces)
    assert [source.kind for source in sources(pieces)] == ["script"]
    assert stub.closed == 2


def test_what_the_script_says_where_it_knows_nothing_is_translated_too() -> None:
    assert text_of(ask(thinker(Stub({}, NOTHING), Shout()), "Wann?", "de")) == "de(PARDON?)"


def test_the_own_language_is_left_alone() -> None:
    shout = Shout()
    pieces = ask(thinker(Stub({"When?": HOURS}), shout), "When?", "en-US")
    assert text_of(pieces) == "[joy] We open at nine. [nod] Come in."
    assert not shout.asked


def test_without_a_translation_the_answer_stays_and_its_language_is_told() -> None:
    pieces = ask(thinker(Stub({"Wann?": HOURS}, NOTHING), Shout(broken=True)), "Wann?", "de")
    assert text_of(pieces) == "[joy] We open at nine. [nod] Come in."
    assert sources(pieces)[0].language == "en"
    assert Suggest(("Where?", "How?")) in pieces
    assert text_of(ask(thinker(Stub({}, NOTHING), Shout(broken=True)), "Was?", "de")) == "Pardon?"
