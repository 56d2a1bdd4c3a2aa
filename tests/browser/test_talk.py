"""Talking on the page: the button's states, words as they come, answers, interruptions, and what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.conftest import FLAGS, find_browser
from tests.browser.fake_stage import FakeStage
from tests.browser.fake_talk import FakeTalk
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]


@pytest.fixture(scope="module")
def hearing_browser(playwright_here: Playwright) -> Iterator[Browser]:
    """Start a chromium with a microphone that beeps and that every page may use."""
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    started = playwright_here.chromium.launch(executable_path=find_browser(), args=flags)
    yield started
    started.close()


@pytest.fixture
def hear(hearing_browser: Browser, fake: FakeStage) -> Iterator[Callable[..., StagePage]]:
    """Open pages that have a microphone."""
    contexts = []

    def opened(query: str = "", *, width: int = 1280, height: int = 800, locale: str = "en-US") -> StagePage:
        contexts.append(
            hearing_browser.new_context(viewport={"width": width, "height": height}, locale=locale)
        )
        stage = StagePage(contexts[-1].new_page(), f"{fake.address}/{query}")
        stage.open()
        return stage

    yield opened
    for context in contexts:
        context.close()


def _state(page: Page, state: str) -> None:
    expect(page.locator("#talk")).to_have_attribute("data-state", state)


def _ask(stage: StagePage, text: str) -> None:
    stage.page.fill("#text", text)
    stage.page.press("#text", "Enter")


def test_a_spoken_question_goes_through_all_states(hear: Visit, fake: FakeStage) -> None:
    stage = hear()
    page = stage.page
    expect(page.locator("#talk")).to_have_text(re.compile("Talk"))
    page.click("#talk")
    _state(page, "listening")
    assert fake.told("mic")[0]["to"] == "talk"
    expect(page.locator("#talk")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#talk-state")).to_have_text("Listening")
    fake.tell("speech_started", ago_ms=0)
    expect(page.locator("#partial .dots")).to_be_visible()
    fake.tell("partial", text="When are", language="en")
    expect(page.locator("#partial")).to_have_text("When are")
    fake.tell("speech_stopped", ago_ms=200)
    fake.answer("When are you open?", emotion="joy:0.4")
    _state(page, "speaking")
    expect(page.locator("#partial")).to_be_hidden()
    mine = page.locator(".bubble.mine").first
    expect(mine.locator(".words")).to_have_text("When are you open?")
    expect(mine.locator(".feeling")).to_have_text("joy 40 %")
    expect(page.locator(".exchange .source")).to_have_text("Script")
    fake.tell("called", turn=1, id="c1", name="lamp", arguments="{}")
    fake.tell("of_a_newer_server", turn=1)
    stage.until(lambda probe: probe["speaking"], "it is heard")
    _state(page, "listening")
    expect(page.locator(".exchange").first).to_contain_text("We are open every day but Monday")
    fake.tell("partial", text="And now", language="en")
    expect(page.locator("#partial")).to_have_text("And now")
    fake.tell("heard", text="And now?", language="en")
    expect(page.locator("#partial")).to_be_hidden()
    stage.until(lambda _: fake.heard, "the microphone is sent")
    page.click("#talk")
    _state(page, "off")
    assert fake.told("mic")[-1] == {"type": "mic", "on": False}
    assert stage.noise == []


def test_a_person_who_speaks_cuts_the_answer_where_it_was_heard(hear: Visit, fake: FakeStage) -> None:
    stage = hear()
    page = stage.page
    page.click("#talk")
    _state(page, "listening")
    fake.answer("Tell me a long story")
    stage.until(lambda probe: probe["speaking"], "it speaks")

    async def cut(talk: FakeTalk) -> None:
        talk.client.start(talk.client.idle(announce=True))
        await talk.cut()

    fake.play(cut)
    stage.until(lambda probe: not probe["speaking"], "silence")
    expect(page.locator(".unheard")).to_contain_text("there was a clock")
    expect(page.locator(".exchange .stopped")).to_have_text("interrupted")
    words = page.locator(".exchange .bubble:not(.mine) .words")
    assert words.evaluate("node => node.firstChild.textContent") == "Once upon a time"
    _state(page, "listening")


def test_escape_and_stop_interrupt(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    for key in (True, False):
        _ask(stage, "Tell me a long story")
        stage.until(lambda probe: probe["speaking"], "it speaks")
        expect(page.locator("#speak-label")).to_have_text("Stop")
        before = len(fake.told("stop"))
        if key:
            page.keyboard.press("Escape")
        else:
            page.click("#speak")
        stage.until(lambda probe: not probe["speaking"], "silence")
        expect(page.locator(".unheard")).to_have_count(1 if key else 2)
        assert len(fake.told("stop")) == before + 1
    expect(page.locator("#sheet")).to_be_visible()


def test_a_written_question_is_asked_and_a_line_can_be_repeated(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    _ask(stage, "Hello!")
    stage.until(lambda probe: probe["speaking"], "it answers")
    assert fake.told("ask") == [{"type": "ask", "text": "Hello!"}]
    assert page.input_value("#text") == ""
    expect(page.locator(".exchange .gesture")).to_have_text("waves")
    page.locator("#modes .chip", has_text="Repeat").click()
    stage.until(lambda probe: not probe["speaking"], "it has answered")
    expect(page.locator("#speak-label")).to_have_text("Speak")
    expect(page.locator(".sample[data-name=moon]")).to_be_visible()
    _ask(stage, "Only this.")
    stage.until(lambda _: fake.told("say"), "it is said")
    page.reload()
    stage.until(lambda probe: probe["ready"], "the avatar is back")
    expect(page.locator("#speak-label")).to_have_text("Speak")
    page.click("#tab-talk")
    expect(page.locator(".bubble.mine .words").first).to_have_text("Hello!")


def test_suggestions_starters_and_links(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.get_by_role("button", name="When are you open?").click()
    link = page.locator(".shown-link")
    expect(link).to_have_attribute("href", "https://museum.example/hours")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")
    expect(page.locator("#samples a")).to_have_text(re.compile("Opening hours"))
    _ask(stage, "wen opn")
    meant = page.locator(".suggestion", has_text="When are you open?")
    meant.click()
    stage.until(lambda _: len(fake.told("ask")) == 3, "what was meant is asked")
    assert fake.told("ask")[-1]["text"] == "When are you open?"
    expect(page.locator(".source[data-kind=fallback]")).to_have_text("Fallback")
    _ask(stage, "trap")
    expect(page.locator(".unsafe")).to_have_text("A trap")
    assert page.locator("a[href^=javascript]").count() == 0


def test_milliseconds_of_an_answer(visit: Visit) -> None:
    stage = visit()
    page = stage.page
    _ask(stage, "Hello!")
    latency = page.locator(".latency")
    expect(latency).to_have_text("0.84 s")
    latency.focus()
    expect(page.locator(".tip")).to_contain_text("330 ms")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_have_count(0)
    page.click("#tab-timing")
    expect(page.locator("#answers")).to_contain_text("End of your turn")
    expect(page.locator("#answers .whole")).to_contain_text("840 ms")


def test_a_fault_is_told_and_the_talk_goes_on(visit: Visit) -> None:
    stage = visit()
    page = stage.page
    _ask(stage, "fault")
    expect(page.locator(".exchange .fault")).to_contain_text("is it running?")
    expect(page.locator("#notice")).to_contain_text("refused")
    expect(page.locator("#speak-label")).to_have_text("Ask")
    _ask(stage, "Hello!")
    stage.until(lambda probe: probe["speaking"], "it answers all the same")


def test_holding_the_button_or_the_space_bar(hear: Visit, fake: FakeStage) -> None:
    stage = hear()
    page = stage.page
    page.click("#tab-talk")
    page.locator(".talk-options summary").click()
    page.locator("label:has(input[name=talk-hold])").click()
    expect(page.locator("#talk")).to_have_text(re.compile("Hold to talk"))
    page.locator("#talk").hover()
    page.mouse.down()
    _state(page, "listening")
    page.wait_for_timeout(500)
    assert not fake.told("end_turn")
    page.mouse.up()
    _state(page, "ready")
    stage.until(lambda _: len(fake.told("end_turn")) == 1, "the turn is over")
    seen = len(fake.heard)
    stage.until(lambda _: len(fake.heard) > seen + 20, "more packets come")
    assert not any(fake.heard[-5:][k][28:].strip(b"\0") for k in range(5)), "and they are silent"
    page.focus("#view")
    page.keyboard.down(" ")
    _state(page, "listening")
    page.wait_for_timeout(500)
    page.keyboard.up(" ")
    stage.until(lambda _: len(fake.told("end_turn")) == 2, "the turn is over")
    page.fill("#text", "a ")
    page.press("#text", " ")
    assert page.input_value("#text") == "a  ", "in the line of text a space is a space"


def test_a_microphone_that_is_not_given_is_explained(visit: Visit) -> None:
    page = visit().page
    page.click("#talk")
    expect(page.locator("#notice")).to_contain_text(re.compile("microphone", re.IGNORECASE))
    page.locator("#notice").get_by_role("button", name="Check").click()
    expect(page.locator("#sheet-title")).to_have_text("Check")
    _state(page, "off")


def test_a_server_that_cannot_talk_says_why_and_still_speaks(visit: Visit, fake: FakeStage) -> None:
    fake.talks = False
    stage = visit()
    page = stage.page
    page.click("#talk")
    expect(page.locator("#notice")).to_contain_text("rhapsode[converse]")
    expect(page.locator("#modes")).to_be_hidden()
    _ask(stage, "Just say this.")
    stage.until(lambda _: fake.told("say"), "it is said")
    assert not fake.told("ask")


def test_a_lost_connection_finds_the_microphone_and_the_talk_again(hear: Visit, fake: FakeStage) -> None:
    stage = hear()
    page = stage.page
    _ask(stage, "Hello!")
    stage.until(lambda probe: probe["speaking"], "it answers")
    stage.until(lambda probe: not probe["speaking"], "to the end")
    page.click("#talk")
    _state(page, "listening")
    before = len(fake.told("mic"))
    fake.drop()
    stage.until(lambda probe: probe["resumed"] and probe["connected"], "it is back")
    stage.until(lambda _: len(fake.told("mic")) > before, "the microphone is announced again")
    assert fake.told("mic")[-1]["to"] == "talk"
    expect(page.locator(".exchange")).to_have_count(1)


def test_the_transcript_is_copied_saved_and_forgotten(visit: Visit, fake: FakeStage) -> None:
    stage = visit(permissions=["clipboard-read", "clipboard-write"])
    page = stage.page
    page.click("#tab-talk")
    expect(page.locator("#talk-copy")).to_be_disabled()
    _ask(stage, "Tell me a long story")
    stage.until(lambda probe: probe["speaking"], "it speaks")
    page.keyboard.press("Escape")
    page.locator(".unheard").wait_for()
    page.click("#talk-copy")
    expect(page.locator("#notice")).to_have_text(re.compile("Copied"))
    text = page.evaluate("() => navigator.clipboard.readText()")
    assert "You: Tell me a long story" in text
    assert "Rhapsode: Once upon a time [interrupted" in text
    with page.expect_download() as download:
        page.click("#talk-save")
    assert download.value.suggested_filename.endswith(".txt")
    page.click("#talk-forget")
    expect(page.locator("#talk-forget")).to_have_text("Really forget?")
    page.click("#talk-forget")
    expect(page.locator(".exchange")).to_have_count(0)
    stage.until(lambda _: fake.told("forget"), "the server forgets too")


def test_in_chinese_on_a_phone(hear: Visit, fake: FakeStage) -> None:
    stage = hear(width=390, height=844, locale="zh-CN")
    page = stage.page
    page.click("#talk")
    expect(page.locator("#talk")).to_have_text(re.compile("正在听"))
    fake.tell("partial", text="几点", language="zh")
    expect(page.locator("#heard")).to_have_text(re.compile("几点"))
    fake.answer("几点开门？")
    stage.until(lambda probe: probe["speaking"], "it answers")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.click("#tab-talk")
    expect(page.locator(".exchange .source")).to_have_text("脚本")
    assert page.locator(".exchange .bubble:not(.mine) .words").get_attribute("lang") == "zh"
    for name in ("#talk", "#text", "#speak", "#sheet"):
        box = page.locator(name).bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
