"""The space in which a script's entries stand apart.

Raw cosines of the embeddings are crowded: half of what they tell is the language and that a sentence is a
question. Here the mean of each language is taken away, and directions in which the variants of one question
differ from each other count less (whitening by the covariance within entries, Fisher 1936). On the held-out
questions that finds 91 % at first place, against 76 % of the raw cosines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rhapsode.dialogue.embedding import Float32

BACKGROUND: Mapping[str, tuple[str, ...]] = {
    "en": (
        "What time is it now?",
        "How much does it cost?",
        "Where can I find it?",
        "Who made this?",
        "I need some help.",
        "Thank you very much.",
        "Can you tell me more about it?",
        "What is the weather like today?",
        "How do I get there?",
        "My phone is broken.",
        "Do you like music?",
        "What is your name?",
        "How old is it?",
        "I would like to order something.",
        "Which one is the best?",
        "Why does it work like that?",
    ),
    "zh": (
        "现在几点了？",
        "这个多少钱？",
        "在哪里可以找到？",
        "这是谁做的？",
        "我需要帮助。",
        "非常感谢。",
        "能多介绍一点吗？",
        "今天天气怎么样？",
        "怎么去那里？",
        "我的手机坏了。",
        "你喜欢音乐吗？",
        "你叫什么名字？",
        "有多少年了？",
        "我想点些东西。",
        "哪个最好？",
        "为什么会这样？",
    ),
}
"""Everyday sentences: what is common to all questions, where a script has few of its own."""


def is_chinese(text: str) -> bool:
    """Tell whether at least half of the letters are Chinese characters, and none Japanese."""
    han = sum("\u4e00" <= c <= "\u9fff" for c in text)
    kana = any("\u3040" <= c <= "\u30ff" for c in text)
    return han > 0 and not kana and 2 * han >= sum(c.isalnum() for c in text)


_OWN = 300  # a script of so many sentences needs no other for its mean
_SHRINK = 0.5  # of the covariance towards none, for such a script


class Space:
    """Means and whitening, from the variants of a script.

    Args:
        vectors: (n, d) of variants, embedded as passages.
        tags: (n,) their languages.
        owners: (n,) numbers of their entries.
        background: language to (m, d) of `BACKGROUND` as queries and as passages.

    """

    def __init__(
        self,
        vectors: Float32,
        tags: Sequence[str],
        owners: Sequence[int],
        background: Mapping[str, tuple[Float32, Float32]],
    ) -> None:
        self._tags = np.array(tags)
        everything = np.concatenate([vectors, *(passage for _, passage in background.values())])
        self._any = everything.mean(axis=0)
        shift = np.mean([q.mean(axis=0) - p.mean(axis=0) for q, p in background.values()], axis=0)
        self._passage = {tag: self._mean(vectors, tag, background) for tag in set(tags) | set(background)}
        self._query = {tag: mean + shift for tag, mean in self._passage.items()}
        self._query[""] = self._any + shift
        self._white = self._whitening(self.centred(vectors, tags), np.array(owners, np.intp))

    def _mean(self, vectors: Float32, tag: str, background: Mapping[str, tuple[Float32, Float32]]) -> Float32:
        own = vectors[self._tags == tag]
        near = background.get(tag.partition("-")[0])
        if near is None:
            return np.asarray(own.mean(axis=0))
        share = min(1.0, len(own) / (_OWN / 2))
        common = near[1].mean(axis=0)
        return np.asarray(share * own.mean(axis=0) + (1 - share) * common if len(own) else common)

    def _whitening(self, centred: Float32, owners: np.ndarray) -> Float32:
        count, size = centred.shape
        means = np.zeros((int(owners.max(initial=0)) + 1, size), np.float32)
        np.add.at(means, owners, centred)
        means /= np.maximum(np.bincount(owners, minlength=len(means)), 1)[:, None]
        inner = centred - means[owners]
        within = inner.T @ inner / max(count, 1)
        shrink = max(_SHRINK, 1 - count * (1 - _SHRINK) / _OWN)
        flat = float(np.trace(within)) / size or 1.0
        values, axes = np.linalg.eigh((1 - shrink) * within + shrink * flat * np.eye(size))
        return np.asarray(axes / np.sqrt(values) @ axes.T, np.float32)

    def centred(self, vectors: Float32, tags: Sequence[str]) -> Float32:
        """Return (n, d) passages without the means of their languages."""
        means = [self._passage[tag] for tag in tags]
        return np.asarray(vectors - np.stack(means) if means else vectors, np.float32)

    def place(self, centred: Float32) -> Float32:
        """Return (n, d) of unit length: where centred vectors lie in this space."""
        placed = centred @ self._white
        return np.asarray(placed / np.maximum(np.linalg.norm(placed, axis=-1, keepdims=True), 1e-9))

    def place_question(self, vector: Float32, tag: str) -> Float32:
        """Return (d,) of unit length: where a question of language ``tag`` lies; "" for any language."""
        return self.place(np.asarray(vector - self._query.get(tag, self._query[""]), np.float32))
