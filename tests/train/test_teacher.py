"""The articulation teacher: contacts, coarticulation, and the head that it is measured on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.rigs.arkit import BLENDSHAPES
from rhapsode.rigs.lips import CLOSED_GAP, TEETH_DROP, lip_gap, lower_lip_drop, mouth_width
from rhapsode.speech.phones import ipa, is_phone
from rhapsode.train.teacher import (
    CLASSES,
    OCULUS,
    Manner,
    TimedPhone,
    fitted,
    frame_classes,
    loudness,
    parse,
    teach,
)
from rhapsode.train.teacher.phones import SHAPES

KOKORO = "ʣʥʦʨꭧAIOQTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔᵻ"
"""Every symbol of the Kokoro alphabet that is a phone."""

MARKED = ["pʰ", "tɕʰ", "kʲ", "aː", "ɔ̃", "ɯᵝ", "t̪", "oʊ", "əʊ", "tʂʰ", "bʱ"]
ICT = Path(__file__).parents[2].parent / "shared" / "assets" / "ict_facekit" / "ict_sparse.npz"

durations = st.floats(0.03, 0.25)
phone_names = st.sampled_from(sorted(set(SHAPES) - {"sil"}))


def said(*phones: tuple[str, float], start: float = 0.3) -> tuple[list[TimedPhone], float]:
    """Return the phones one after another, and a duration with a pause behind them."""
    found = []
    for phone, length in phones:
        found.append(TimedPhone(phone, start, start + length))
        start += length
    return found, start + 0.4


def column(curves: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(curves[:, BLENDSHAPES.index(name)])


def during(values: np.ndarray, phone: TimedPhone, rate: float = 50) -> np.ndarray:
    first, last = int(np.ceil(phone.start * rate - 1)), int(phone.end * rate + 1)
    return values[first : last + 1]


@pytest.mark.parametrize("phone", [*map(ipa, filter(is_phone, KOKORO)), *MARKED])
def test_every_phone_of_the_corpus_has_a_shape(phone):
    pieces, _ = parse(phone)
    assert sum(piece.share for piece in pieces) == pytest.approx(1, abs=0.01)
    phones, length = said(("ə", 0.1), (phone, 0.1), ("ə", 0.1))
    assert np.isfinite(teach(phones, length)).all()


def test_an_unknown_phone_is_refused_by_name():
    with pytest.raises(KeyError, match="ʘ"):
        parse("ʘ")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(phone_names, durations), min_size=1, max_size=12), st.floats(0, 1))
def test_contacts_are_made_whatever_stands_beside_them(sequence, share):
    phones, length = said(*sequence)
    curves = teach(phones, length, manner=Manner(fitted=share))
    assert curves.min() >= 0
    assert curves.max() <= 1
    gap, drop = lip_gap(curves), lower_lip_drop(curves)
    for phone in phones:
        contact = SHAPES[phone.phone].contact
        if contact == "lips":
            assert during(gap, phone).min() < CLOSED_GAP, phone
        if contact == "teeth":
            assert during(drop, phone).min() < TEETH_DROP, phone
    assert gap[:10].max() < CLOSED_GAP
    assert gap[round((phones[-1].end + 0.15) * 50) + 1 :].max() < CLOSED_GAP
    assert column(curves, "jawOpen")[-1] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("vowel", ["a", "ɛ", "i", "o", "ə"])
def test_the_mouth_opens_between_two_closures(vowel):
    phones, length = said(("b", 0.06), (vowel, 0.08), ("b", 0.06))
    gap = lip_gap(teach(phones, length, rate_hz=100))
    assert gap[round(100 * (phones[1].start + phones[1].end) / 2)] > 2 * CLOSED_GAP


def test_no_vowel_nor_tongue_consonant_closes_the_lips():
    phones, length = said(*((p, 0.1) for p in "atɛsiku"))
    gap = lip_gap(teach(phones, length))
    spoken = slice(round(50 * (phones[0].start + 0.05)), round(50 * (phones[-1].end - 0.02)))
    assert gap[spoken].min() > CLOSED_GAP


def test_open_vowels_open_more_than_close_ones():
    def peak(vowel: str) -> float:
        phones, length = said(("t", 0.08), (vowel, 0.15), ("t", 0.08))
        return float(lip_gap(teach(phones, length)).max())

    assert peak("a") > peak("ɛ") > peak("ə") > peak("u")


def test_rounding_spreads_to_the_consonants_before_it():
    def pucker_in_t(vowel: str) -> float:
        phones, length = said(("s", 0.1), ("t", 0.08), (vowel, 0.15))
        return float(during(column(teach(phones, length), "mouthPucker"), phones[1]).mean())

    assert pucker_in_t("u") > pucker_in_t("i") + 0.1


def test_rounded_vowels_are_narrow_and_spread_ones_wide():
    def width(vowel: str) -> float:
        phones, length = said(("t", 0.08), (vowel, 0.2), ("t", 0.08))
        return float(during(mouth_width(teach(phones, length)), phones[1]).mean())

    assert width("i") > width("a") > width("u") + 0.2


def test_a_short_tongue_stop_leaves_the_jaw_and_a_hiss_narrows_it():
    def jaw_in(consonant: str, length: float) -> float:
        phones, total = said(("a", 0.15), (consonant, length), ("a", 0.15))
        return float(during(column(teach(phones, total), "jawOpen"), phones[1]).min())

    peak = column(teach(*said(("a", 0.15), ("a", 0.15))), "jawOpen").max()
    assert jaw_in("d", 0.05) > 0.6 * peak
    assert jaw_in("s", 0.12) < 0.6 * peak


def test_loud_and_stressed_speech_opens_the_jaw_further():
    phones, length = said(("t", 0.08), ("a", 0.15), ("t", 0.08))
    plain = column(teach(phones, length), "jawOpen").max()
    loud = column(teach(phones, length, loudness=np.full(60, 1.0)), "jawOpen").max()
    stressed = [TimedPhone(p.phone, p.start, p.end, 1.0) for p in phones]
    assert loud > plain * 1.05
    assert column(teach(stressed, length), "jawOpen").max() > plain * 1.05


def test_classes_follow_the_phones_and_have_visemes():
    phones, length = said(("m", 0.1), ("aɪ", 0.2), start=0.2)
    heard = [CLASSES[k] for k in frame_classes(phones, length, rate_hz=100)]
    assert heard[19:21] == ["sil", "m"]
    assert heard[29:31] == ["m", "a"]
    assert heard[48:51] == ["i", "i", "sil"]
    assert heard[-1] == "sil"
    assert set(OCULUS) == set(CLASSES)
    assert len(set(OCULUS.values())) == 15


def test_rates_agree_where_they_meet():
    phones, length = said(("m", 0.08), ("a", 0.12), ("f", 0.1), ("u", 0.15))
    slow, fast = teach(phones, length, rate_hz=50), teach(phones, length, rate_hz=100)
    np.testing.assert_allclose(slow, fast[::2][: len(slow)], atol=1e-6)


def test_silence_is_a_closed_mouth():
    assert not teach([], 1.0)[:, BLENDSHAPES.index("jawOpen")].any()


def test_loudness_is_relative_to_the_utterance():
    rng = np.random.default_rng(0)
    y = rng.normal(0, 0.01, 32_000)
    y[16_000:] *= 10**0.6
    contour = loudness(y, 50)
    assert contour.shape == (100,)
    assert contour[75] - contour[25] == pytest.approx(1.2, abs=0.1)
    np.testing.assert_allclose(loudness(3 * y, 50), contour, atol=0.01)


def test_the_fit_states_what_error_is_left():
    for what in ("gap", "jaw", "width"):
        left = fitted()[what]["held_out"]
        assert left["correlation"] > left["before"]
        assert left["rms_error"] < left["rms_measured"]


@pytest.mark.skipif(not ICT.exists(), reason="the ICT FaceKit head is not beside the checkout")
def test_the_lips_table_is_that_of_the_head():
    head = np.load(ICT)
    rows, counts = head["idx"].astype(int), head["n"].astype(int)
    offsets = np.zeros((len(BLENDSHAPES), *head["V"].shape))
    for k, (begin, end) in enumerate(zip(np.cumsum(counts) - counts, np.cumsum(counts), strict=True)):
        offsets[k, rows[begin:end]] = head["val"][begin:end]
    upper, lower = [5532, 5533, 6315, 5810, 5526], [5517, 5519, 5938, 5939, 6443, 6444]
    phones, length = said(*((p, 0.09) for p in "mafupiʃobeɹawəv"))
    curves = teach(phones, length)
    points = head["V"].astype(float) + np.einsum("tc,cvx->tvx", curves, offsets)
    gap = points[:, upper, 1].min(axis=1) - points[:, lower, 1].max(axis=1)
    np.testing.assert_allclose(lip_gap(curves), gap, atol=0.1)
    touching = [phone for phone in phones if phone.phone in "mpb"]
    assert all(during(gap, phone).min() < CLOSED_GAP for phone in touching)
