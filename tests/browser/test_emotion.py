"""The picker of emotions in a real browser: the face gets there, and back."""

from __future__ import annotations

import pytest

from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]


def test_a_picked_emotion_is_worn_and_taken_off(stage: StagePage) -> None:
    assert not stage.page.is_visible("#amount")
    stage.page.select_option("#emotion", "joy")
    stage.until(lambda probe: probe["weights"]["mouthSmileLeft"] > 0.55, "it smiles")
    assert stage.page.is_visible("#amount")
    stage.page.select_option("#emotion", "anger")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] > 0.5, "it frowns")
    stage.page.fill("#amount", "0.1")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] < 0.25, "less so")
    stage.page.select_option("#emotion", "")
    stage.until(lambda probe: probe["weights"]["browDownLeft"] < 0.08, "it is calm again")
    assert not stage.page.is_visible("#amount")
    assert stage.noise == []
