"""The sliders of the face: they reach it, and go back."""

from __future__ import annotations

import pytest

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]


def test_a_slider_moves_the_face(stage: StagePage) -> None:
    page = stage.page
    page.click("#tab-face")
    slider = page.locator("input[name=eyelid_offset]")
    assert not slider.is_visible()
    page.locator("#controls summary").click()
    assert slider.is_visible()
    slider.evaluate("node => { node.value = '-1'; node.dispatchEvent(new Event('input', {bubbles: true})); }")
    stage.until(lambda probe: probe["weights"].get("eyeBlinkLeft", 0) > 0.98, "lids close")
    page.get_by_role("button", name="Reset").click()
    stage.until(lambda probe: probe["weights"].get("eyeBlinkLeft", 1) < 0.5, "lids are as they were")
    assert slider.input_value() == "0"
    assert not stage.noise
