"""The folded panel of controls: sliders reach the face."""

from __future__ import annotations

from tests.browser.stage_page import StagePage


def test_a_slider_moves_the_face(stage: StagePage) -> None:
    page = stage.page
    assert not page.locator("#controls .sliders").is_visible()
    page.locator("#controls summary").click()
    assert page.locator("#controls .sliders").is_visible()
    slider = page.locator("input[name=eyelid_offset]")
    slider.evaluate("node => { node.value = '-1'; node.dispatchEvent(new Event('input', {bubbles: true})); }")
    stage.until(lambda probe: probe["weights"].get("eyeBlinkLeft", 0) > 0.98, "lids close")
    page.locator("#controls button").click()
    stage.until(lambda probe: probe["weights"].get("eyeBlinkLeft", 1) < 0.5, "lids are as they were")
    page.locator("#controls summary").click()
    assert not stage.noise
