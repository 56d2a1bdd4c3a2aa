"""A person speaks to the page: chromium's microphone, the real server, a spoken answer with a moving face."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect

from rhapsode.audio.resample import resample
from rhapsode.errors import RhapsodeError
from rhapsode.speech import speak
from tests.browser.conftest import FLAGS, find_browser
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RATE = 48_000
LOADED_MS = 120_000
"""How long a cold and busy machine may take to load everything."""

TALKS = {
    "en": ("kokoro:bf_emma", "How much does a ticket cost?", r"ticket", r"euro", "en-US"),
    "zh": ("kokoro:zf_xiaoxiao", "请问门票多少钱一张？", r"票|多少", r"欧|元", "zh-CN"),
}


def _recording(path: Path, text: str, voice: str) -> Path:
    """Write ``text`` spoken between silences, as the microphone hears it."""
    try:
        said = speak(text, voice)
    except RhapsodeError as error:
        pytest.skip(f"nobody can ask here: {error}")
    sound = resample(said.sound.mono(), said.sound.sample_rate, RATE)
    quiet = np.zeros(2 * RATE, np.float32)
    y = np.concatenate([quiet, sound * (0.5 / np.abs(sound).max()), *[quiet] * 10])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((y * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("language", sorted(TALKS))
def test_a_spoken_question_is_answered_aloud(
    playwright_here: Playwright, address: str, tmp_path: Path, language: str
) -> None:
    voice, question, heard, answered, locale = TALKS[language]
    path = _recording(tmp_path / "question.wav", question, voice)
    flags = [
        *FLAGS,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    ]
    browser = playwright_here.chromium.launch(executable_path=find_browser(), args=flags)
    try:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale=locale)
        stage = StagePage(context.new_page(), address)
        stage.open()
        page = stage.page
        page.click("#tab-talk")
        page.click("#talk")
        mine, answer = page.locator("#chat .mine:not(.live)"), page.locator("#chat .bubble:not(.mine)")
        expect(mine.first).to_contain_text(re.compile(heard, re.IGNORECASE), timeout=LOADED_MS)
        stage.until(lambda probe: probe["speaking"], "it answers")
        stage.until(lambda probe: probe["weights"]["jawOpen"] > 0.1, "with its mouth")
        expect(answer.first).to_contain_text(re.compile(answered))
        expect(page.locator("#talk")).to_have_attribute("data-state", "speaking")
        page.keyboard.press("Escape")
        stage.until(lambda probe: not probe["speaking"], "it is silent")
        stage.until(lambda probe: probe["weights"]["jawOpen"] < 0.1, "with its mouth closed")
        page.click("#talk")
        assert stage.noise == []
    finally:
        browser.close()
