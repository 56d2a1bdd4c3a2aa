"""The recording script covers every sound of its language, and what it says is what it shows."""

from __future__ import annotations

import re

import pytest

from rhapsode.errors import InputError, SettingError
from rhapsode.train.script import arpabet, pinyin
from rhapsode.train.script.prompts import (
    KINDS,
    LANGUAGES,
    MANNERS,
    Item,
    duration_s,
    prompts,
    script,
    units,
)

SOUNDS = {
    "en": set(arpabet.CONSONANTS) | set(arpabet.VOWELS),
    "zh": set(pinyin.INITIALS) | set(pinyin.FINALS),
}
NEVER_FIRST, NEVER_LAST = {"NG"}, {"HH", "W", "Y"}


def heard(language: str, kind: str, manner: str) -> set[str]:
    return {sound for item in script(language) for m, k, sound in units(item) if (m, k) == (manner, kind)}


def words(kind: str) -> list[tuple[str, ...]]:
    said = [one.says for one in prompts("en") if one.kind == kind]
    return [arpabet.phones_of(word) for says in said for word in says.split("/")]


def test_the_tables_hold_39_phones_and_21_initials_and_38_finals() -> None:
    assert (len(SOUNDS["en"]), len(pinyin.INITIALS), len(set(pinyin.FINALS))) == (39, 21, 38)
    assert not set(pinyin.INITIALS) & set(pinyin.FINALS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_sound_is_covered_in_every_kind_and_manner(language: str, kind: str, manner: str) -> None:
    assert heard(language, kind, manner) == SOUNDS[language]


@pytest.mark.parametrize("kind", KINDS)
def test_english_consonants_stand_first_last_and_between_vowels(kind: str) -> None:
    said = words(kind)
    consonants = set(arpabet.CONSONANTS)
    assert {word[0] for word in said} >= consonants - NEVER_FIRST - {"ZH"}
    assert {word[-1] for word in said} >= consonants - NEVER_LAST - {"ZH"}
    plosives = {b for w in said for a, b, c in zip(w, w[1:], w[2:], strict=False) if a[-1:] + c[-1:] > "00"}
    assert plosives >= set(arpabet.PLOSIVES)


@pytest.mark.parametrize("kind", ["word", "sentence"])
def test_english_vowels_are_heard_with_main_stress_and_reduced(kind: str) -> None:
    said = {phone for word in words(kind) for phone in word}
    assert said >= {f"{vowel}1" for vowel in arpabet.VOWELS}
    assert said >= (set(arpabet.UNSTRESSED) if kind == "word" else {"AH0", "IH0", "IY0", "ER0", "OW0"})


def test_isolated_mandarin_names_every_initial_and_final_and_runs_every_plosive_through_vowels() -> None:
    isolated = [one for one in prompts("zh") if one.kind == "isolated"]
    hints = {one.hint for one in isolated}
    assert hints >= {f"initial {name}" for name in pinyin.INITIALS}
    named = {one.hint.removeprefix("final "): one for one in isolated if one.hint.startswith("final ")}
    assert set(named) == set(pinyin.FINALS) - {"ir", "iz"}
    assert all({s.final for s in pinyin.syllables(one.says)} == {name} for name, one in named.items())
    for plosive in pinyin.PLOSIVES:
        row = next(one for one in isolated if one.hint == plosive)
        said = pinyin.syllables(row.says)
        assert {s.initial for s in said} == {plosive}
        assert len({s.final for s in said}) == 3


def test_mandarin_words_hold_every_pair_of_tones_and_syllables_without_initial() -> None:
    said = [pinyin.syllables(one.says) for one in prompts("zh") if one.kind == "word"]
    assert {(a.tone, b.tone) for a, b in said} == set(pinyin.TONE_PAIRS)
    sentences = [one.says for one in prompts("zh") if one.kind == "sentence"]
    assert {s.tone for says in sentences for s in pinyin.syllables(says)} == {*pinyin.TONES}
    assert any(not s.initial for pair in said for s in pair)


def test_a_mandarin_text_has_one_syllable_a_character() -> None:
    for one in prompts("zh"):
        characters = re.findall(r"[一-鿿]", one.text)
        assert len(characters) == len(one.says.split()), one.id
        assert re.fullmatch(r"[一-鿿　，。？！]+", one.text), one.id


def test_ids_are_unique_and_texts_are_not_repeated() -> None:
    every = [one for language in LANGUAGES for one in prompts(language)]
    assert len({one.id for one in every}) == len(every)
    assert all(re.fullmatch(rf"{one.language}-{one.kind}-\d{{3}}", one.id) for one in every)
    spoken = [(one.text, one.hint) for one in every]
    assert len(set(spoken)) == len(spoken)


def test_english_phones_agree_with_the_lexicon_that_the_voice_reads() -> None:
    from hibari.g2p.normalize import normalize

    from rhapsode.speech.hibari import load

    read = load()._g2p
    for one in prompts("en"):
        if one.kind != "isolated":
            symbols = re.sub(r"[^\w\s'ˈˌ]", "", read(normalize(one.text)))
            expected = [re.sub(r"\d", "", arpabet.from_ipa(word)) for word in symbols.split()]
            assert [re.sub(r"\d", "", word).strip() for word in one.says.split("/")] == expected, one.id


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("xue2", ("x", "üe", 2)),
        ("ju1", ("j", "ü", 1)),
        ("nü3", ("n", "ü", 3)),
        ("nu3", ("n", "u", 3)),
        ("liu4", ("l", "iou", 4)),
        ("dui4", ("d", "uei", 4)),
        ("cun1", ("c", "uen", 1)),
        ("qun2", ("q", "ün", 2)),
        ("zhi1", ("zh", "ir", 1)),
        ("si4", ("s", "iz", 4)),
        ("yan2", ("", "ian", 2)),
        ("ya1", ("", "ia", 1)),
        ("wo3", ("", "uo", 3)),
        ("er2", ("", "er", 2)),
        ("a5", ("", "a", 5)),
        ("yuan2", ("", "üan", 2)),
    ],
)
def test_syllables_are_taken_apart(written: str, parts: tuple[str, str, int]) -> None:
    assert tuple(pinyin.syllable(written)) == parts


