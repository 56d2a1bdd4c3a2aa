"""Phone times from duration frames, the shards they lie in, and the recipe's plan."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from rhapsode.train.teacher.corpus import read_shard

RECIPE = Path(__file__).parents[2] / "recipes" / "corpus"


def script(name: str) -> ModuleType:
    """Return a script of the recipe that needs nothing but numpy."""
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", RECIPE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_phone_starts_where_the_space_before_it_does():
    spans = script("times").spans("a bˈu.", [2, 1, 1, 1, 1, 2, 3, 4])
    assert [(s.phone, s.start, s.end) for s in spans] == [
        ("a", pytest.approx(0.05), pytest.approx(0.075)),
        ("b", pytest.approx(0.075), pytest.approx(0.125)),
        ("u", pytest.approx(0.125), pytest.approx(0.2)),
    ]
    assert [s.stress for s in spans] == [0, 0, 1]


def test_marks_belong_to_the_phone_before_them():
    spans = script("times").spans("pʰaː", [1, 2, 3, 4, 5, 1], -0.05)
    assert [s.phone for s in spans] == ["pʰ", "aː"]
    assert spans[0].start == 0
    assert spans[1].end == pytest.approx(0.375 - 0.05)


def test_held_out_voices_and_lines_stay_out():
    plan = script("plan")
    for language in plan.VOICES:
        assert not set(plan.voices_of(language, "train")) & plan.HELD_OUT_VOICES
        assert set(plan.voices_of(language, "test")) <= plan.HELD_OUT_VOICES
    lines = [str(k) for k in range(40)]
    assert not set(plan.texts_of(lines, "en", "train")) & set(plan.texts_of(lines, "en", "test"))
    assert plan.HELD_OUT_LANGUAGE not in plan.MINUTES["train"]
    assert plan.voices_of(plan.HELD_OUT_LANGUAGE, "train") == []


def test_a_shard_reads_back(tmp_path):
    soundfile.write(tmp_path / "one.flac", np.zeros(8000), 16_000)
    np.savez(
        tmp_path / "shard.npz",
        id=np.asarray(["one", "two"]),
        path=np.asarray(["one.flac", "two.flac"]),
        language=np.asarray(["en", "zh"]),
        split=np.asarray(["train", "test"]),
        voice=np.asarray(["x", "y+z"]),
        text=np.asarray(["Hm.", "嗯"]),
        seconds=np.asarray([0.5, 1.0]),
        count=np.asarray([1, 2]),
        phone=np.asarray(["m", "ə", "n"]),
        span=np.asarray([[0, 0.1, 0], [0, 0.1, 1], [0.1, 0.3, 0]], np.float32),
    )
    one, two = read_shard(tmp_path / "shard.npz", tmp_path)
    assert one.sound().shape == (8000,)
    assert (two.language, two.voice, two.split) == ("zh", "y+z", "test")
    assert [phone.phone for phone in two.phones] == ["ə", "n"]
    assert two.phones[0].stress == 1
    assert two.phones[1].end == pytest.approx(0.3)
