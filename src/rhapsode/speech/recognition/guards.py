"""What a recogniser makes up where nobody speaks, and when it cannot stop.

Whisper was trained on subtitles: from a hum or from silence it writes what subtitles say then ("Thank you.",
"Thanks for watching!"), and out of habit it may repeat a sentence until its room is full (Radford et al.
2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5).
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from rhapsode.performance import Float32

QUIET_DB = -55.0
"""A sound whose loudest 20 ms stay below this level holds no words."""

NO_SPEECH = 0.6
"""Above this probability of no speech, unlikely words are none."""

UNLIKELY = -0.9
"""Mean log probability below which words are not believed where speech is doubtful."""

_HOPELESS = -1.3
"""Mean log probability below which words are never believed."""

_SUBTITLES = re.compile(
    r"thank you( so much| very much)?( for (watching|listening))?|thanks( for (watching|listening))?|you"
    r"|bye( bye)?|okay|oh|so|the end|please subscribe.*|subtitles? by.*|.*amara ?org.*|.*字幕.*"
    r"|.*订阅.*|.*訂閱.*|.*点赞.*|谢谢(大家|观看|收看|您的观看)*|謝謝(大家|觀看|收看)*"
    r"|(ご視聴)?ありがとうございました|untertitel.*|sous ?titr.*|subtítulos.*|gracias( por ver.*)?|merci"
)
"""What subtitles say where nobody speaks, as `bare` has it."""

_ASIDE = re.compile(r"[\[(（【*♪][^\])）】*♪]*[\])）】*♪]")
_LOOP = re.compile(r"(.{8,160}?)\1{2,}|(.{1,7}?)\2{5,}", re.DOTALL)
_TWICE = re.compile(r"(.{8,160}?)\s*\1", re.DOTALL)
_RATE_HZ = 16_000


def peak_level_db(samples: Float32) -> float:
    """Return the level of the loudest 20 ms of ``samples``, (n,) at 16 kHz, in dBFS."""
    size = _RATE_HZ // 50
    if not len(samples):
        return -np.inf
    rows = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size).astype(np.float64)
    return float(10.0 * np.log10(np.square(rows).mean(axis=1).max() + 1e-12))


def bare(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case, its words one space apart."""
    letters = (c if unicodedata.category(c)[0] in "LNM" else " " for c in text.lower().replace("'", ""))
    return " ".join("".join(letters).split())


def cleaned(text: str) -> str:
    """Return ``text`` without what nobody said: "[Music]", "(applause)", notes; empty without a letter."""
    kept = " ".join(_ASIDE.sub(" ", text).replace("♪", " ").split())
    return kept if bare(kept) else ""


def believable(text: str, *, no_speech: float, mean_log: float) -> bool:
    """Tell whether ``text`` was really said.

    Args:
        text: as recognised.
        no_speech: probability that nobody spoke, in [0, 1].
        mean_log: mean log probability of the tokens, at most 0.

    """
    if mean_log < _HOPELESS or (no_speech > NO_SPEECH and mean_log < UNLIKELY):
        return False
    doubtful = no_speech > 0.3 or mean_log < -0.7
    return not (doubtful and _SUBTITLES.fullmatch(bare(text)))


def unlooped(text: str) -> tuple[str, bool]:
    """Return ``text`` with what repeats itself up to its end said once, and whether anything did.

    Long stretches repeat themselves if they come three times, short ones if they come six times. The last
    time may be cut off.
    """
    for found in _LOOP.finditer(text):
        unit = found[1] or found[2]
        if unit.startswith(text[found.end() :]) and bare(unit):
            return text[: found.start() + len(unit)].strip(), True
    return text, False


def is_doubled(text: str) -> bool:
    """Tell whether ``text`` is one sentence said twice: people do, but less often than a recogniser."""
    return _TWICE.fullmatch(text) is not None
