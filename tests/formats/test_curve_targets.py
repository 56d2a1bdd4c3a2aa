"""MetaHuman CSV, Live2D motion, Unity clips, and Live Link CSV as other apps write it."""

import csv
import json
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]

from rhapsode.errors import AvatarError, FormatError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.unity_anim import corners
from rhapsode.performance import Curves, Performance
from rhapsode.rigs import FACE
from rhapsode.rigs.live2d import cubism2
from tests.formats.performances import cut, face, performance


def clip(path: Path) -> dict:
    """Read a Unity clip by its YAML alone."""
    head, tag, body = path.read_text().partition("--- !u!74 &7400000\n")
    assert head == "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n"
    assert tag
    return yaml.load(body, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["AnimationClip"]


def played(curve: dict, times: np.ndarray) -> np.ndarray:
    """Evaluate a Unity curve by cubic Hermite segments, as AnimationCurve does."""
    keys = curve["curve"]["m_Curve"]
    if len(keys) == 1:
        return np.full(len(times), float(keys[0]["value"]))
    at = np.array([key["time"] for key in keys], float)
    k = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(keys) - 2)
    value, out, into = (np.array([key[f] for key in keys], float) for f in ("value", "outSlope", "inSlope"))
    x0, x1, y0, y1, m0, m1 = at[k], at[k + 1], value[k], value[k + 1], out[k], into[k + 1]
    h = x1 - x0
    t = (times - x0) / h
    return (
        (2 * t**3 - 3 * t**2 + 1) * y0
        + (t**3 - 2 * t**2 + t) * h * m0
        + (3 * t**2 - 2 * t**3) * y1
        + (t**3 - t**2) * h * m1
    )


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 13, 100])
def test_a_unity_clip_plays_what_was_given(tmp_path, step):
    take = performance(100)
    with open_writer(tmp_path / "a.anim", node="Body/Face", loop=True) as out:
        for part in cut(take, step):
            out.write(part)
    tree = clip(tmp_path / "a.anim")
    assert tree["m_Name"] == "a line"
    assert tree["m_SampleRate"] == 60
    settings = tree["m_AnimationClipSettings"]
    assert (settings["m_LoopTime"], settings["m_StopTime"]) == (1, pytest.approx(119 / 60))
    curves = {curve["attribute"]: curve for curve in tree["m_FloatCurves"]}
    assert len(curves) == 52
    expected = take.face.resample(60)
    for name in ("jawOpen", "eyeBlinkLeft", "tongueOut"):
        curve = curves[f"blendShape.{name}"]
        assert (curve["path"], curve["classID"]) == ("Body/Face", 137)
        got = played(curve, np.arange(120) / 60)
        np.testing.assert_allclose(got, 100 * expected[name], atol=0.06)


def test_a_unity_clip_keeps_few_keys_and_odd_names(tmp_path):
    rest = Performance(Curves(FACE.channels, np.zeros((600, len(FACE)), np.float32)))
    tree = clip(save(rest, tmp_path / "a.anim", node="脸: #1"))
    assert all(len(curve["curve"]["m_Curve"]) == 2 for curve in tree["m_FloatCurves"])
    assert {curve["path"] for curve in tree["m_FloatCurves"]} == {"脸: #1"}
    assert tree["m_AnimationClipSettings"]["m_LoopTime"] == 0
    names = {c["attribute"] for c in clip(save(rest, tmp_path / "b.anim", rig="oculus"))["m_FloatCurves"]}
    assert "blendShape.PP" in names
    one = clip(save(Performance(face(1)), tmp_path / "c.anim", fps=50))
    assert len(one["m_FloatCurves"][0]["curve"]["m_Curve"]) == 1


@pytest.mark.parametrize("seed", range(5))
def test_corners_keep_every_value_within_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(size=300)) * (rng.random(300) > 0.5)
    kept = list(corners(values, 0.3))
    assert kept == sorted(set(kept))
    assert np.abs(np.interp(np.arange(300), kept, values[kept]) - values).max() <= 0.3 + 1e-9
    assert len(kept) < 300
    assert list(corners(np.zeros(1), 0.1)) == [0]
    assert list(corners(np.zeros(0), 0.1)) == []


