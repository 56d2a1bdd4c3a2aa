from __future__ import annotations

import numpy as np
import pytest

from rhapsode.speech.phones import FRAME_SAMPLES, SHIFT, end_with_the_sound, timed_phones


def test_starts_take_the_space_and_the_stress_before_them() -> None:
    #          pad ð  ə  _  k  ˈ  æ  t  ,  _  ʌ  s  pad
    durations = [4, 1, 2, 3, 1, 2, 5, 1, 6, 1, 2, 2, 9]
    phones = timed_phones("ðə kˈæt, ʌs", np.array(durations, np.float32))

    def at(frames: int) -> int:
        return frames * FRAME_SAMPLES + SHIFT

    assert [(p.text, p.start, p.end) for p in phones] == [
        ("ð", at(4), at(5)),
        ("ə", at(5), at(7)),
        ("k", at(7), at(11)),
        ("æ", at(11), at(18)),
        ("t", at(18), at(19)),
        ("ʌ", at(25), at(28)),
        ("s", at(28), at(30)),
    ]


def test_diphthongs_affricates_and_length_are_ipa() -> None:
    phones = timed_phones("ʧOɑː", np.ones(6, np.float32))
    assert [p.text for p in phones] == ["tʃ", "oʊ", "ɑː"]
    assert phones[-1].end == 5 * FRAME_SAMPLES + SHIFT


def test_durations_must_cover_the_symbols() -> None:
    with pytest.raises(ValueError, match="3 symbols need 5 durations, got 3"):
        timed_phones("abc", np.ones(3, np.float32))


def test_a_phone_before_a_pause_ends_with_the_sound() -> None:
    phones = timed_phones("ɑ. ɑ", np.array([4, 12, 20, 1, 12, 4], np.float32))
    samples = np.zeros(53 * FRAME_SAMPLES, np.float32)
    samples[2000:5000] = 0.3
    samples[phones[1].start : phones[1].start + 4000] = 0.3
    one, two = end_with_the_sound(phones, samples)
    assert abs(one.end - 5000) <= 120
    assert abs(two.end - (phones[1].start + 4000)) <= 120
    assert [p.start for p in (one, two)] == [p.start for p in phones]


def test_phones_that_touch_the_next_keep_their_end() -> None:
    phones = timed_phones("ɑt", np.array([4, 6, 6, 4], np.float32))
    settled = end_with_the_sound(phones, np.zeros(20 * FRAME_SAMPLES, np.float32))
    assert settled[0] == phones[0]
