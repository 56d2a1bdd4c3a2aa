"""Audio2Face JSON, Live Link Face CSV and npz: read by other means, round trips, and every kind of damage."""

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rhapsode.errors import FormatError, SettingError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.livelink_csv import COLUMNS, timecode
from rhapsode.performance import Performance
from rhapsode.rigs import ARKIT, FACE, rig_named
from tests.formats.performances import cut, face, performance

EVERYWHERE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def seconds(text: str) -> Fraction:
    """Read a Live Link Face timecode by hand: FF counts 60ths, whatever the rate."""
    hours, minutes, whole, rest = text.split(":")
    assert len(hours) == len(minutes) == len(whole) == 2
    sixtieths, thousandths = rest.split(".")
    assert len(sixtieths) == 2
    assert len(thousandths) == 3
    assert int(sixtieths) < 60
    return Fraction(int(hours) * 3600 + int(minutes) * 60 + int(whole)) + Fraction(
        int(sixtieths + thousandths), 60_000
    )


@pytest.mark.parametrize("size", [1, 7, 100])
def test_json_has_the_audio2face_layout(tmp_path, size):
    take = performance(40)
    with open_writer(tmp_path / "a.json") as out:
        for part in cut(take, size):
            out.write(part)
    tree = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert set(tree) == {"exportFps", "trackPath", "numPoses", "numFrames", "facsNames", "weightMat"}
    assert tree["exportFps"] == 50
    assert isinstance(tree["exportFps"], int)
    assert tree["trackPath"] == "a line.wav"
    assert tree["facsNames"] == list(ARKIT.channels)
    assert (tree["numPoses"], tree["numFrames"]) == (52, 40)
    np.testing.assert_allclose(tree["weightMat"], take.face.values[:, :52], atol=5.1e-7)


def test_json_at_other_rates_rigs_and_precisions(tmp_path):
    take = performance(40)
    tree = json.loads(save(take, tmp_path / "a.json", fps=30, precision=3).read_text())
    assert tree["exportFps"] == 30
    np.testing.assert_allclose(tree["weightMat"], take.face.resample(30).values[:, :52], atol=5.1e-4)
    assert all(len(str(value)) <= 5 for value in tree["weightMat"][0])
    tree = json.loads(save(take, tmp_path / "b.json", rig="oculus").read_text())
    assert tree["facsNames"] == list(rig_named("oculus").channels)
    assert load(save(take, tmp_path / "c.json", rig="face")).face.names == FACE.channels


@pytest.mark.parametrize("fps", ["29.97", 12.5])
def test_json_refuses_a_broken_rate_before_any_work(tmp_path, fps):
    with pytest.raises(
        SettingError, match=r"whole number of frames per second, got .*; try fps=\d+, or write"
    ):
        open_writer(tmp_path / "a.json", fps=fps)
    assert not list(tmp_path.iterdir())


def test_json_without_minus_zero(tmp_path):
    curves = face(2)
    curves.values[:] = -1e-9
    assert "-0.0" not in save(Performance(curves), tmp_path / "a.json").read_text()