def test_metahuman_columns_and_the_way_back(tmp_path):
    curves = face(50)
    curves.values[:, :52] *= 0.45
    take = Performance(curves)
    path = save(take, tmp_path / "a.metahuman.csv")
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header[0] == "Timecode"
    assert header[-9:][0] == "HeadYaw"
    assert all(name.startswith("CTRL_expressions_") for name in header[1:-9])
    expected = take.face.resample(60)
    jaw = [float(row[header.index("CTRL_expressions_jawOpen")]) for row in rows]
    np.testing.assert_allclose(jaw, expected["jawOpen"], atol=1e-6)
    left = [float(row[header.index("CTRL_expressions_eyeLookRightL")]) for row in rows]
    np.testing.assert_allclose(left, expected["eyeLookInLeft"], atol=1e-6)
    (tmp_path / "plain.csv").write_bytes(path.read_bytes())
    back = load(tmp_path / "plain.csv").face
    assert back.rate == 60
    for name in ("jawOpen", "mouthSmileLeft", "browDownRight", "headYaw"):
        np.testing.assert_allclose(back[name], expected[name], atol=2e-3)


def motion(path: Path) -> dict:
    """Read a motion by its specification, and check its counts."""
    tree = json.loads(path.read_text())
    meta, segments, points = tree["Meta"], 0, 0
    for curve in tree["Curves"]:
        numbers, at = curve["Segments"], 2
        points += 1
        while at < len(numbers):
            size = {0: 2, 1: 6, 2: 2, 3: 2}[numbers[at]]
            points += size // 2
            segments += 1
            at += 1 + size
        assert at == len(numbers)
        times = [numbers[0], *numbers[3::3]]
        assert times == sorted(times)
        assert times[-1] <= meta["Duration"] + 1e-6
    assert (meta["CurveCount"], meta["TotalSegmentCount"], meta["TotalPointCount"]) == (
        len(tree["Curves"]),
        segments,
        points,
    )
    assert tree["Version"] == 3
    assert "\n\t\t" in path.read_text(), "Cubism's parser wants it indented"
    return tree


@pytest.mark.parametrize("step", [1, 13, 100])
def test_a_motion_has_right_counts_and_comes_back(tmp_path, step):
    take = performance(100)
    with open_writer(tmp_path / "a.motion3.json", loop=True) as out:
        for part in cut(take, step):
            out.write(part)
    tree = motion(tmp_path / "a.motion3.json")
    assert (tree["Meta"]["Fps"], tree["Meta"]["Loop"]) == (30, True)
    ids = {curve["Id"] for curve in tree["Curves"]}
    assert {"ParamMouthOpenY", "ParamMouthForm", "ParamEyeLOpen", "ParamAngleX"} <= ids
    assert not ids & {"ParamBreath", "ParamCheek", "ParamBrowLForm", "ParamBrowLX"}
    (tmp_path / "plain.json").write_bytes((tmp_path / "a.motion3.json").read_bytes())
    back = load(tmp_path / "plain.json").face
    expected = take.face.resample(30)
    assert (len(back), back.rate) == (len(expected), Fraction(30))
    np.testing.assert_allclose(back["eyeBlinkLeft"], expected["eyeBlinkLeft"], atol=2e-3)
    np.testing.assert_allclose(back["headYaw"], expected["headYaw"], atol=2e-3)


def test_a_motion_in_the_ranges_and_names_of_a_model(tmp_path):
    (tmp_path / "hero.model3.json").write_text(
        json.dumps({"Version": 3, "FileReferences": {"Moc": "hero.moc3", "DisplayInfo": "hero.cdi3.json"}})
    )
    listed = ["ParamMouthOpenY", "PARAM_EYE_L_OPEN", "ParamHair", "ParamAngleX"]
    (tmp_path / "hero.cdi3.json").write_text(
        json.dumps({"Version": 3, "Parameters": [{"Id": name, "GroupId": "", "Name": ""} for name in listed]})
    )
    rows = [("ParamMouthOpenY", 0, 2.1), ("ParamAngleX", 45, -45), ("PARAM_EYE_L_OPEN", 0, 1.5)]
    (tmp_path / "hero.vtube.json").write_text(
        json.dumps(
            {
                "Version": 1,
                "ParameterSettings": [
                    {"OutputLive2D": name, "OutputRangeLower": a, "OutputRangeUpper": b}
                    for name, a, b in rows
                ],
            }
        )
    )
    take = performance(100)
    plain = {c["Id"]: c["Segments"] for c in motion(save(take, tmp_path / "a.motion3.json"))["Curves"]}
    path = save(take, tmp_path / "b.motion3.json", avatar=tmp_path / "hero.model3.json")
    fitted = {c["Id"]: c["Segments"] for c in motion(path)["Curves"]}
    assert set(fitted) == {"ParamMouthOpenY", "ParamAngleX", "PARAM_EYE_L_OPEN"}
    for name, own, factor in (
        ("ParamMouthOpenY", "ParamMouthOpenY", 2.1),
        ("ParamAngleX", "ParamAngleX", 1.5),
        ("ParamEyeLOpen", cubism2("ParamEyeLOpen"), 1.5),
    ):
        ours, theirs = (
            np.interp(np.arange(60) / 30, [s[0], *s[3::3]], [s[1], *s[4::3]])
            for s in (plain[name], fitted[own])
        )
        np.testing.assert_allclose(theirs, ours * factor, atol=0.01 * max(abs(theirs)))
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(AvatarError, match="is no file of a Live2D model"):
        save(take, tmp_path / "c.motion3.json", avatar=tmp_path / "odd.json")
    with pytest.raises(AvatarError, match=r"cannot read '.*none\.model3\.json'"):
        save(take, tmp_path / "c.motion3.json", avatar=tmp_path / "none.model3.json")
    assert not (tmp_path / "c.motion3.json").exists()


