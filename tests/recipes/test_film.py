"""The film's timeline: where lines are cut, how they follow each other, when captions are seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recipes.film_file import Film
from recipes.film_lines import AIR_S, Part, cut, find, lay
from recipes.film_titles import FADE_S, Caption, opacity, poster, write

from rhapsode.performance import CLOCK_HZ
from rhapsode.train.teacher.blend import TimedPhone
from rhapsode.train.teacher.corpus import Utterance


def said(text: str = "Papa came. Mama slept.", voice: str = "af") -> Utterance:
    spans = [(0.2, 0.5), (0.5, 1.0), (1.05, 1.2), (1.6, 2.0), (2.0, 2.4), (2.5, 2.8)]
    phones = tuple(TimedPhone("a", start, end, 0.0) for start, end in spans)
    return Utterance("u", Path("u.flac"), "en", voice, "test", text, 3.0, phones)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Papa came. Mama slept.", (0.16, 2.92)),
        ("Papa came.", (0.16, 1.32)),
        ("Mama slept.", (1.56, 2.92)),
    ],
)
def test_a_sentence_is_cut_at_the_rest_between_two(text, span):
    assert cut(said(), text) == pytest.approx(span)


def test_a_cut_stays_inside_the_sound():
    short = replace(said(), seconds=2.85)
    assert cut(short, short.text)[1] == 2.85


def test_lines_follow_each_other_with_air_and_fill_whole_video_frames():
    parts = [Part("af", "one", "One"), Part("af", "two", "Two", heard=lambda y: y * 0 + 0.5)]
    lines = [np.full(8_000, 0.2, np.float32), np.full(9_001, 0.3, np.float32)]
    y, captions = lay(parts, lines, 30)
    air, first = round(AIR_S * CLOCK_HZ), 8_000 + 2 * round(AIR_S * CLOCK_HZ)
    assert abs(len(y) * 30 / CLOCK_HZ - round(len(y) * 30 / CLOCK_HZ)) < 30 / CLOCK_HZ
    assert np.all(y[:air] == 0)
    assert np.all(y[air : air + 8_000] == np.float32(0.2))
    assert np.all(y[air + 8_000 : first] == 0)
    assert y[first] == 0, "noise begins softly"
    assert y[first + air] == y[first + air + 9_000 + air // 2] == 0.5, "noise is heard in the air too"
    assert [c.title for c in captions] == ["One", "Two"]
    assert captions[0].end_s == captions[1].start_s == first / CLOCK_HZ
    assert captions[1].end_s == len(y) / CLOCK_HZ


def test_a_line_that_nobody_says_is_named():
    with pytest.raises(SystemExit, match=r"no utterance .* by bm says 'Papa came.'.*recipes/corpus"):
        find([said()], Part("bm", "Papa came.", "English"))


def test_captions_fade_in_and_out():
    caption = Caption("English", "a note", 1.0, 3.0)
    assert [opacity(caption, t) for t in (0.5, 1.0, 2.0, 3.0, 4.0)] == [0, 0, 1, 0, 0]
    assert opacity(caption, 1 + FADE_S / 2) == pytest.approx(0.5)


def test_a_caption_changes_the_lower_edge_only():
    picture = np.full((200, 200, 3), 128, np.uint8)
    write(picture, Caption("English", "a note", 0, 1), 0.0)
    assert (picture == 128).all()
    write(picture, Caption("English", "a note", 0, 1), 1.0)
    assert (picture[:150] == 128).all()
    assert picture[160:].max() > 240
    assert picture[160:].min() < 100, "a shadow"


def test_a_poster_holds_the_pictures_and_a_sign_between_them():
    pictures = [np.full((64, 64, 3), shade, np.uint8) for shade in (10, 90, 170, 250)]
    page = np.asarray(poster(pictures, 64))
    assert page.shape == (64, 256, 3)
    assert [int(page[2, x, 0]) for x in (2, 66, 130, 194)] == [10, 90, 170, 250]
    assert (page[32, 128] > 200).all()


def test_the_file_has_sound_and_pictures_of_one_length(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "film.mp4"
    with Film(path, (64, 64), 10) as film:
        for _ in range(2):
            film.hear(np.full(8_000, 0.1, np.float32), 5)
            for k in range(5):
                film.show(np.full((64, 64, 3), 40 * k, np.uint8))
        assert not path.exists()
    with av.open(str(path)) as box:
        shown = [frame.time for frame in box.decode(video=0)]
    with av.open(str(path)) as box:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in box.decode(audio=0)])
        codecs = [stream.codec_context.name for stream in box.streams]
    assert shown == pytest.approx(np.arange(10) / 10)
    assert codecs == ["aac", "h264"] or codecs == ["h264", "aac"]
    assert len(heard) >= 48_000
    assert heard[2_000:46_000].mean() == pytest.approx(0.1, abs=0.02)
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_a_film_that_fails_leaves_nothing(tmp_path):
    film = Film(tmp_path / "film.mp4", (64, 64), 10)
    for _ in range(90):
        film.show(np.zeros((64, 64, 3), np.uint8))
    film.hear(np.full(144_000, 0.1, np.float32), 90)
    assert list(tmp_path.iterdir())
    film.__exit__(RuntimeError, RuntimeError("no more"), None)
    assert not list(tmp_path.iterdir())
