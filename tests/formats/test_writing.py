"""Opening, atomic writing, options, and what the fitting hands to a writer."""

import os
import re
import sys
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from rhapsode.errors import FormatError, RigError, SettingError
from rhapsode.formats import FORMATS, WriteOptions, format_of, load, open_writer, open_writers, save
from rhapsode.formats.fitting import PartFitter
from rhapsode.formats.registry import Format, attribute
from rhapsode.performance import Performance, Sound, Span, Words, join
from rhapsode.rigs import ARKIT, FACE
from tests.formats.performances import cut, face, performance

PLAIN = Format(".x", "x", "", None, "x:X", fps=Fraction(60))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_table_names_code_that_exists():
    for row in FORMATS.values():
        for target in (row.reader, row.writer):
            if target is not None and not target.startswith("rhapsode.render"):
                assert callable(attribute(target))


def test_listing_the_formats_loads_none_of_them():
    import subprocess

    code = "import sys, rhapsode.formats; print(sys.modules.keys() & {'av', 'soundfile', 'numba', 'PIL'})"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


def test_an_unknown_extension_lists_the_known(tmp_path):
    with pytest.raises(FormatError) as raised:
        open_writer(tmp_path / "a.xyz")
    assert str(raised.value) == (
        f"cannot write '{tmp_path / 'a.xyz'}': got the extension '.xyz', known are "
        f"{' '.join(name for name, row in FORMATS.items() if row.writer)}; give the file one of these"
    )
    readable = " ".join(name for name, row in FORMATS.items() if row.reader)
    with pytest.raises(FormatError, match=re.escape(f"got no extension, known are {readable}; give")):
        load(tmp_path / "take")
    assert format_of("TAKE.CSV") is FORMATS[".csv"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("folder.json", "it is a folder, expected a file; add a file name"),
        ("missing/a.json", "' is no such folder; make the folder first"),
        ("file.txt/a.json", "' is a file; make the folder first"),
        ("pipe.json", "it is a device or a pipe, expected a file; name a file"),
    ],
)
def test_targets_that_cannot_be(tmp_path, target, message):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file.txt").touch()
    os.mkfifo(tmp_path / "pipe.json")
    before = left_in(tmp_path)
    with pytest.raises(FormatError) as raised:
        open_writer(tmp_path / target)
    assert str(raised.value).startswith(f"cannot write '{tmp_path / target}'")
    assert str(raised.value).endswith(message)
    assert left_in(tmp_path) == before


def test_a_folder_that_refuses_files(tmp_path):
    with (
        patch("rhapsode.formats.atomic.os.open", side_effect=PermissionError(13, "Permission denied")),
        pytest.raises(FormatError) as raised,
    ):
        open_writer(tmp_path / "a.csv")
    assert str(raised.value) == (
        f"cannot write '{tmp_path / 'a.csv'}': folder '{tmp_path}' refuses new files (Permission denied); "
        "choose a folder that you may write to"
    )


@pytest.mark.parametrize("kind", [".json", ".csv", ".npz", ".wav", ".srt", ".vtt"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, kind, error):
    target = tmp_path / f"a{kind}"
    target.write_text("old")
    with pytest.raises(error), open_writer(target) as out:  # noqa: PT012
        out.write(performance())
        assert len(left_in(tmp_path)) == 2
        raise error
    assert left_in(tmp_path) == [target.name]
    assert target.read_text() == "old"


def test_an_error_of_the_writer_itself_removes_the_file(tmp_path):
    with (
        pytest.raises(FormatError, match=r"^\.srt subtitles need words"),
        open_writer(tmp_path / "a.srt") as out,
    ):
        out.write(Performance(face(10)))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("call", ["os.replace", "os.fsync"])
def test_a_full_or_failing_disk_leaves_nothing(tmp_path, call):
    name = call.removeprefix("os.")
    with (
        patch(f"rhapsode.formats.atomic.os.{name}", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OSError, match="No space"),
    ):
        save(performance(), tmp_path / "a.csv")
    assert left_in(tmp_path) == []


def test_spaces_and_chinese_characters(tmp_path):
    path = tmp_path / "我的 录音" / ("曲" * 80 + " 线.json")
    path.parent.mkdir()
    assert save(performance(), path) == path
    assert load(path).face.names == ARKIT.channels


def test_a_link_is_followed_and_the_mode_follows_the_umask(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    old = os.umask(0o027)
    try:
        save(performance(), tmp_path / "link.csv")
    finally:
        os.umask(old)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_size > 1000
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o640


def test_several_files_appear_together_or_not_at_all(tmp_path):
    with open_writers([tmp_path / "a.json", tmp_path / "b.csv"], fps=30) as out:
        for part in cut(performance(), 7):
            out.write(part)
    assert left_in(tmp_path) == ["a.json", "b.csv"]
    with (
        pytest.raises(FormatError, match="words"),
        open_writers([tmp_path / "c.json", tmp_path / "d.srt", tmp_path / "e.csv"]) as out,
    ):
        out.write(Performance(face(10)))
    assert left_in(tmp_path) == ["a.json", "b.csv"]
    with pytest.raises(SettingError, match=r"'.*a\.json' is named twice"):
        open_writers([tmp_path / "a.json", tmp_path / "." / "a.json"])
    with pytest.raises(FormatError, match="xyz"):
        open_writers([tmp_path / "f.json", tmp_path / "f.xyz"])
    assert left_in(tmp_path) == ["a.json", "b.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"speed": 2},
            "unknown option 'speed' for a written file; valid: fps, rig, avatar, size, camera, background, "
            "precision, angle_scale",
        ),
        ({"fps": 0}, "frame rate must lie in"),
        (
            {"size": "12by12"},
            "size must be two even numbers of pixels from 16 to 4096, got '12by12'; try 512x512",
        ),
        ({"size": (511, 512)}, "size must be two even numbers"),
        ({"size": (1, 2, 3)}, "size must be two even numbers"),
        ({"precision": 0}, "precision must be a whole number from 1 to 9 decimals, got 0"),
        ({"angle_scale": 0.0}, "angle_scale must be a finite number other than zero, got 0.0"),
        ({"angle_scale": float("nan")}, "angle_scale must be a finite number"),
    ],
)
def test_options_are_checked_before_any_work(tmp_path, options, message):
    with pytest.raises(SettingError) as raised:
        save(performance(), tmp_path / "a.json", **options)
    assert str(raised.value).startswith(message)
    assert left_in(tmp_path) == []


