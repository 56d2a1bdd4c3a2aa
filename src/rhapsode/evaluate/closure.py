"""Do the lips meet where they must? Measured on speech whose phones are known: the product's own voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr

from rhapsode.face.engine import Engine
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32, Span, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.speech import load_voice

BILABIALS = frozenset(("p", "b", "m"))
VOWELS = frozenset("aeiouæɑɒɔəɛɜɪʊʌɐɚ")

LINES = (
    "My brother bought a big map from the shop by the harbour.",
    "People may climb up the steep path before midday.",
    "Bob and Pam made a lamp from a broken bottle.",
    "I hope the problem with the computer has been simple.",
    "Maybe we both remember that September morning.",
    "Put the paper plate by the piano and bring me some more milk.",
    "Nobody remembers the number of the famous museum.",
    "A bumpy bus trip made the boy complain about his stomach.",
    "Please move those empty boxes before somebody trips.",
    "The baby monkey jumped up and grabbed a ripe plum.",
    "What time does the next train leave for London?",
    "She sells sea shells along the sunny eastern shore.",
    "Thank you very much, that is exactly what I needed.",
    "Could you tell us where the nearest library is?",
    "We will never give away a secret like that.",
)
"""None of them is in the text that the weights were trained on."""

SHUT = 0.05
"""Opening below which lips look closed."""


def opening(frames: Float32) -> Float32:
    """Return how far the lips are apart, (T,), from (T, 52): jaw and lips less what closes them."""

    def of(name: str) -> Float32:
        return frames[:, ARKIT.index(name)]

    lips = 0.5 * (of("mouthLowerDownLeft") + of("mouthUpperUpLeft")) + 0.5 * of("mouthFunnel")
    closing = of("mouthClose") + 0.3 * (of("mouthPressLeft") + of("mouthRollLower"))
    return as_float32(np.maximum(of("jawOpen") + lips - closing, 0))


def extremes(curve: Float32, phones: Sequence[Span], wanted: frozenset[str], *, lowest: bool) -> Float32:
    """Return, for each phone of ``wanted``, the least or greatest value of ``curve`` while it lasts.

    A consonant may take a curve frame more on each side; of a vowel only the middle half counts, because
    its ends belong to its neighbours.
    """
    found = []
    for phone in phones:
        if phone.text[:1] in wanted:
            inset_s = (phone.end_s - phone.start_s) / 4 if wanted is VOWELS else -1 / CURVE_HZ
            begin = max(round((phone.start_s + inset_s) * CURVE_HZ), 0)
            part = curve[begin : round((phone.end_s - inset_s) * CURVE_HZ) + 1]
            if len(part):
                found.append(float(part.min() if lowest else part.max()))
    return as_float32(found)


def closure(engine: Engine, *, style: str | None = None, lines: Sequence[str] = LINES) -> dict[str, float]:
    """Return how well p, b and m close against vowels, spoken by the default voice.

    Args:
        engine: loaded weights.
        style: of the engine; None is its default.
        lines: English sentences.

    Returns:
        The number of bilabials and of vowels, the median least opening in bilabials and greatest in vowels,
        and the share of each that closes (`SHUT`).

    """
    shut, wide, least = [], [], []
    for line in lines:
        speech = load_voice().speak(line)
        y = soxr.resample(speech.sound.mono(), speech.sound.sample_rate, CLOCK_HZ)
        stream = engine.stream(style=style)
        opened = opening(np.concatenate([stream.push(as_float32(y)), stream.finish()]))
        shut.append(extremes(opened, speech.words.phones, BILABIALS, lowest=True))
        wide.append(extremes(opened, speech.words.phones, VOWELS, lowest=False))
        least.append(extremes(opened, speech.words.phones, VOWELS, lowest=True))
    bilabials, vowels, narrowest = np.concatenate(shut), np.concatenate(wide), np.concatenate(least)
    return {
        "bilabials": len(bilabials),
        "vowels": len(vowels),
        "bilabial_opening": float(np.median(bilabials)),
        "vowel_opening": float(np.median(vowels)),
        "bilabials_closed": float((bilabials < SHUT).mean()),
        "vowels_closed": float((narrowest < SHUT).mean()),
    }