def test_csv_has_the_columns_and_the_timecode_of_live_link_face(tmp_path):
    take = performance(50)
    save(take, tmp_path / "slate_1_me.csv")
    with (tmp_path / "slate_1_me.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert len(header) == 63
    assert header[:2] == ["Timecode", "BlendShapeCount"]
    assert header[16:19] == ["JawForward", "JawRight", "JawLeft"]
    assert header[22:25] == ["MouthPucker", "MouthRight", "MouthLeft"]
    assert header[-9:] == [
        *("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll"),
        *("RightEyeYaw", "RightEyePitch", "RightEyeRoll"),
    ]
    expected = take.face.resample(60)
    assert len(rows) == 60
    for frame, row in enumerate(rows):
        assert seconds(row[0]) == Fraction(frame, 60)
        assert row[1] == "61"
        assert all(len(cell.split(".")[1]) == 10 for cell in row[2:])
        for name in ("jawLeft", "jawRight", "mouthLeft", "eyeBlinkLeft", "tongueOut", "headPitch"):
            cell = float(row[header.index(name[0].upper() + name[1:])])
            assert cell == pytest.approx(expected[name][frame], abs=1e-9)


def test_timecodes():
    assert timecode(0, Fraction(60)) == "00:00:00:00.000"
    assert timecode(59, Fraction(60)) == "00:00:00:59.000"
    assert timecode(1, Fraction(24)) == "00:00:00:02.500"
    assert timecode(1, Fraction(30000, 1001)) == "00:00:00:02.002"
    assert timecode(3600 * 50 + 61 * 50, Fraction(50)) == "01:01:01:00.000"
    assert timecode(24 * 3600 * 30, Fraction(30)) == "00:00:00:00.000"


@EVERYWHERE
@given(
    st.integers(0, 10**7),
    st.sampled_from([Fraction(24), Fraction(50), Fraction(60), Fraction(30000, 1001), Fraction(7, 3)]),
)
def test_timecodes_are_right_to_half_a_unit_and_never_carry_wrongly(frame, rate):
    day = 24 * 3600
    off = (seconds(timecode(frame, rate)) - frame / rate) % day
    assert min(off, day - off) <= Fraction(1, 120_000)


@pytest.mark.parametrize("scale", [1.0, 57.29577951308232, -1 / 3])
def test_csv_angles_are_scaled(tmp_path, scale):
    take = performance(10)
    save(take, tmp_path / "a.csv", fps=50, angle_scale=scale)
    row = (tmp_path / "a.csv").read_text().splitlines()[4].split(",")
    assert float(row[COLUMNS.index("HeadYaw")]) == pytest.approx(scale * take.face["headYaw"][3], rel=1e-6)
    assert float(row[COLUMNS.index("JawOpen")]) == pytest.approx(take.face["jawOpen"][3], abs=1e-9)


@EVERYWHERE
@given(
    st.integers(1, 150),
    st.integers(0, 9),
    st.sampled_from([None, 24, 30, "29.97", 50, 60, "59.94", 100, 120]),
)
def test_csv_round_trip(tmp_path, frames, seed, fps):
    take = performance(frames, seed=seed)
    back = load(save(take, tmp_path / "a.csv", fps=fps))
    expected = take.face.resample(fps or 60)
    assert back.face.names == FACE.channels
    np.testing.assert_allclose(back.face.values, expected.values, atol=1e-7)
    if len(expected) > 3:
        assert back.face.rate == expected.rate


@EVERYWHERE
@given(
    st.integers(1, 60),
    st.integers(0, 9),
    st.integers(1, 9),
    st.sampled_from(["arkit", "face", "facegood", "vrm1"]),
)
def test_json_round_trip(tmp_path, frames, seed, precision, rig):
    take = performance(frames, seed=seed)
    back = load(save(take, tmp_path / "a.json", precision=precision, rig=rig))
    from rhapsode.rigs import retarget

    expected = retarget(take.face, rig)
    assert back.face.names == expected.names
    assert back.face.rate == 50
    np.testing.assert_allclose(back.face.values, expected.values, atol=0.51 * 10**-precision + 1e-7)
    assert back.meta == {"source": "a line.wav"}


@EVERYWHERE
@given(st.integers(41, 90), st.integers(0, 9), st.integers(0, 10**6), st.integers(1, 99))
def test_npz_loses_nothing(tmp_path, frames, seed, start, size):
    take = performance(frames, seed=seed, start=start)
    with open_writer(tmp_path / "a.npz") as out:
        for part in cut(take, size):
            out.write(part)
    back = load(tmp_path / "a.npz")
    for got, expected in ((back.face, take.face), (back.emotion, take.emotion)):
        assert got is not None
        assert expected is not None
        assert (got.names, got.rate, got.start) == (expected.names, expected.rate, expected.start)
        np.testing.assert_array_equal(got.values, expected.values)
    assert back.sound is not None
    assert take.sound is not None
    assert (back.sound.sample_rate, back.sound.start) == (24_000, take.sound.start)
    np.testing.assert_array_equal(back.sound.samples, take.sound.samples)
    assert back.words == take.words
    assert back.motion is not None
    assert take.motion is not None
    assert (back.motion.joints, back.motion.rate) == (take.motion.joints, take.motion.rate)
    np.testing.assert_array_equal(back.motion.rotations, take.motion.rotations)
    np.testing.assert_array_equal(back.motion.translation, take.motion.translation)
    assert back.meta == take.meta


def test_npz_is_read_by_numpy_alone(tmp_path):
    take = performance(20)
    with np.load(save(take, tmp_path / "a.npz"), allow_pickle=False) as archive:
        assert str(archive["format"]) == "rhapsode-performance"
        assert int(archive["version"]) == 1
        assert archive["face_names"].tolist() == list(FACE.channels)
        assert archive["face_rate"].tolist() == [50, 1]
        np.testing.assert_array_equal(archive["face_values"], take.face.values)
        assert archive["sound_samples"].shape == (20 * 480, 2)
        assert archive["words_text"].tolist() == ["Hello", "there,"]
        assert (
            dict(zip(archive["meta_keys"].tolist(), archive["meta_values"].tolist(), strict=True))
            == take.meta
        )


def test_npz_of_a_face_alone_and_at_another_rate_and_rig(tmp_path):
    back = load(save(Performance(face(20)), tmp_path / "a.npz", fps=30, rig="oculus"))
    assert (back.sound, back.emotion, back.motion) == (None, None, None)
    assert len(back.face) == 12
    assert back.face.rate == Fraction(30)
    assert back.face.names == rig_named("oculus").channels


def refused(path: Path, pattern: str = ".") -> None:
    with pytest.raises(FormatError, match=pattern) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_file_cut_anywhere_is_refused(tmp_path, kind):
    data = save(performance(3), tmp_path / f"a.{kind}").read_bytes()
    end = len(data.rstrip())
    step = max(end // 150, 1)
    for length in [0, 1, 2, *range(3, end, step), end - 2, end - 1]:
        (tmp_path / f"cut.{kind}").write_bytes(data[:length])
        refused(tmp_path / f"cut.{kind}")


def test_a_csv_cut_inside_a_row_is_refused(tmp_path):
    data = save(performance(3), tmp_path / "a.csv").read_bytes()
    ends = [k for k, byte in enumerate(data) if byte == ord("\n")]
    # A cut behind a whole row, or inside the digits of its last cell, leaves a shorter but proper file.
    proper = {n for end in ends for n in range(end - 12, end + 2)}
    for length in [n for n in range(0, len(data), 41) if n not in proper]:
        (tmp_path / "cut.csv").write_bytes(data[:length])
        refused(
            tmp_path / "cut.csv", "no Live Link Face CSV: got .*, expected .*; export it again|no CSV text"
        )


@pytest.mark.parametrize("kind", ["json", "csv", "npz"])
def test_noise_and_other_files_are_refused(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    rng = np.random.default_rng(0)
    for data in (
        b"",
        b"\0" * 100,
        b"PK\x03\x04",
        rng.bytes(500),
        "我的".encode("utf-16"),
        b"[1, 2]",
        b"\x93NUMPY",
    ):
        path.write_bytes(data)
        refused(path)


@pytest.mark.parametrize("flips", range(20))
def test_an_npz_with_a_flipped_bit_is_refused_or_the_same(tmp_path, flips):
    whole = performance(30)
    data = bytearray(save(whole, tmp_path / "a.npz").read_bytes())
    data[int(np.random.default_rng(flips).integers(len(data)))] ^= 0x10
    (tmp_path / "b.npz").write_bytes(data)
    try:
        back = load(tmp_path / "b.npz")
    except FormatError:
        return
    np.testing.assert_array_equal(back.face.values, whole.face.values)


def test_an_npz_of_an_unknown_compression_is_refused(tmp_path):
    data = bytearray(save(performance(2), tmp_path / "a.npz").read_bytes())
    for header, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(header) + method] = 77
    (tmp_path / "b.npz").write_bytes(data)
    with pytest.raises(FormatError, match=r"damaged or foreign file .*compression method is not supported"):
        load(tmp_path / "b.npz")


GOOD = {
    "exportFps": 30,
    "trackPath": "",
    "numPoses": 2,
    "numFrames": 2,
    "facsNames": ["a", "b"],
    "weightMat": [[0, 1], [0.5, 1]],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exportFps": None}, "got exportFps None, expected a number of frames per second"),
        ({"exportFps": 0}, "got exportFps 0, expected a number of frames per second"),
        ({"exportFps": True}, "got exportFps True, expected a number of frames per second"),
        ({"facsNames": "ab"}, "got facsNames 'ab', expected a list of channel names"),
        ({"facsNames": ["a", 1]}, "got facsNames ['a', 1], expected a list of channel names"),
        ({"facsNames": ["a", "a"]}, "got 1 repeated facsNames, expected each name once"),
        ({"weightMat": 3}, "got weightMat 3, expected a list of rows"),
        ({"weightMat": [[0, 1], [0]]}, "got 1 weights in row 1 of weightMat, expected 2, one for each name"),
        ({"weightMat": [[0, 1], 7]}, "got 7 in row 1 of weightMat, expected 2, one for each name"),
        ({"weightMat": [["0", 1]]}, "got '0' in row 0 of weightMat, expected numbers"),
        ({"weightMat": [[1e300, 1]]}, "got 1e+300 in row 0 of weightMat, expected numbers"),
        ({"numPoses": 3}, "got numPoses 3, expected 2, as many as it holds"),
        ({"numFrames": 9}, "got numFrames 9, expected 2, as many as it holds"),
    ],
)
def test_json_that_is_no_audio2face(tmp_path, change, message):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(FormatError) as raised:
        load(path)
    assert (
        str(raised.value) == f"'{path}' is no Audio2Face JSON: {message}; export it again as Audio2Face JSON"
    )


def test_json_of_other_makers(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({key: GOOD[key] for key in ("exportFps", "facsNames", "weightMat")} | {"exportFps": 29.97})
    )
    assert load(path).face.rate == Fraction(30000, 1001)
    path.write_text('{"exportFps": 30, "facsNames": ["a"], "weightMat": [[NaN]]}')
    refused(path, "NaN is no JSON number")


def rows_of(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("line", "column", "cell", "message"),
    [
        (1, 5, "Nonsense", "got a header without EyeLookOutLeft, expected all 63 columns"),
        (3, 0, "soon", "got timecode 'soon' in line 3, expected HH:MM:SS:FF.mmm"),
        (
            3,
            0,
            "00:00:00:61.000",
            "got timecode '00:00:00:61.000' in line 3, expected HH:MM:SS:FF.mmm, FF below 60",
        ),
        (
            4,
            0,
            "00:00:00:00.000",
            "got a timecode in line 4 that is not later than the one before, expected rising times",
        ),
        (2, 9, "nan", "got a cell that is not finite in line 2, expected numbers"),
        (
            2,
            9,
            "x",
            "got a cell that is no number in line 2 (could not convert string to float: 'x'), "
            "expected numbers",
        ),
        (2, 9, "1,2", "got 64 cells in line 2, expected 63; it may be cut off"),
    ],
)
def test_csv_with_a_wrong_cell(tmp_path, line, column, cell, message):
    path = save(performance(5), tmp_path / "a.csv")
    rows = rows_of(path)
    rows[line - 1][column] = cell
    with pytest.raises(FormatError) as raised:
        load(write_rows(path, rows))
    assert (
        str(raised.value)
        == f"'{path}' is no Live Link Face CSV: {message}; export it again from Live Link Face"
    )


def test_csv_with_columns_in_another_order_and_a_byte_order_mark(tmp_path):
    path = save(performance(5), tmp_path / "a.csv")
    expected = load(path).face.values
    shuffled = [row[:2] + row[:1:-1] for row in rows_of(path)]
    write_rows(path, shuffled)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(load(path).face.values, expected)


def test_csv_row_without_a_face_holds_the_last_one(tmp_path):
    path = save(performance(5), tmp_path / "a.csv", fps=50)
    rows = rows_of(path)
    rows[3] = [rows[3][0], "0"]
    values = load(write_rows(path, rows)).face.values
    np.testing.assert_array_equal(values[2], values[1])


def test_csv_across_midnight_and_with_lost_rows(tmp_path):
    take = performance(50)
    path = save(take, tmp_path / "a.csv", fps=60)
    rows = rows_of(path)
    whole = load(path).face
    for k, row in enumerate(rows[1:]):
        row[0] = timecode(24 * 3600 * 60 - 30 + k, Fraction(60))
    assert rows[31][0] == "00:00:00:00.000"
    midnight = load(write_rows(path, rows)).face
    assert midnight.rate == 60
    np.testing.assert_array_equal(midnight.values, whole.values)
    del rows[20:24]
    patched = load(write_rows(path, rows)).face
    assert patched.rate == Fraction(60)
    assert len(patched) == 60
    kept = [*range(19), *range(23, 60)]
    np.testing.assert_allclose(patched.values[kept], whole.values[kept], atol=1e-6)
    assert np.abs(patched.values - whole.values).max() < 1


def test_npz_of_a_later_version_and_other_archives(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, format="rhapsode-performance", version=2)
    refused(path, "version 2, expected 1; update rhapsode to read it")
    np.savez(path, values=np.zeros(3))
    refused(path, "an archive of 1 arrays without format 'rhapsode-performance'")
    np.savez(path, format="rhapsode-performance", version=1)
    refused(path, "an archive without 'meta_keys'")
    np.savez(path, x=np.array([{}], dtype=object), allow_pickle=True)
    refused(path, "no performance archive")
    good = dict(np.load(save(performance(5), path)))
    np.savez(path, **(good | {"face_names": good["face_names"][:-1]}))
    refused(path, "arrays that do not fit together")
    np.savez(path, **(good | {"face_rate": np.array([50, 0])}))
    refused(path, "arrays that do not fit together")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    refused(path, "a single array, not an archive")


def test_what_is_not_there(tmp_path):
    (tmp_path / "folder.json").mkdir()
    refused(tmp_path / "folder.json", "found a folder there, expected Audio2Face JSON; check the path")
    refused(tmp_path / "no.csv", "found nothing there, expected Live Link Face CSV; check the path")


def test_the_same_performance_gives_the_same_bytes(tmp_path):
    for kind in ("npz", "json", "csv"):
        first, second = (save(performance(20), tmp_path / f"{n}.{kind}").read_bytes() for n in "ab")
        assert first == second