def test_a_motion_of_other_tools_with_beziers_and_steps(tmp_path):
    curves = [
        {
            "Target": "Parameter",
            "Id": "PARAM_MOUTH_OPEN_Y",
            "Segments": [0, 0, 1, 0.3, 0, 0.7, 1, 1, 1, 2, 1.5, 0],
        },
        {"Target": "PartOpacity", "Id": "Arm", "Segments": [0, 1]},
    ]
    (tmp_path / "a.motion3.json").write_text(
        json.dumps({"Version": 3, "Meta": {"Duration": 2, "Fps": 10}, "Curves": curves})
    )
    jaw = load(tmp_path / "a.motion3.json").face["jawOpen"] / (1 / 1.4)
    np.testing.assert_allclose(jaw[[0, 5, 10, 14, 15, 20]], [0, 0.5, 1, 1, 0, 0], atol=0.02)


BAD_MOTIONS = (
    *("", "[]", "{}", '{"Meta": {}, "Curves": []}', '{"Meta": {"Duration": NaN}, "Curves": []}'),
    *('{"Meta": {"Duration": 1, "Fps": 0}, "Curves": []}', '{"Meta": {"Duration": 1}, "Curves": [3]}'),
    '{"Meta": {"Duration": 14000, "Fps": 1000}, "Curves": []}',
    *(
        '{"Meta": {"Duration": 1}, "Curves": [{"Target": "Parameter", "Id": "ParamAngleX", "Segments": '
        + segments
        + "}]}"
        for segments in (
            "null",
            "[]",
            "[0]",
            "[0, 1, 9, 1, 1]",
            "[0, 1, 0, 1]",
            '[0, "1"]',
            "[1, 0, 0, 0, 0]",
        )
    ),
)


@pytest.mark.parametrize("text", BAD_MOTIONS)
def test_malformed_motions_are_refused(tmp_path, text):
    (tmp_path / "a.motion3.json").write_text(text)
    with pytest.raises(FormatError, match=r"no Live2D motion: got .*, expected .*; ") as raised:
        load(tmp_path / "a.motion3.json")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", [".motion3.json", ".metahuman.csv"])
def test_files_cut_anywhere_raise_nothing_else(tmp_path, kind):
    data = save(performance(5), tmp_path / f"a{kind}").read_bytes()
    for length in range(0, len(data), max(len(data) // 80, 1)):
        (tmp_path / f"b{kind}").write_bytes(data[:length])
        with suppress(FormatError):
            load(tmp_path / f"b{kind}")


def rows_of(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def test_live_link_csv_of_other_apps(tmp_path):
    take = performance(20)
    path = save(take, tmp_path / "a.csv", fps=60)
    whole, table = load(path).face, rows_of(path)

    def rewritten(rows: list[list[str]]) -> Curves:
        (tmp_path / "b.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
        return load(tmp_path / "b.csv").face

    fifty_four = rewritten([row[:-9] for row in table])
    np.testing.assert_array_equal(fifty_four.values[:, :52], whole.values[:, :52])
    assert not fifty_four.values[:, 52:].any()
    camel = rewritten([[name[:1].lower() + name[1:] for name in table[0]], *table[1:]])
    np.testing.assert_array_equal(camel.values, whole.values)
    no_count = rewritten([row[:1] + row[2:] for row in table])
    np.testing.assert_array_equal(no_count.values, whole.values)
    (tmp_path / "c.csv").write_bytes(
        save(take, tmp_path / "d.csv", fps=60, angle_scale=57.2957795).read_bytes()
    )
    np.testing.assert_allclose(load(tmp_path / "c.csv").face.values, whole.values, atol=1e-5)
    assert whole.rate == Fraction(60)
