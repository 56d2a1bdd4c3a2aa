"""The chips of emotions in a real browser: the face gets there, and back."""

from __future__ import annotations

import pytest

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]


def _pick(stage: StagePage, name: str) -> None:
    stage.page.locator(f"label:has(input[name=emotion][value='{name}'])").click()


def test_a_picked_emotion_is_worn_and_taken_off(stage: StagePage) -> None:
    stage.page.click("#tab-face")
    assert not stage.page.is_visible("#amount-row")
    _pick(stage, "joy")
    stage.until(lambda probe: probe["weights"]["mouthSmileLeft"] > 0.55, "it smiles")
    assert stage.page.is_visible("#amount-row")
    _pick(stage, "anger")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] > 0.5, "it frowns")
    stage.page.fill("#amount-row input", "0.1")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] < 0.25, "less so")
    _pick(stage, "")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] < 0.08, "it is calm again")
    assert not stage.page.is_visible("#amount-row")
    assert stage.noise == []
