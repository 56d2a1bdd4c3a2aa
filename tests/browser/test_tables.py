"""The page finds faces by the same tables as `rhapsode.avatars`: web/src/tables.json is written from them.

Run ``python -m tests.browser.test_tables`` after a change of the tables, and build the page again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rhapsode.avatars import bones, finding, mouth
from rhapsode.avatars.names import BONES, LOOKS, MOODS, OPEN, SIDED, SINGLE, VISEMES, VOWELS
from rhapsode.protocols.vmc_bones import BONES as HUMANOID
from rhapsode.rigs import ARKIT, lips
from rhapsode.rigs.visemes import SMILE

PATH = Path(__file__).parents[2] / "web" / "src" / "tables.json"


def tables() -> dict[str, Any]:
    """Return what web/src/tables.json holds."""
    return {
        "vowels": VOWELS,
        "visemes": VISEMES,
        "open": OPEN,
        "sided": SIDED,
        "single": SINGLE,
        "moods": MOODS,
        "looks": LOOKS,
        "bones": BONES,
        "humanoid": HUMANOID,
        "atoms": {kind: mouth.ATOMS[kind] for kind in ("visemes", "vowels")},
        "gap": {name: effect.gap for name, effect in lips.EFFECTS.items()},
        "rest_gap": lips.REST_GAP,
        "closed_gap": lips.CLOSED_GAP,
        "part_gap": mouth._PART_GAP,
        "wide_gap": mouth._WIDE_GAP,
        "gain": mouth.GAIN,
        "ridge": mouth._RIDGE,
        "full": mouth._FULL,
        "smile": SMILE,
        "round": finding._ROUND,
        "lips": finding._LIPS,
        "enough_lips": finding._ENOUGH_LIPS,
        "enough_visemes": finding._ENOUGH_VISEMES,
        "empty": finding._EMPTY,
        "aa_jaw": finding._AA_JAW,
        "look": [name for name in ARKIT.channels if name.startswith("eyeLook")],
        "jaw": {
            "drop": bones._CHIN_DROP,
            "sideways": bones._SIDEWAYS,
            "least": bones._LEAST_RAD,
            "most": bones._MOST_RAD,
            "usual": bones._USUAL_RAD,
        },
    }


def _text() -> str:
    return json.dumps(tables(), ensure_ascii=False, indent=1) + "\n"


def test_the_page_has_the_tables_of_the_avatars() -> None:
    assert PATH.read_text(encoding="utf-8") == _text(), "run python -m tests.browser.test_tables, then build"


if __name__ == "__main__":
    PATH.write_text(_text(), encoding="utf-8")
