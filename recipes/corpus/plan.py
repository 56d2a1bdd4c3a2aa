"""What the corpus is made of: voices, languages, minutes, and what no training sees."""

from __future__ import annotations

VOICES: dict[str, tuple[str, ...]] = {
    "en": (
        *("af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_nova"),
        *("af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam"),
        *("am_michael", "am_onyx", "am_puck", "am_santa", "bf_alice", "bf_emma", "bf_isabella", "bf_lily"),
        *("bm_daniel", "bm_fable", "bm_george", "bm_lewis"),
    ),
    "zh": (
        *("zf_xiaobei", "zf_xiaoni", "zf_xiaoxiao", "zf_xiaoyi"),
        *("zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang"),
    ),
    "ja": ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"),
    "es": ("ef_dora", "em_alex", "em_santa"),
    "fr": ("ff_siwis",),
    "hi": ("hf_alpha", "hf_beta", "hm_omega", "hm_psi"),
    "it": ("if_sara", "im_nicola"),
    "pt": ("pf_dora", "pm_alex", "pm_santa"),
}
"""The 54 voices of Kokoro-82M by the language they were recorded in."""

HIBARI = "hibari"
"""The one voice of hibari-tts: English, training only."""

HELD_OUT_LANGUAGE = "it"
"""No training sees this language, nor its voices."""

HELD_OUT_VOICES = frozenset(
    (
        *("af_bella", "am_michael", "bf_isabella", "bm_george", "zf_xiaoyi", "zm_yunxi"),
        *("jf_tebukuro", "em_alex", "hm_psi", "pm_alex", *VOICES[HELD_OUT_LANGUAGE]),
    )
)
"""No training sees these voices, blends of them included."""

HELD_OUT_TEXTS = 8
"""Every eighth line of a text is spoken by the held-out voices only, and by no other."""

MINUTES = {
    "train": {"en": 56, HIBARI: 12, "zh": 26, "ja": 18, "es": 18, "fr": 14, "hi": 14, "pt": 14},
    "test": {"en": 5, "zh": 3, "ja": 1.5, "es": 1.5, "hi": 1.5, "pt": 1.5, "it": 5},
}
"""Minutes of sound per split and cell; a cell is a language, or `HIBARI`."""

SPEED = (0.8, 1.25)
"""Speaking rates, drawn log-uniformly."""

BLENDED = {"en": 0.35, "zh": 0.35, "ja": 0.4, "es": 0.5, "fr": 0.65, "hi": 0.4, "pt": 0.5}
"""Share of the training utterances whose voice is a mixture of two voices, by language."""


def voices_of(language: str, split: str) -> list[str]:
    """Return the voices that speak ``language`` in ``split``."""
    return [voice for voice in VOICES[language] if (voice in HELD_OUT_VOICES) == (split == "test")]


def texts_of(lines: list[str], language: str, split: str) -> list[str]:
    """Return the lines that ``split`` may use."""
    if language == HELD_OUT_LANGUAGE:
        return lines
    return [line for k, line in enumerate(lines) if (k % HELD_OUT_TEXTS == 3) == (split == "test")]
