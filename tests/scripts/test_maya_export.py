"""The Maya exporter against a stand-in for maya.cmds; what it writes is read by NumPy."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.scripts.fake_maya import Scene, install

SCRIPT = Path(__file__).parents[2] / "scripts" / "maya_export.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("maya_export", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maya_export = _load()


def jaw(t: float) -> float:
    return 0.5 + 0.5 * math.sin(t)


def smile(t: float) -> float:
    return t / 100


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene()
    made.blend_shape("faceBS", {"jawOpen": jaw, "嘴角": smile, "still": lambda t: 0.25})
    made.meshes["|face"] = ["faceBS"]
    made.meshes["|cube"] = []
    made.selection = ["|face"]
    install(made, monkeypatch)
    return made


def as_it_was(scene: Scene) -> bool:
    return (scene.time, scene.undo, scene.suspended, scene.progress) == (7.0, True, False, None)


def read(folder: Path) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    names = np.load(folder / "BS_name.npy")
    values = np.load(folder / "BS_value.npy")
    assert names.dtype.kind == "U"
    return [str(name) for name in names], values, json.loads((folder / "BS_take.json").read_text("utf-8"))


def test_every_frame_of_the_range_is_written_under_the_aliases(scene: Scene, tmp_path: Path) -> None:
    about = maya_export.export(str(tmp_path / "take"))
    names, values, written = read(tmp_path / "take")
    assert names == ["jawOpen", "嘴角", "still"]
    assert values.shape == (24, 3)
    assert values.dtype == np.float32
    frames = np.arange(1.0, 25.0)
    expected = np.stack([0.5 + 0.5 * np.sin(frames), frames / 100, np.full(24, 0.25)], axis=1)
    assert values == pytest.approx(expected, abs=1e-6)
    assert written == about
    assert (about["fps"], about["scene_fps"], about["frames"], about["moving"]) == (24.0, 24.0, 24, 2)
    assert (about["scene"], about["nodes"], about["sound"]) == ("face.mb", ["faceBS"], None)
    assert as_it_was(scene)
    assert [path.name for path in tmp_path.iterdir()] == ["take"]


def test_another_rate_samples_between_the_frames(scene: Scene, tmp_path: Path) -> None:
    about = maya_export.export(str(tmp_path / "take"), fps=30)
    _, values, _ = read(tmp_path / "take")
    frames = 1 + np.arange(29) * 0.8
    assert scene.visited[:-1] == pytest.approx(frames)
    assert values[:, 1] == pytest.approx(frames / 100, abs=1e-6)
    assert about["end_frame"] == pytest.approx(23.4)


def test_a_given_range_overrides_the_slider(scene: Scene, tmp_path: Path) -> None:
    maya_export.export(str(tmp_path / "take"), start=-5, end=4.5)
    assert read(tmp_path / "take")[1][:, 1] == pytest.approx(np.arange(-5, 5) / 100)


@pytest.mark.parametrize(
    ("unit", "rate"),
    [("ntsc", 30), ("palf", 50), ("120fps", 120), ("29.97fps", 30000 / 1001), ("12.5fps", 12.5), ("sec", 1)],
)
def test_the_time_unit_is_the_rate(scene: Scene, unit: str, rate: float) -> None:
    scene.unit = unit
    assert maya_export.scene_rate() == pytest.approx(rate)


def test_names_that_several_nodes_share_carry_their_node(scene: Scene, tmp_path: Path) -> None:
    scene.blend_shape("char:teethBS", {"jawOpen": smile, "tongue": jaw})
    scene.meshes["|face"] = ["faceBS", "char:teethBS"]
    maya_export.export(str(tmp_path / "take"))
    names, values, about = read(tmp_path / "take")
    assert names == ["faceBS.jawOpen", "嘴角", "still", "char:teethBS.jawOpen", "tongue"]
    assert values[:, 0] != pytest.approx(values[:, 3])
    assert about["nodes"] == ["faceBS", "char:teethBS"]


def test_nodes_can_be_named_and_count_once(scene: Scene, tmp_path: Path) -> None:
    scene.blend_shape("browBS", {"up": jaw})
    scene.selection = []
    maya_export.export(str(tmp_path / "a"), ["browBS", "|face", "faceBS"])
    assert read(tmp_path / "a")[0] == ["up", "jawOpen", "嘴角", "still"]
    maya_export.export(str(tmp_path / "b"), "browBS")
    assert read(tmp_path / "b")[0] == ["up"]


def test_a_weight_without_a_name_keeps_its_place(scene: Scene, tmp_path: Path) -> None:
    scene.blend_shape("faceBS", {"jawOpen": jaw, "gone": smile}, unnamed=[2])
    maya_export.export(str(tmp_path / "take"))
    assert read(tmp_path / "take")[0] == ["jawOpen", "weight[2]"]


@pytest.mark.parametrize(
    ("selection", "nodes", "message"),
    [
        ([], None, r"nothing is selected; .* the scene has faceBS"),
        (["|cube"], None, r"no blendShape deforms \|cube; .* the scene has faceBS"),
        ([], ["mouth"], r"there is no node 'mouth'; the scene has faceBS"),
        ([], [], r"nothing is selected"),
    ],
)
def test_without_a_blend_shape_it_says_which_there_are(
    scene: Scene, tmp_path: Path, selection: list[str], nodes: list[str] | None, message: str
) -> None:
    scene.selection = selection
    with pytest.raises(maya_export.ExportError, match=message):
        maya_export.export(str(tmp_path / "take"), nodes)
    assert not list(tmp_path.iterdir())


def test_a_scene_or_node_without_weights_is_refused(scene: Scene, tmp_path: Path) -> None:
    scene.blend_shape("empty", {})
    with pytest.raises(maya_export.ExportError, match="blendShape 'empty' has no weights"):
        maya_export.export(str(tmp_path / "take"), ["empty"])
    scene.weights.clear()
    with pytest.raises(maya_export.ExportError, match="the scene has no blendShape at all"):
        maya_export.export(str(tmp_path / "take"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, r"fps must lie in \(0, 1000\], got 0"),
        ({"fps": float("nan")}, r"fps must lie in"),
        ({"start": 9, "end": 9}, r"must end after it starts, got 9 to 9"),
    ],
)
def test_a_wrong_range_or_rate_is_refused(
    scene: Scene, tmp_path: Path, options: dict[str, float], message: str
) -> None:
    with pytest.raises(maya_export.ExportError, match=message):
        maya_export.export(str(tmp_path / "take"), **options)
    assert not list(tmp_path.iterdir())


def test_a_weight_that_is_no_number_is_named_with_its_frame(scene: Scene, tmp_path: Path) -> None:
    scene.blend_shape("faceBS", {"jawOpen": lambda t: math.nan if t == 5 else 0.0})
    with pytest.raises(maya_export.ExportError, match="weight 'jawOpen' is nan at frame 5"):
        maya_export.export(str(tmp_path / "take"))
    assert as_it_was(scene)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("undo", [True, False])
def test_cancel_writes_nothing_and_gives_the_scene_back(scene: Scene, tmp_path: Path, undo: bool) -> None:
    scene.undo, scene.cancel_at = undo, 10
    with pytest.raises(maya_export.Cancelled):
        maya_export.export(str(tmp_path / "take"))
    assert (scene.time, scene.undo, scene.suspended, scene.progress) == (7.0, undo, False, None)
    assert not list(tmp_path.iterdir())


def test_a_take_is_replaced_only_when_asked(scene: Scene, tmp_path: Path) -> None:
    maya_export.export(str(tmp_path / "take"))
    before = (tmp_path / "take/BS_value.npy").read_bytes()
    with pytest.raises(maya_export.ExportError, match="holds a take already"):
        maya_export.export(str(tmp_path / "take"), fps=60)
    scene.cancel_at = 3
    with pytest.raises(maya_export.Cancelled):
        maya_export.export(str(tmp_path / "take"), fps=60, overwrite=True)
    assert (tmp_path / "take/BS_value.npy").read_bytes() == before
    scene.cancel_at = None
    (tmp_path / "take/sound.aif").write_bytes(b"old")
    maya_export.export(str(tmp_path / "take"), fps=60, overwrite=True)
    assert read(tmp_path / "take")[2]["fps"] == 60
    assert sorted(p.name for p in (tmp_path / "take").iterdir()) == [
        "BS_name.npy",
        "BS_take.json",
        "BS_value.npy",
    ]


def test_folders_that_cannot_take_it_are_refused(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(maya_export.ExportError, match="is a file, expected a folder"):
        maya_export.export(str(tmp_path / "file"))
    with pytest.raises(maya_export.ExportError, match="is no folder; make it first"):
        maya_export.export(str(tmp_path / "no" / "take"))
    assert scene.visited == []


def wav(path: Path, seconds: float, rate: int = 8000, subtype: str = "PCM_16") -> np.ndarray:
    y = np.stack([np.linspace(0.1, 0.9, round(seconds * rate)), np.full(round(seconds * rate), -0.5)], axis=1)
    soundfile.write(path, y, rate, subtype)
    return y


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8"])
@pytest.mark.parametrize("offset", [1.0, 7.0, -5.0])
def test_the_sound_of_the_slider_is_cut_to_the_range(
    scene: Scene, tmp_path: Path, offset: float, subtype: str
) -> None:
    y = wav(tmp_path / "line.wav", 2.0, subtype=subtype)
    scene.audio = {"line": (str(tmp_path / "line.wav"), offset), "other": ("", 0.0)}
    scene.slider_sound = "line"
    about = maya_export.export(str(tmp_path / "take"))
    heard, rate = soundfile.read(tmp_path / "take" / "sound.wav")
    assert (rate, len(heard)) == (8000, 8000)
    late = round((offset - 1) / 24 * 8000)
    assert np.abs(heard[: max(late, 0)]).max(initial=0) < 0.01
    begin = max(late, 0)
    assert heard[begin:] == pytest.approx(y[begin - late : 8000 - late], abs=0.01)
    assert (about["sound"], about["sound_start_s"], about["sound_source"]) == ("sound.wav", 0.0, "line.wav")


def test_a_sound_shorter_than_the_range_ends_in_silence(scene: Scene, tmp_path: Path) -> None:
    wav(tmp_path / "line.wav", 0.25)
    scene.audio = {"line": (str(tmp_path / "line.wav"), 1.0)}
    maya_export.export(str(tmp_path / "take"))
    heard, _ = soundfile.read(tmp_path / "take" / "sound.wav")
    assert len(heard) == 8000
    assert np.abs(heard[:2000]).min() > 0.05
    assert np.abs(heard[2000:]).max() == 0


def test_a_sound_that_cannot_be_cut_goes_along_whole(scene: Scene, tmp_path: Path) -> None:
    wav(tmp_path / "line.wav", 2.0, subtype="FLOAT")
    scene.audio = {"line": (str(tmp_path / "line.wav"), 13.0)}
    about = maya_export.export(str(tmp_path / "take"))
    assert (tmp_path / "take/sound.wav").read_bytes() == (tmp_path / "line.wav").read_bytes()
    assert about["sound_start_s"] == pytest.approx(0.5)


def test_sounds_that_are_missing_or_many_are_left_out(scene: Scene, tmp_path: Path) -> None:
    scene.audio = {"line": ("D:/gone.wav", 1.0)}
    assert maya_export.export(str(tmp_path / "a"))["sound"] is None
    scene.audio = {"one": (str(SCRIPT), 1.0), "two": (str(SCRIPT), 1.0)}
    assert maya_export.export(str(tmp_path / "b"))["sound"] is None
    scene.audio = {"one": (str(SCRIPT), 1.0)}
    assert maya_export.export(str(tmp_path / "c"), sound=False)["sound"] is None


def test_the_shelf_button_asks_and_tells(scene: Scene, tmp_path: Path) -> None:
    maya_export.ask()
    assert scene.dialogs == []
    scene.folder_chosen = [str(tmp_path / "take")]
    maya_export.ask()
    assert scene.dialogs[-1].startswith("24 frames of 3 channels, no sound")
    before = (tmp_path / "take/BS_value.npy").stat().st_mtime_ns
    scene.answer = "Cancel"
    maya_export.ask()
    assert scene.dialogs[-1].startswith("Replace the take in")
    assert (tmp_path / "take/BS_value.npy").stat().st_mtime_ns == before
    scene.answer, scene.cancel_at = "Replace", 2
    maya_export.ask()
    assert scene.dialogs[-1] == "Cancelled; nothing was written."
    scene.selection = []
    maya_export.ask()
    assert scene.dialogs[-1].startswith("Nothing was written: nothing is selected")


def test_mayapy_exports_every_node_of_a_scene_without_windows(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.batch, scene.selection = True, []
    scene.blend_shape("browBS", {"up": jaw})
    code = maya_export.main(["shot.ma", str(tmp_path / "take"), "--fps", "30", "--start", "1", "--end", "13"])
    about = json.loads(capsys.readouterr().out)
    assert (code, about["channels"], about["frames"], about["scene"]) == (0, 4, 16, "shot.ma")
    assert maya_export.main(["shot.txt", str(tmp_path / "b")]) == 2
    assert maya_export.main(["shot.ma", str(tmp_path / "take")]) == 2
    assert "holds a take already" in capsys.readouterr().err


def test_outside_maya_it_says_where_to_run_it(tmp_path: Path) -> None:
    with pytest.raises(maya_export.ExportError, match="runs inside Maya"):
        maya_export.export(str(tmp_path / "take"))
    made = subprocess.run(
        [sys.executable, str(SCRIPT), "a.ma", str(tmp_path / "take")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, "start it with mayapy" in made.stderr) == (1, True)


def test_the_script_is_python_3_7_and_needs_only_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported <= set(sys.stdlib_module_names)


def test_training_pairs_and_reads_what_was_written(scene: Scene, tmp_path: Path) -> None:
    pairing = pytest.importorskip("rhapsode.train.own.pairing", reason="one's own takes have no reader here")
    from rhapsode.performance import as_rate
    from rhapsode.train.own.readers import read_maya

    wav(tmp_path / "line.wav", 1.0)
    scene.audio = {"line": (str(tmp_path / "line.wav"), 1.0)}
    (tmp_path / "data").mkdir()
    for name in ("take_01", "take_02"):
        maya_export.export(str(tmp_path / "data" / name), fps=30)
    found = pairing.pair(tmp_path / "data")
    assert found.left == ()
    assert [(one.name, one.sound.name) for one in found.pairs] == [
        ("take_01", "sound.wav"),
        ("take_02", "sound.wav"),
    ]
    curves = read_maya(found.pairs[0].curves, found.pairs[0].names, as_rate(30))
    assert curves.names == ("jawOpen", "嘴角", "still")
    assert curves.values.shape == (29, 3)
