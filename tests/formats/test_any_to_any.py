"""From every format that is written and read to every other: it works, and the mouth stays the same."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import InputError, MissingExtraError
from rhapsode.formats import FORMATS, load, save
from rhapsode.performance import Curves, Performance, Sound
from tests.formats.performances import performance
from tests.formats.test_viseme_files import PHONES, WORDS, spoken

HEAVY = (".mp4", ".fbx")
"""Tested where they are made: minutes of rendering, or Blender."""

NO_FACE = (".wav", ".srt", ".vtt", ".emotionml", ".xml", ".bvh")
"""These hold no mouth."""

EVENTS = (".visemes.json", ".rhubarb.json", ".tsv", ".marks", ".polly.jsonl", ".dat", ".vrma")
"""These hold the mouth by a few shapes: alike, not equal."""

WRITTEN = tuple(key for key, row in FORMATS.items() if row.writer and key not in HEAVY)
READ = tuple(key for key in WRITTEN if FORMATS[key].reader)


def take() -> Performance:
    whole = spoken()
    curves = performance(len(whole.face)).face
    values = whole.face.values.copy()
    brows = [name.startswith(("brow", "head")) for name in curves.names]
    values[:, brows] = 0.3 * curves.values[:, brows]
    sound = Sound(np.zeros(32_000, np.float32), 16_000)
    emotion = Curves(("joy",), np.full((len(values), 1), 0.5, np.float32))
    spans = replace(performance(2).words, words=WORDS, phones=PHONES)
    return replace(whole, face=replace(whole.face, values=values), sound=sound, words=spans, emotion=emotion)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    made = {}
    for extension in READ:
        with suppress(MissingExtraError):
            made[extension] = save(take(), folder / f"a{extension}")
    return made


def alike(one: Curves, two: Curves) -> float:
    a, b = (curves.resample(50)["jawOpen"] for curves in (one, two))
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count], b[:count])[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("source", READ)
def test_any_to_any(sources, tmp_path, source):
    if source not in sources:
        pytest.skip(f"{source} needs an extra that is not installed")
    first = load(sources[source])
    if source not in NO_FACE:
        assert alike(first.face, take().face) > (0.7 if source in EVENTS else 0.99), source
    for target in WRITTEN:
        path = tmp_path / f"b{target}"
        try:
            first.save(path)
        except (InputError, MissingExtraError):
            assert not path.exists()
            assert target in NO_FACE or target not in sources, f"{source} -> {target}"
            continue
        if target not in sources or target in NO_FACE or source in NO_FACE:
            continue
        back = load(path).face
        exact = not {source, target} & set(EVENTS)
        # A motion of Live2D knows an opening and a form, from which visemes are a guess.
        least = 0.97 if exact else 0.35 if source == ".motion3.json" else 0.6
        assert alike(back, first.face) > least, f"{source} -> {target}"
        assert abs(back.duration_s - first.face.duration_s) < 0.12, f"{source} -> {target}"