@pytest.mark.parametrize("wrong", ["ma", "ma6", "xyz1", "", "zho1", "b1", "lv4", "ja1", "gi2"])
def test_what_is_no_syllable_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="must end in its tone"):
        pinyin.syllable(wrong)


def test_tone_marks_sit_where_readers_expect_them() -> None:
    written = "xiu4 gui3 lüe4 gou3 xiong2 nü3 er2 zhi1 de5 jiao1"
    assert pinyin.marked(written) == "xiù guǐ lüè gǒu xióng nǚ ér zhī de jiāo"


@pytest.mark.parametrize("wrong", ["P AE T", "XX", "P1", "AE3"])
def test_what_is_no_phone_of_english_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="must be ARPAbet with stress"):
        arpabet.phones_of(wrong)


def test_every_phone_of_english_has_an_ipa_that_leads_back() -> None:
    for phone in SOUNDS["en"]:
        written = arpabet.ipa_of(phone)
        assert arpabet.from_ipa("ɜɹ" if phone == "ER" else written).rstrip("0") == phone
    with pytest.raises(InputError, match="has no ARPAbet"):
        arpabet.from_ipa("ø")


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_minutes_are_kept_and_cover_every_sound(language: str) -> None:
    short = script(language, minutes=10)
    assert 9 * 60 < duration_s(short) <= 600
    assert {sound for item in short for _, _, sound in units(item)} == SOUNDS[language]
    assert list(short) == [item for item in script(language) if item in set(short)]


def test_an_exaggerated_item_takes_longer() -> None:
    one = prompts("en")[0]
    assert Item(one, "exaggerated").expected_s > Item(one, "normal").expected_s


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(SettingError, match=r"language 'fr'; known are en, zh"):
        script("fr")
    with pytest.raises(SettingError, match=r"one of normal, exaggerated, got 'loud'"):
        script("en", manners=["loud"])
    with pytest.raises(SettingError, match="no prompt fits"):
        script("en", minutes=0.01)
