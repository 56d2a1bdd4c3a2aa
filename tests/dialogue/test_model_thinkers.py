"""The thinkers that settings make, with a real script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.dialogue.both import BothThinker
from rhapsode.dialogue.embedding import Float32
from rhapsode.dialogue.model import ModelThinker
from rhapsode.dialogue.script import ScriptLibrary, ScriptThinker
from rhapsode.dialogue.thinkers import make_thinker
from rhapsode.dialogue.translated import TranslatedThinker
from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer, Reply
from tests.dialogue.thinking import ask, sources, text_of

pytest.importorskip("openai")

SCRIPT = """
name: shop
languages: en
persona: You are Pip, who sells apples.
fallbacks: I only know apples.
entries:
  - id: price
    questions: [How much is an apple?, What do apples cost?]
    answers: "[joy] An apple is two coins."
  - id: sorts
    questions: [Which sorts do you have?]
    answers: We have red ones and green ones.
"""


def letters(texts: Any) -> Float32:
    """Return vectors of which letters stand in a text: alike texts are near each other."""
    rows = np.array(
        [[text.lower().count(chr(97 + n)) + 1e-3 for n in range(26)] for text in texts], np.float32
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture
def library(tmp_path: Path) -> ScriptLibrary:
    path = tmp_path / "shop.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    return ScriptLibrary(path, embed=letters, model="letters", folder=tmp_path)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def think(server: OpenAIServer, **more: Any) -> Think:
    return Think(base_url=server.base_url, model="small", **more)


def test_kinds(library: ScriptLibrary, server: OpenAIServer) -> None:
    made = [make_thinker(think(server, kind=kind), library=library) for kind in ("script", "model", "both")]
    assert [type(one) for one in made] == [ScriptThinker, ModelThinker, BothThinker]
    made = [make_thinker(think(server, translate="model"), library=library)]
    assert isinstance(made[0], TranslatedThinker)


def test_both_answers_from_the_script_or_grounded_on_it(library: ScriptLibrary, server: OpenAIServer) -> None:
    server.replies("Two coins, ", "I think.")
    thinker = make_thinker(think(server, kind="both", threshold=0.999), library=library)
    assert sources(ask(thinker, "How much is an apple?"))[0].kind == "script"
    assert not server.requests
    pieces = ask(thinker, "What do two red apples cost here on a rainy day?")
    assert text_of(pieces) == "Two coins, I think."
    system = server.requests[0]["messages"][0]["content"]
    assert "You are Pip, who sells apples." in system
    assert "A: An apple is two coins." in system


def test_both_says_the_scripts_fallback_where_the_model_is_gone(
    library: ScriptLibrary, server: OpenAIServer
) -> None:
    server.reply(Reply(behaviour="refuse"))
    thinker = make_thinker(think(server, kind="both", threshold=1.0), library=library)
    pieces = ask(thinker, "Xyzzy?")
    assert sources(pieces)[0].kind == "fallback"
    assert "HTTP 500" in sources(pieces)[0].reason
    assert text_of(pieces)


def test_a_script_is_translated_by_the_model(library: ScriptLibrary, server: OpenAIServer) -> None:
    server.answer = lambda body: Reply([f"DE {body['messages'][-1]['content']}"])
    thinker = make_thinker(think(server, translate="model"), library=library)
    pieces = ask(thinker, "How much is an apple?", "de")
    assert text_of(pieces) == "[joy] DE An apple is two coins."
    assert sources(pieces)[0].language == ""


def test_the_tools_that_settings_name(library: ScriptLibrary, server: OpenAIServer) -> None:
    server.reply(Reply([], calls=[("look_up", '{"question": "sorts"}')]), Reply(["Red ones."]))
    settings = think(server, kind="both", threshold=1.0, tools=("clock", "look_up"))
    pieces = ask(make_thinker(settings, library=library), "Anything sweet?")
    assert text_of(pieces) == "Red ones."
    names = [tool["function"]["name"] for tool in server.requests[0]["tools"]]
    assert names == ["current_time", "look_up"]
    assert "green ones" in server.requests[1]["messages"][-1]["content"]


def test_what_cannot_be_made(library: ScriptLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="is a service of Pipecat"):
        make_thinker(Think(kind="both", model="pipecat:a.b:C"), library=library)
    monkeypatch.setitem(sys.modules, "argostranslate", None)
    with pytest.raises(MissingExtraError, match="translate"):
        make_thinker(Think(translate="argos"), library=library)
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match="converse"):
        make_thinker(Think(kind="model", model="x"))
