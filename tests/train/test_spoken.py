"""The corpus as takes: columns, contacts, classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.train.spoken import STYLE, columns, spoken, utterances, with_phones
from rhapsode.train.takes import MOVES
from rhapsode.train.teacher import CLASSES

SOUNDS = {"train": "en/one.flac", "test": "en/two.flac"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "raw" / "en").mkdir(parents=True)
    (tmp_path / "shards").mkdir()
    rng = np.random.default_rng(0)
    for path in SOUNDS.values():
        soundfile.write(tmp_path / "raw" / path, rng.standard_normal(16_000) * 0.1, 16_000)
    np.savez(
        tmp_path / "shards" / "en.npz",
        id=["one", "two"],
        path=list(SOUNDS.values()),
        language=["en", "en"],
        split=list(SOUNDS),
        voice=["a", "b"],
        text=["ma", "fa"],
        seconds=[1.0, 1.0],
        count=[2, 2],
        phone=["m", "a", "f", "a"],
        span=np.array([[0.3, 0.44, 0], [0.44, 0.7, 1], [0.3, 0.44, 0], [0.44, 0.7, 1]], np.float32),
    )
    return tmp_path


def test_an_utterance_becomes_a_take_of_its_split(corpus: Path) -> None:
    (one,) = utterances(corpus, corpus, split="train")
    take = spoken(one[1])
    assert one[0] == "en"
    assert take.name == "one"
    assert take.style == STYLE
    assert take.labels.shape == (50, len(MOVES))
    assert take.heard is not None
    assert len(take.closed) == len(take.heard) == 50
    assert (take.closed[[17, 20]] == 1).all()
    assert take.closed[30] == 0
    heard = [CLASSES[k] for k in take.heard[[5, 18, 28, 45]]]
    assert heard == ["sil", "m", "a", "sil"]
    assert take.labels[28, list(MOVES).index("jawOpen")] > 0.1


def test_a_camera_take_gets_the_phones_of_its_name(corpus: Path) -> None:
    (found,) = (utterance for _, utterance in utterances(corpus, corpus, split="test"))
    take = spoken(found)
    known, other = with_phones([take, take], {"two": found})[0], with_phones([take], {})[0]
    assert known.heard is not None
    assert CLASSES.index("f") in known.heard
    assert other.heard is None
    assert np.isnan(other.closed).all()


def test_columns_are_the_mean_of_both_sides() -> None:
    from rhapsode.rigs import ARKIT

    curves = np.zeros((1, 52), np.float32)
    curves[0, ARKIT.index("mouthSmileLeft")] = 0.4
    assert columns(curves)[0, list(MOVES).index("mouthSmile")] == pytest.approx(0.2)
