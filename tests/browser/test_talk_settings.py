"""The panel of settings: a form of the server's own schema, with its presets, locks and errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]


def test_settings_are_saved_and_an_error_stands_at_its_field(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-settings")
    page.fill("#set-think-script", "bank")
    expect(page.locator("#save-bar")).to_contain_text("1 change")
    page.locator("[data-section=think] summary").click()
    page.fill("#set-think-max_tokens", "0")
    page.click("#settings-save")
    tokens = page.locator("#set-think-max_tokens")
    expect(tokens).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#set-think-max_tokens-error")).to_contain_text("got 0")
    expect(tokens).to_be_focused()
    assert fake.settings.think.script == "museum", "nothing is saved by halves"
    page.fill("#set-think-max_tokens", "120")
    page.click("#settings-save")
    expect(page.locator("#save-bar")).to_be_hidden()
    assert fake.changes[-1] == {"think": {"script": "bank", "max_tokens": 120}}
    assert (fake.settings.think.script, fake.settings.think.max_tokens) == ("bank", 120)


def test_values_of_every_kind_keep_their_types(visit: Visit, fake: FakeStage) -> None:
    page = visit().page
    page.click("#tab-settings")
    page.locator("#set-hear-denoise").check()
    page.select_option("#set-hear-turn", "push")
    page.locator("[data-section=hear] summary").click()
    page.fill("#set-hear-languages", "en, zh")
    page.locator("[data-section=think] summary").click()
    page.fill("#set-think-threshold", "0.6")
    page.locator("[data-section=speak] summary").click()
    page.fill("#set-speak-voices", "en = hibari\nzh = kokoro")
    page.fill("#set-remember-days", "")
    page.fill("#set-speak-options", "{broken")
    page.click("#settings-save")
    expect(page.locator("#set-speak-options-error")).to_contain_text("JSON")
    page.fill("#set-speak-options", '{"region": "west"}')
    page.click("#settings-save")
    expect(page.locator("#save-bar")).to_be_hidden()
    assert fake.changes == [
        {
            "hear": {"denoise": True, "turn": "push", "languages": ["en", "zh"]},
            "think": {"threshold": 0.6},
            "speak": {"options": {"region": "west"}, "voices": {"en": "hibari", "zh": "kokoro"}},
            "remember": {"days": None},
        }
    ]


def test_presets_origins_and_secrets(visit: Visit, fake: FakeStage) -> None:
    page = visit().page
    page.click("#tab-settings")
    address = page.locator("#set-think-base_url")
    expect(address).to_be_disabled()
    expect(page.locator("#set-think-base_url-help")).to_contain_text("RHAPSODE_THINK_BASE_URL")
    expect(page.locator("#set-speak-rate-help")).to_contain_text("--rate")
    expect(page.locator("[data-key='think.kind'] .origin")).to_have_text("from the preset")
    assert page.locator("input[type=password]").count() == 0
    assert page.locator("[data-key*=api_key]").count() == 0
    page.locator("[data-preset=ollama]").click()
    expect(page.locator("#set-think-model")).to_have_value("qwen3")
    expect(page.locator("#notice")).to_contain_text("Ollama")
    assert fake.changes == [{"preset": "ollama"}]


def test_where_settings_may_only_be_read_nothing_can_be_changed(visit: Visit, fake: FakeStage) -> None:
    fake.editable = False
    page = visit().page
    page.click("#tab-settings")
    expect(page.get_by_text("can only be read from here")).to_be_visible()
    assert page.locator("#settings :is(input, select, textarea):enabled").count() == 0
    expect(page.locator(".preset").first).to_be_disabled()


def test_settings_in_chinese_name_every_field(visit: Visit) -> None:
    page = visit(locale="zh-CN").page
    page.click("#tab-settings")
    page.locator("#set-think-kind").wait_for()
    labels = page.locator("#settings label > span:first-child").all_text_contents()
    assert len(labels) > 30
    untold = [words for words in labels if not re.search("[\u4e00-\u9fff]", words)]
    assert untold == [], "add it to web/src/strings-settings.ts and -zh.ts"
    helps = page.locator("#settings .setting-help").all_text_contents()
    assert [words for words in helps if not re.search("[\u4e00-\u9fff]", words)] == []


def test_the_language_is_fixed_for_voice_and_writing(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    page = stage.page
    page.click("#tab-talk")
    page.locator(".talk-options summary").click()
    page.select_option("#talk-language", "zh")
    stage.until(lambda _: fake.told("talk"), "the language is told")
    assert fake.told("talk") == [{"type": "talk", "language": "zh"}]
    assert fake.changes == []
    page.fill("#text", "你好！")
    page.press("#text", "Enter")
    stage.until(lambda _: fake.told("ask"), "it is asked")
    assert fake.told("ask")[-1] == {"type": "ask", "text": "你好！", "language": "zh"}
    page.reload()
    stage.until(lambda _: len(fake.told("talk")) == 2, "the session is told again")
    expect(page.locator("#talk-language")).to_have_value("zh")
    page.select_option("#talk-language", "")
    stage.until(lambda _: len(fake.told("talk")) == 3, "the choice is taken back")
    assert fake.told("talk")[-1] == {"type": "talk", "language": "auto"}
