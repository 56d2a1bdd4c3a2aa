"""Answers of a language model over real HTTP: streamed, bounded, and a spoken line where there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any

import pytest

from rhapsode.dialogue import fallbacks
from rhapsode.dialogue.marks import Spoken, read_marks, spoken
from rhapsode.dialogue.model import ModelThinker, check
from rhapsode.dialogue.model.breaker import FAILURES, REST_S, Breaker
from rhapsode.dialogue.model.prompt import INTERRUPTED, history_messages, language_name, messages_for
from rhapsode.dialogue.turns import Piece, Question, Say, Source, Turn
from rhapsode.errors import SettingError
from rhapsode.face.emotion import Emotion
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer, Reply

pytest.importorskip("openai")

SECRET = "sk-verysecret-0123456789"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RHAPSODE_THINK_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def think(server: OpenAIServer, **more: Any) -> Think:
    return Think(base_url=server.base_url, **{"model": "small", "kind": "model", **more})


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


async def collect(pieces: AsyncIterator[Piece]) -> list[Piece]:
    return [piece async for piece in pieces]


def ask(
    thinker: ModelThinker, text: str = "Who are you?", language: str = "en", history: Sequence[Turn] = ()
) -> list[Piece]:
    return run(collect(thinker.answer(Question(text, language), history)))  # type: ignore[no-any-return]


def text_of(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Say))


def sources(pieces: Sequence[Piece]) -> list[Source]:
    return [piece for piece in pieces if isinstance(piece, Source)]


def test_an_answer_streams_with_its_marks(server: OpenAIServer) -> None:
    server.replies("[jo", "y:0.5] Hel", "lo", " there. ", "[nod", "] Come in.")
    pieces = ask(ModelThinker(think(server)))
    assert pieces[0] == Source("model", id="small")
    assert text_of(pieces) == "[joy:0.5] Hello there. [nod] Come in."
    assert len(pieces) > 3
    halves = [piece.text for piece in pieces if isinstance(piece, Say)]
    assert all(not isinstance(p, Spoken) or "[" not in p.text for half in halves for p in read_marks(half))


def test_what_the_request_holds(server: OpenAIServer) -> None:
    settings = think(server, persona="You are Ada.", temperature=0.2, max_tokens=77, options={"top_p": 0.9})
    thinker = ModelThinker(settings)
    history = [
        Turn("assistant", "Welcome!"),
        Turn("user", "Tell me of the clock."),
        Turn("assistant", "It was made in", interrupted=True),
        Turn("user", "今天几点关门？", "zh"),
    ]
    question = Question("今天几点关门？", "zh", emotion=Emotion(sadness=0.5), emotion_certainty=0.8)
    run(collect(thinker.answer(question, history)))
    body = server.requests[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("small", 0.2, 77)
    assert (body["top_p"], body["stream"]) == (0.9, True)
    assert "tools" not in body
    system, *told = body["messages"]
    assert system["role"] == "system"
    for part in ("You are Ada.", "Chinese (Mandarin)", "[joy]", "[nod]", INTERRUPTED):
        assert part in system["content"]
    assert [message["role"] for message in told] == ["user", "assistant", "user", "assistant", "user"]
    assert told[3]["content"] == f"It was made in {INTERRUPTED}"
    assert told[4]["content"].count("今天几点关门？") == 1
    assert "sadness" in told[4]["content"]
    assert spoken(f"It was {INTERRUPTED}") == "It was"


@pytest.mark.parametrize(
    ("longest", "kept"), [(0, []), (1, ["d"]), (2, ["c", "d"]), (9, ["a", "b", "c", "d"])]
)
def test_history_is_trimmed_from_its_beginning(longest: int, kept: str) -> None:
    history = [Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d")]
    told = [message["content"] for message in history_messages(history, longest=longest)]
    assert [text for text in told if len(text) == 1] == list(kept)


def test_roles_alternate_whatever_the_history() -> None:
    odd = [
        Turn("assistant", "Hi"),
        Turn("assistant", "", interrupted=True),
        Turn("user", "x"),
        Turn("user", " "),
    ]
    told = messages_for(Question("y"), [*odd, Turn("user", "z")], persona="", longest=20)
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert told[2]["content"] == f"Hi\n{INTERRUPTED}"
    assert told[3]["content"] == "x\nz\ny"
    long = [Turn("user", "w" * 10_000), Turn("assistant", "v" * 10_000)]
    assert [message["role"] for message in history_messages(long, longest=20)] == ["user", "assistant"]
    assert "w" not in str(history_messages(long, longest=20)[0]["content"])


def test_thoughts_of_a_model_are_not_said_and_do_not_count_as_words(server: OpenAIServer) -> None:
    server.replies("<think>", "the user [joy] wants", "</think>", "\n\n", "Yes.")
    pieces = ask(ModelThinker(think(server)))
    assert spoken(text_of(pieces)) == "Yes."
    assert [source.kind for source in sources(pieces)] == ["model"]


FAULTS = [
    (Reply(behaviour="refuse", status=500), "HTTP 500", "trouble"),
    (Reply(behaviour="refuse", status=429, message="slow down"), "HTTP 429: slow down", "trouble"),
    (Reply(behaviour="refuse", status=404, message="no such model"), "no such model", "trouble"),
    (Reply(behaviour="slow"), "no word from", "slow"),
    (Reply(behaviour="silent"), "no word from", "slow"),
    (Reply(["<think>"], behaviour="stall"), "no word from", "slow"),
    (Reply(behaviour="garbage"), "sent what is no answer", "trouble"),
    (Reply(behaviour="html"), "sent what is no answer", "trouble"),
    (Reply([]), "without words", "trouble"),
    (Reply(["  \n", "[joy]", "..."]), "without words", "trouble"),
    (Reply(["<think>I never stop thinking"]), "without words", "trouble"),
    (Reply([], behaviour="cut"), "broke off", "trouble"),
    (Reply([], finish="content_filter"), "content_filter", "trouble"),
]


@pytest.mark.parametrize(
    ("reply", "reason", "kind"), FAULTS, ids=[f"{reply.behaviour}-{why[:12]}" for reply, why, _ in FAULTS]
)
def test_faults_before_the_first_word_are_spoken_of(
    server: OpenAIServer, reply: Reply, reason: str, kind: fallbacks.Kind
) -> None:
    server.reply(reply)
    pieces = ask(ModelThinker(think(server, first_s=0.3 if kind == "slow" else 15)), language="de")
    assert len(pieces) == 2
    source, say = pieces
    assert isinstance(source, Source)
    assert source.kind == "fallback"
    assert reason in source.reason
    assert source.language == "de"
    assert isinstance(say, Say)
    assert spoken(say.text) == fallbacks.fallback("de", kind)


CUTS = [
    (Reply(["Well, it is ", "so [jo"], behaviour="cut"), "broke off"),
    (Reply(["Well, it is ", "so"], behaviour="short"), "broke off"),
    (Reply(["Well, it is ", "so "], behaviour="stall"), "no further word"),
    (Reply(["Well, it is ", "so <think> and"], behaviour="cut"), "broke off"),
    (Reply(["Well, it is so ```py"], behaviour="cut"), "broke off"),
    (Reply(["Well, it is [so](http://x"], behaviour="cut"), "broke off"),
]


@pytest.mark.parametrize(
    ("reply", "reason"), CUTS, ids=[f"{r.behaviour}-{n}" for n, (r, _) in enumerate(CUTS)]
)
def test_what_was_said_before_a_cut_stays_and_is_ended_politely(
    server: OpenAIServer, reply: Reply, reason: str
) -> None:
    server.reply(reply)
    pieces = ask(ModelThinker(think(server, stall_s=0.3)), language="fr")
    assert [source.kind for source in sources(pieces)] == ["model", "fallback"]
    assert reason in sources(pieces)[1].reason
    assert isinstance(pieces[-2], Source)
    said = spoken(text_of(pieces))
    assert said.startswith("Well, it is so")
    assert said.split("\n")[1] == fallbacks.fallback("fr", "cut")


def test_an_orderly_end_without_a_reason_is_an_end_where_the_sentence_is_over(server: OpenAIServer) -> None:
    server.reply(Reply(["All is ", "well."], behaviour="short"))
    pieces = ask(ModelThinker(think(server)))
    assert text_of(pieces) == "All is well."


def test_an_endless_answer_ends(server: OpenAIServer) -> None:
    server.reply(Reply(["On and on. "], behaviour="endless"))
    pieces = ask(ModelThinker(think(server, max_tokens=20)))
    assert "no end" in sources(pieces)[-1].reason
    assert len(text_of(pieces)) < 2000
    assert server.wait_gone()


def test_nobody_at_the_address(server: OpenAIServer) -> None:
    settings = Think(base_url="http://127.0.0.1:9/v1", model="x")
    pieces = ask(ModelThinker(settings), language="ko")
    assert "cannot reach http://127.0.0.1:9/v1" in sources(pieces)[0].reason
    assert spoken(text_of(pieces)) == fallbacks.fallback("ko")


@pytest.mark.parametrize("behaviour", ["slow", "stall", "endless"])
def test_closing_the_answer_closes_the_request_at_once(server: OpenAIServer, behaviour: Any) -> None:
    server.reply(Reply(["Hello. "], behaviour=behaviour))
    thinker = ModelThinker(think(server, max_tokens=100_000))

    async def interrupt() -> None:
        pieces = thinker.answer(Question("x"), ())
        if behaviour == "slow":
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.to_thread(server.waiting.wait, 5)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            assert isinstance(await anext(pieces), Source)
        await pieces.aclose()
        assert await asyncio.to_thread(server.wait_gone)

    run(interrupt())


def test_the_next_answer_after_an_interruption_is_whole(server: OpenAIServer) -> None:
    server.reply(Reply(["Old. "], behaviour="endless"), Reply(["New."]))
    thinker = ModelThinker(think(server))

    async def both() -> list[Piece]:
        pieces = thinker.answer(Question("x"), ())
        await anext(pieces)
        await pieces.aclose()
        return await collect(thinker.answer(Question("y"), ()))

    assert text_of(run(both())) == "New."


def test_two_conversations_at_once_do_not_mix(server: OpenAIServer) -> None:
    server.answer = lambda body: Reply([f"You said {body['messages'][-1]['content']}."] + [" So."] * 5)
    thinker = ModelThinker(think(server))

    async def all_of() -> list[list[Piece]]:
        asked = (collect(thinker.answer(Question(f"q{n}"), ())) for n in range(6))
        return await asyncio.gather(*asked)

    for n, pieces in enumerate(run(all_of())):
        assert text_of(pieces) == f"You said q{n}." + " So." * 5


@pytest.mark.parametrize("variable", ["RHAPSODE_THINK_API_KEY", "OPENAI_API_KEY"])
def test_the_key_comes_from_the_environment_and_is_never_shown(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with OpenAIServer(key=SECRET) as server:
        monkeypatch.setenv(variable, SECRET)
        thinker = ModelThinker(think(server))
        assert sources(ask(thinker))[0].kind == "model"
        assert SECRET not in repr(vars(thinker)) + str(thinker)
        wrong = SECRET + "-old"
        monkeypatch.setenv(variable, wrong)
        refused = sources(ask(ModelThinker(think(server))))[0]
        assert "HTTP 401" in refused.reason
        assert "RHAPSODE_THINK_API_KEY" in refused.reason
        found = check(think(server))
        assert not found.usable
        for shown in (refused.reason, found.message, caplog.text):
            assert SECRET not in shown


def test_our_own_key_goes_before_the_vendors(monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "b")
    monkeypatch.setenv("RHAPSODE_THINK_API_KEY", "a")
    ask(ModelThinker(think(server)))
    assert server.headers[0]["authorization"] == "Bearer a"


def test_a_server_without_a_named_model_is_asked_for_its_first(server: OpenAIServer) -> None:
    pieces = ask(ModelThinker(think(server, model="")))
    assert pieces[0] == Source("model", id="small")
    server.models = ()
    assert "has no model" in sources(ask(ModelThinker(think(server, model=""))))[0].reason


def test_arguments_that_a_server_does_not_take_are_left_out(server: OpenAIServer) -> None:
    def picky(body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            told = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return Reply(behaviour="refuse", status=400, message=told)
        if "temperature" in body:
            return Reply(behaviour="refuse", status=400, message="'temperature' does not support 0.7")
        return Reply(["Fine."])

    server.answer = picky
    thinker = ModelThinker(think(server))
    assert text_of(ask(thinker)) == "Fine."
    assert text_of(ask(thinker)) == "Fine."
    assert len(server.requests) == 4
    assert server.requests[-1]["max_completion_tokens"] == 300


@pytest.mark.parametrize("address", ["", "localhost:11434", "ftp://x/v1", "http://"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(SettingError, match=r"think\.base_url must be the address of a server"):
        ModelThinker(Think(base_url=address))


def test_options_cannot_replace_the_question() -> None:
    with pytest.raises(SettingError, match=r"think\.options cannot hold messages, stream"):
        ModelThinker(Think(options={"messages": [], "stream": False, "top_p": 1}))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_dead_server_does_not_cost_every_turn_its_wait(server: OpenAIServer) -> None:
    clock = Clock()
    server.reply(Reply(behaviour="slow"))
    thinker = ModelThinker(think(server, first_s=0.2), clock=clock)
    for _ in range(FAILURES):
        ask(thinker)
    asked = len(server.requests)
    pieces = ask(thinker)
    assert "keeps failing" in sources(pieces)[0].reason
    assert text_of(pieces)
    assert len(server.requests) == asked
    server.replies("Back.")
    clock.now += REST_S + 1
    assert text_of(ask(thinker)) == "Back."
    assert text_of(ask(thinker)) == "Back."


def test_the_breaker_lets_one_trial_through_and_rests_longer_each_time() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.wait_s() == 0
        breaker.failed()
    assert breaker.wait_s() == REST_S
    clock.now += REST_S
    assert breaker.wait_s() == 0
    assert breaker.wait_s() > 0, "one trial at a time"
    breaker.failed()
    assert breaker.wait_s() == 2 * REST_S
    clock.now += 2 * REST_S
    assert breaker.wait_s() == 0
    breaker.dropped()
    assert breaker.wait_s() == 0
    breaker.worked()
    assert not breaker.open


def test_refusals_do_not_open_the_breaker(server: OpenAIServer) -> None:
    server.reply(Reply(behaviour="refuse", status=429))
    thinker = ModelThinker(think(server))
    for _ in range(FAILURES + 2):
        ask(thinker)
    assert len(server.requests) == FAILURES + 2


def test_lines_differ_when_a_fault_repeats(server: OpenAIServer) -> None:
    server.reply(Reply([]))
    thinker = ModelThinker(think(server))
    assert text_of(ask(thinker)) != text_of(ask(thinker))


def test_check_tells_what_there_is(server: OpenAIServer) -> None:
    assert check(think(server)).usable
    assert check(think(server, model="")).models == ("small", "large")
    missing = check(think(server, model="smal"))
    assert (missing.reachable, missing.usable) == (True, False)
    assert "did you mean small" in missing.message
    server.models = None
    assert check(think(server)).reachable
    assert "tells no models" in check(think(server)).message
    server.models = ()
    assert not check(think(server)).usable
    nobody = check(Think(base_url="http://user:pass@127.0.0.1:9/v1"))
    assert not nobody.reachable
    assert "is the server running" in nobody.message
    assert "pass" not in nobody.message


@pytest.mark.parametrize("language", fallbacks.LANGUAGES)
def test_fallback_lines(language: str) -> None:
    every = fallbacks.lines(language)
    assert len(set(every)) == len(every) >= 4
    assert all(spoken(line) == line for line in every)
    assert language_name(language) != language
    assert fallbacks.served(f"{language}-XX") == language


def test_the_languages_of_the_voices_have_lines_and_others_get_english() -> None:
    assert {"en", "zh", "ja", "es", "fr", "de", "it", "pt", "hi", "ko"} <= set(fallbacks.LANGUAGES)
    assert fallbacks.fallback("sw") == fallbacks.fallback("en")
    assert fallbacks.served("") == "en"


def test_a_listener_whose_language_has_no_lines_gets_english_and_it_is_told() -> None:
    pieces = ask(ModelThinker(Think(base_url="http://127.0.0.1:9/v1", model="x")), language="sw")
    assert sources(pieces)[0].language == "en"
