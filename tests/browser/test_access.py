"""Who uses keys, a phone, another language, or ears instead of eyes gets the whole page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]
PANELS = ("talk", "look", "sound", "face", "outputs", "takes", "timing", "settings", "check")


def _grave(stage: StagePage) -> list[str]:
    found: dict[str, Any] = Axe().run(stage.page)
    return [
        f"{row['id']}: {row['nodes'][0]['html'][:120]}"
        for row in found["violations"]
        if row["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_panel_has_a_grave_fault_of_access(visit: Visit, theme: str) -> None:
    stage = visit(color_scheme=theme, reduced_motion="reduce")
    assert _grave(stage) == []
    for panel in PANELS:
        stage.page.click(f"#tab-{panel}")
        stage.page.wait_for_timeout(300)
        assert _grave(stage) == [], panel
    stage.page.click("#tab-takes")
    stage.page.get_by_role("button", name="Trim and export: A first take").click()
    stage.page.wait_for_timeout(300)
    assert _grave(stage) == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_conversation_has_no_grave_fault_of_access(visit: Visit, theme: str) -> None:
    stage = visit(color_scheme=theme, reduced_motion="reduce")
    page = stage.page
    for text in ("Tell me a long story", "When are you open?", "fault", "wen opn"):
        page.fill("#text", text)
        page.press("#text", "Enter")
        page.get_by_text(text, exact=True).last.wait_for()
        page.wait_for_timeout(500)
    page.locator(".suggestion").first.wait_for()
    page.locator(".latency").last.focus()
    page.locator(".tip").wait_for()
    page.wait_for_timeout(300)
    assert _grave(stage) == []


def test_a_phone_has_everything_within_reach(visit: Visit) -> None:
    stage = visit(width=390, height=844, has_touch=True, is_mobile=True)
    page = stage.page
    page.fill("#text", "Hello.")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for panel in PANELS:
        page.click(f"#tab-{panel}")
        for name in ("#sheet", "#speak", "#talk", f"#tab-{panel}"):
            box = page.locator(name).bounding_box()
            assert box is not None, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 390, name
            assert box["y"] + box["height"] <= 844, name
        inner = page.locator(".sheet-body").evaluate("node => node.scrollWidth - node.clientWidth")
        assert inner <= 0, f"{panel} overflows"
    page.click(".sheet-head button")
    assert page.locator("#sheet").is_hidden()


def test_the_language_changes_at_once_and_is_remembered(visit: Visit) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-face")
    page.click("#language")
    assert page.inner_text("#speak-label") == "提问"
    assert page.inner_text("#sheet-title") == "表情"
    assert page.inner_text("label:has(input[value=joy])") == "喜悦"
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    page.reload()
    stage.until(lambda probe: probe["ready"], "the avatar is back")
    assert page.inner_text("#link") == "已连接"
    page.click("#language")
    assert page.inner_text("#speak-label") == "Ask"


def test_keys_reach_the_panels_and_the_camera(visit: Visit) -> None:
    stage = visit()
    page = stage.page
    page.focus("#tab-look")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "sheet-title"
    page.keyboard.press("Escape")
    assert page.locator("#sheet").is_hidden()
    assert page.evaluate("() => document.activeElement.id") == "tab-look"
    page.focus("#view")
    page.keyboard.press("1")
    page.click("#tab-look")
    assert page.locator("input[name=camera][value=face]").is_checked()
    page.keyboard.press("Control+m")
    page.locator("#talk[aria-pressed=true], #notice:not([hidden])").first.wait_for()


def test_dark_is_chosen_and_remembered(visit: Visit) -> None:
    page = visit(color_scheme="light").page
    page.click("#theme")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("() => getComputedStyle(document.body).colorScheme") in ("dark", "light dark")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
