from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import RigError
from rhapsode.performance import Span
from rhapsode.rigs import phone_visemes, phones_to_visemes
from rhapsode.rigs.phones import PHONES
from rhapsode.rigs.visemes import REST, VISEME_SETS
from rhapsode.speech.phones import ipa, is_phone

phones = st.lists(
    st.tuples(st.sampled_from(list(PHONES)), st.floats(0.01, 0.3), st.sampled_from([0.0, 0.0, 0.2])),
    max_size=20,
)


def hibari_symbols() -> list[str]:
    import hibari

    vocabulary = Path(hibari.__file__).parent / "assets" / "vocab.json"
    return [symbol for symbol in json.loads(vocabulary.read_text(encoding="utf-8")) if is_phone(symbol)]


@pytest.mark.parametrize("name", VISEME_SETS)
def test_every_phone_of_the_voice_has_a_viseme(name: str) -> None:
    symbols = hibari_symbols()
    assert len(symbols) > 80
    for symbol in symbols:
        assert set(phone_visemes(ipa(symbol), name)) <= set(VISEME_SETS[name].channels) - {REST[name]}


@pytest.mark.parametrize("name", VISEME_SETS)
def test_every_row_names_visemes_of_its_set(name: str) -> None:
    for phone, row in PHONES.items():
        assert set(row[name]) <= set(VISEME_SETS[name].channels), phone
    used = {viseme for row in PHONES.values() for viseme in row[name]}
    assert used == set(VISEME_SETS[name].channels) - {REST[name]}


@pytest.mark.parametrize(
    ("phone", "name", "visemes"),
    [
        *[(p, "azure", ("viseme_21",)) for p in "pbm"],
        *[(p, "rhubarb", ("A",)) for p in "pbm"],
        *[(p, "oculus", ("FF",)) for p in "fv"],
        *[("θ", "azure", ("viseme_19",)), ("ð", "azure", ("viseme_17",)), ("ɝ", "azure", ("viseme_5",))],
        *[("tʃ", "polly", ("S",)), ("oʊ", "polly", ("o",)), ("l", "rhubarb", ("H",))],
        *[("aɪ", "oculus", ("aa", "ih")), ("iː", "oculus", ("ih",)), ("ˈɑː", "oculus", ("aa",))],
        *[
            ("t͡ʃ", "oculus", ("CH",)),
            ("ɔ̃", "oculus", ("oh",)),
            ("tʰ", "oculus", ("DD",)),
            ("ç", "oculus", ("CH",)),
        ],
        *[("eə", "rhubarb", ("C", "B"))],
    ],
)
def test_known_phones(phone: str, name: str, visemes: tuple[str, ...]) -> None:
    assert phone_visemes(phone, name) == visemes


def test_what_is_no_phone_or_set_is_named() -> None:
    with pytest.raises(RigError, match="a phone must be written in IPA, got '5'"):
        phone_visemes("5")
    with pytest.raises(RigError, match="must be one of: oculus, azure, polly, rhubarb; got 'disney'"):
        phones_to_visemes([], "disney")


def test_events_fill_the_time_with_silence_in_the_gaps() -> None:
    spoken = [Span("m", 0.1, 0.2), Span("b", 0.2, 0.3), Span("aɪ", 0.3, 0.5), Span("t", 0.7, 0.8)]
    assert phones_to_visemes(spoken, end_s=1.0) == (
        Span("sil", 0.0, 0.1),
        Span("PP", 0.1, 0.3),
        Span("aa", 0.3, pytest.approx(0.42)),  # type: ignore[arg-type]
        Span("ih", pytest.approx(0.42), 0.5),  # type: ignore[arg-type]
        Span("sil", 0.5, 0.7),
        Span("DD", 0.7, 0.8),
        Span("sil", 0.8, 1.0),
    )


@given(phones, st.sampled_from(list(VISEME_SETS)))
def test_events_are_without_gaps_and_repeats(drawn: list[tuple[str, float, float]], name: str) -> None:
    spans, now = [], 0.0
    for text, length, gap in drawn:
        spans.append(Span(text, now + gap, now + gap + length))
        now += gap + length
    events = phones_to_visemes(spans, name, end_s=now + 1)
    assert events[0].start_s == 0
    assert events[-1].end_s == now + 1
    for one, two in pairwise(events):
        assert one.end_s == two.start_s
        assert one.text != two.text
        assert one.start_s < one.end_s