def test_options_in_several_spellings():
    assert WriteOptions(size="640x480").size == (640, 480)  # type: ignore[arg-type]
    assert WriteOptions(size=256).size == (256, 256)  # type: ignore[arg-type]
    assert WriteOptions.of({"fps": "29.97"}).fps == Fraction(30000, 1001)


def test_an_unknown_rig_is_refused_before_any_work(tmp_path):
    with pytest.raises(RigError, match=r"a rig must be one of: arkit, face, .*; got 'spider'"):
        open_writer(tmp_path / "a.json", rig="spider")
    assert left_in(tmp_path) == []


def test_curves_that_are_no_numbers_are_refused(tmp_path):
    curves = face(10)
    curves.values[4, 17] = np.nan
    with pytest.raises(RigError, match="curve 'jawOpen' is not a finite number at curve frame 4, got nan"):
        save(Performance(curves), tmp_path / "a.json")
    assert left_in(tmp_path) == []


def fitted(parts: list[Performance], row: Format = PLAIN) -> list[Performance]:
    fitter = PartFitter(row, WriteOptions())
    made = [fitter.push(part) for part in parts]
    tail = fitter.finish()
    return made + ([] if tail is None else [tail])


@pytest.mark.parametrize("size", [1, 3, 17, 1000])
@pytest.mark.parametrize("start", [0, 12_345])
def test_parts_fit_as_the_whole_does(size, start):
    whole = performance(61, start=start)
    parts = fitted(cut(whole, size))
    got = join([part.face for part in parts])
    expected = whole.face.resample(60)
    np.testing.assert_array_equal(got.values, expected.values)
    assert parts[0].face.start == 0
    assert [span.text for part in parts for span in part.words.words] == ["Hello", "there,"]
    phones = [span for part in parts for span in part.words.phones]
    assert [phone.start_s for phone in phones] == pytest.approx([0.1, 0.15])
    sound = np.concatenate([part.sound.samples for part in parts if part.sound is not None])
    assert whole.sound is not None
    np.testing.assert_array_equal(sound, whole.sound.samples)


@pytest.mark.parametrize(("late", "expected"), [(0, [1, 2, 3, 4]), (2, [0, 0, 1, 2, 3, 4]), (-3, [4])])
def test_a_sound_is_cut_or_padded_to_begin_with_the_face(late, expected):
    samples = np.array([1, 2, 3, 4], np.float32)
    parts = [
        Performance(face(1, start=1600), Sound(samples[:2], 16_000, Fraction(1600 + late))),
        Performance(face(1, start=1920), Sound(samples[2:], 16_000, Fraction(1602 + late))),
    ]
    made = fitted(parts)
    got = [value for part in made if part.sound is not None for value in part.sound.samples[:, 0].tolist()]
    assert got == expected
    assert all(part.sound.start >= 0 for part in made if part.sound is not None)


def test_a_repeated_word_is_kept_and_a_cut_one_is_not_doubled():
    spans = (Span("no", 0.0, 0.3), Span("no", 0.3, 0.6), Span("no", 0.6, 1.4))
    whole = Performance(face(75), words=Words(spans))
    parts = fitted(cut(whole, 2))
    assert tuple(span for part in parts for span in part.words.words) == spans


def test_other_rigs_become_the_channels_that_a_format_needs():
    arkit = face(20).select(ARKIT.channels)
    (part,) = fitted([Performance(arkit)], Format(".x", "x", "", None, "x:X"))
    assert part.face.names == FACE.channels
    np.testing.assert_array_equal(part.face.values[:, :52], arkit.values)
    assert not part.face.values[:, 52:].any()
