"""How sure it is that an entry is meant: what its fit, its rivals and everyday questions tell together."""

from __future__ import annotations

import numpy as np

from rhapsode.dialogue.embedding import Float32
from rhapsode.dialogue.script.everyday import Everyday

# Logistic regression of "the first entry is right" against "nothing fits", on held-out questions of both
# demonstrations and of scripts of 3, 8 and 20 of their entries, asked what was taken out of them
# (docs/scripts.md).
_BY_MIDDLE, _BY_SUBJECT, _BY_MARGIN, _BY_MORE, _BY_FOREIGN, _OFFSET = 13.6, -2.1, 2.2, -6.7, -7.2, -0.7
_CROWDED, _WHOLE = -0.8, 300  # sentences: the entries of a smaller script lie less far apart
_ALONE = 0.3  # margin of an entry that has no other beside it


class Evidence:
    """Tells how likely each entry of a script is meant.

    Args:
        everyday: questions that speak against entries.
        sentences: ways of asking that the script has.

    """

    def __init__(self, everyday: Everyday, sentences: int) -> None:
        self._everyday = everyday
        self._offset = _OFFSET + _CROWDED * (1 - min(sentences / _WHOLE, 1.0))

    def odds(self, at: Float32, middle: Float32, fit: Float32, gain: Float32) -> Float32:
        """Return (entries,) log odds.

        Args:
            at: (d,) where the question lies.
            middle: (entries,) how near it is to the middle of each.
            fit: (entries,) how well each fits; -inf for those that do not count.
            gain: (entries,) what of ``fit`` comes from what the talk is about.

        """
        more, foreign = self._everyday.against(at)
        odds = self._offset + _BY_MIDDLE * (middle + gain / 2) + _BY_SUBJECT * middle.mean()
        odds = odds + _BY_MARGIN * margins(fit) + _BY_MORE * more + _BY_FOREIGN * foreign
        return np.asarray(odds, np.float32)


def margins(fit: Float32) -> Float32:
    """Return (entries,) how much better each fits than the best of the others; -inf is no fit at all."""
    finite = np.isfinite(fit)
    if finite.sum() < 2:
        return np.full(len(fit), _ALONE, np.float32)
    second, first = np.sort(fit[finite])[-2:]
    best = int(np.argmax(fit))
    others = np.full(len(fit), first, np.float32)
    others[best] = second
    return np.asarray(np.where(finite, fit - others, 0.0), np.float32)
