"""The page of conversations that were kept: read, searched, saved and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from rhapsode.conversation.events import Asked, Event, Latency
from rhapsode.dialogue.log.writer import LogWriter
from rhapsode.server.settings import ServerSettings
from rhapsode.settings import Remember, Settings
from tests.dialogue.logged import keep, lost, suggested, turn, url_of
from tests.server.fake_conversation import FakeTalking
from tests.server.serve import serving_app

pytestmark = [pytest.mark.browser]

Visit = Callable[..., Page]
NAMES = ("Where is the cafe?", "Which painting is the oldest?", "When do you close today?")


def fill(url: str) -> None:
    """Keep some conversations."""
    everything = Remember(conversations=True, sound=True)
    for k, name in enumerate(NAMES):
        keep(url, *turn(1, name, "On the ground floor, to the left of the stairs."), person=f"visitor {k}")
    keep(url, *turn(1, "你们几点开门？", "我们每天上午九点开门。"), *lost(2, "能带狗吗？"))
    timed: list[Event] = []
    for k in range(1, 31):
        stages = {"turn_end": 200.0 + 9 * k, "recognise": 310.0, "think": 12.0 * (k % 7), "speak": 140.0}
        timed += [Asked(k, f"question {k}", "en"), Latency(k, sum(stages.values()) + 20, stages)]
    timed += [Asked(31, "question 31", "en", spoken=False), Latency(31, 90.0, {"think": 20.0, "speak": 50.0})]
    keep(url, *timed)
    writer = LogWriter(url, everything)
    log = writer.begin("s", "visitor 9")
    for event in (*turn(1, "Who painted this?"), *lost(2, "Who won the match?"), *suggested(3)):
        log(event)
    log.add_sound(1, "user", np.zeros(16_000, np.float32), 16_000)
    assert writer.flush(60)
    writer.close()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    url = url_of(tmp_path / "log.sqlite3")
    fill(url)
    talking = FakeTalking(Settings(remember=Remember(conversations=True, url=url)))
    with serving_app(ServerSettings(port=0, takes=str(tmp_path)), talking=talking) as (served, _):
        yield f"{served}/conversations.html"


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    contexts = []
    noise: list[str] = []

    def opened(query: str = "", *, width: int = 1200, height: int = 800, **options: Any) -> Page:
        options.setdefault("locale", "en-US")
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page: Page = contexts[-1].new_page()
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("console", lambda told: noise.append(told.text) if told.type == "error" else None)
        page.goto(address + query)
        expect(page.locator(".row").or_(page.locator(".sheet-page")).first).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert noise == []


def grave(page: Page) -> list[str]:
    found = Axe().run(page)["violations"]
    return [
        f"{row['id']}: {row['nodes'][0]['html'][:120]}"
        for row in found
        if row["impact"] in ("serious", "critical")
    ]


def test_conversations_are_found_read_saved_and_deleted(visit: Visit):
    page = visit()
    expect(page.locator(".row")).to_have_count(6)
    page.get_by_label("Search questions and answers").fill("painting")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_label("Search questions and answers").fill("zzz")
    expect(page.get_by_text("Nothing holds these words.")).to_be_visible()
    page.get_by_label("Search questions and answers").fill("")
    page.get_by_role("link", name="Who painted this?").click()
    reader = page.locator(".reader")
    expect(reader.locator(".turn")).to_have_count(3)
    expect(reader.get_by_text("It was to say: I do not know.")).to_be_visible()
    expect(reader.get_by_text("Script where 0.83 · 840 ms")).to_be_visible()
    expect(reader.locator("audio")).to_have_count(1)
    expect(reader.get_by_role("img")).to_have_attribute(
        "aria-label", "End of turn 400 ms, Recognise 300 ms, Think 20 ms, Voice 120 ms"
    )
    with page.expect_download() as saving:
        reader.get_by_role("link", name="CSV").click()
    assert "Who won the match?" in Path(saving.value.path()).read_text("utf-8")
    reader.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    reader.get_by_role("button", name="Delete all of this person").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("One conversation is deleted.")).to_be_visible()
    expect(page.locator(".row")).to_have_count(5)
    expect(page.get_by_text("Choose a conversation to read it.")).to_be_visible()


def test_what_is_not_answered_and_how_long_answers_take(visit: Visit):
    page = visit()
    page.get_by_role("link", name="Unanswered", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Latency", exact=True).click()
    spoken, written = page.locator("table").first, page.locator("table").last
    expect(page.locator("table")).to_have_count(2)
    expect(spoken.locator("tbody tr").first).to_contain_text("Whole")
    expect(spoken).to_contain_text("End of turn")
    expect(written.locator("tbody tr").first.locator("td").nth(1)).to_have_text("90 ms")
    expect(written).not_to_contain_text("End of turn")
    assert page.locator(".chart rect").count() > 100
    page.get_by_role("link", name="Unanswered", exact=True).click()
    page.get_by_role("link", name="Who won the match?").click()
    expect(page.locator(".turn")).to_have_count(3)
    expect(page.locator(".row[aria-current]")).to_contain_text("Who painted this?")


def test_the_page_speaks_chinese_and_fits_a_phone(visit: Visit):
    page = visit("?lang=zh", width=390, height=800)
    expect(page.get_by_role("link", name="未能回答", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("link", name="你们几点开门？").click()
    expect(page.get_by_text("我们每天上午九点开门。")).to_be_visible()
    expect(page.locator(".list")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="返回列表").click()
    expect(page.locator(".list")).to_be_visible()
    page.get_by_role("button", name="EN").click()
    expect(page.get_by_role("link", name="Unanswered", exact=True)).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_view_has_a_grave_fault_of_access(visit: Visit, theme: str):
    page = visit(color_scheme=theme, reduced_motion="reduce")
    page.get_by_role("link", name="Who painted this?").click()
    expect(page.locator(".turn")).to_have_count(3)
    assert grave(page) == []
    page.get_by_role("button", name="Delete", exact=True).click()
    assert grave(page) == []
    page.keyboard.press("Escape")
    for view in ("Unanswered", "Latency"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.locator("table").first).to_be_visible()
        assert grave(page) == []
