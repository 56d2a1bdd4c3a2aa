"""The import scripts: what they read, Blender itself (slow), and Maya against a stand-in."""

# ruff: noqa: N802
import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rhapsode.formats import save
from tests.formats.performances import performance
from tests.scripts.fake_maya import Scene, install
from tests.tools.readers import blender

SCRIPTS = Path(__file__).parents[2] / "scripts"
BOTH = ("blender_import", "maya_import")


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maya_import = _load("maya_import")


@pytest.mark.parametrize("kind", [".npz", ".json", ".csv"])
def test_takes_are_read_without_numpy(tmp_path, kind):
    one = performance(60)
    path = str(save(one, tmp_path / f"a{kind}", fps=50))
    take = maya_import.read_take(path)
    assert take.fps == pytest.approx(50)
    assert len(take.rows) == 60
    values = np.array(take.rows)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        near = [column for column, n in enumerate(take.names) if maya_import.spelled(n) == name.lower()]
        np.testing.assert_allclose(values[:, near[0]], one.face[name], atol=1e-6)


def test_the_sound_comes_from_the_archive_or_from_beside_it(tmp_path):
    one = performance(60)
    path = save(one, tmp_path / "a.npz")
    assert maya_import.read_take(str(path)).sound == str(tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav")
    assert one.sound is not None
    assert rate == one.sound.sample_rate
    np.testing.assert_allclose(samples, one.sound.samples, atol=1e-4)
    save(one, tmp_path / "b.csv")
    assert maya_import.read_take(str(tmp_path / "b.csv")).sound is None
    with pytest.raises(maya_import.ImportFault, match="there is no sound file"):
        maya_import.read_take(str(path), "no.wav")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "is no take, expected .npz, .json or .csv"),
        ("a.npz", b"PK", "is damaged or no take"),
        ("a.json", b"{", "is damaged or no take"),
        ("a.json", b'{"exportFps": 30, "facsNames": ["a"], "weightMat": []}', "holds no curve frames of 1"),
        ("a.json", b'{"exportFps": 30, "facsNames": ["a"], "weightMat": [[1, 2]]}', "holds no curve frames"),
        ("a.json", b'{"exportFps": 30, "facsNames": ["a"], "weightMat": [[NaN]]}', "that is no number"),
        ("a.csv", b"Timecode,BlendShapeCount,jawOpen\n00:00:00,61,1\n", "is damaged or no take"),
        ("a.csv", b"", "is damaged or no take"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(maya_import.ImportFault, match=message):
        maya_import.read_take(str(tmp_path / name))
    with pytest.raises(maya_import.ImportFault, match="there is no file"):
        maya_import.read_take(str(tmp_path / "b.npz"))


def reading(name: str) -> str:
    text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    return text[text.index("# --- reading a take") : text.index("# --- end of reading")]


def test_both_scripts_read_in_the_same_words():
    assert reading("blender_import") == reading("maya_import")


@pytest.mark.parametrize("name", BOTH)
def test_the_scripts_are_python_3_7_and_need_only_the_standard_library(name):
    tree = ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {
        part.split(".")[0]
        for found in ast.walk(tree)
        if isinstance(found, ast.Import | ast.ImportFrom)
        for part in (
            [found.module or ""] if isinstance(found, ast.ImportFrom) else [a.name for a in found.names]
        )
    }
    assert imported <= set(sys.stdlib_module_names)
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import {name}; {name}.import_take('a.npz')"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "this script runs inside" in made.stderr


@pytest.mark.slow
def test_blender_keys_the_shape_keys(tmp_path):
    one = performance(60)
    path = save(one, tmp_path / "line.npz")
    got = blender(
        "blender_import_take.py", SCRIPTS / "blender_import.py", path, json.dumps([1, 14, 14.5, 60])
    )
    assert got["faults"][0].startswith("no mesh with shape keys is selected; select the face")
    assert "is no take, expected .npz, .json or .csv" in got["faults"][1]
    assert (got["fps"], got["range"]) == (pytest.approx(50), [1, 60])
    assert set(got["moved"]) == {"jawOpen", "mouthSmileLeft", "browInnerUp"}
    assert "before" in got["actions"]
    assert got["strips"] == [["Rhapsode", 1]]
    face, brows = sorted(got["at"][0], key=lambda name: "jawOpen" not in got["at"][0][name])
    for at, now in zip((0, 13, 13.5, 59), got["at"], strict=True):

        def value(name: str, at: float = at) -> float:
            low = int(at)
            return float(np.interp(at, [low, low + 1], one.face[name][[low, min(low + 1, 59)]]))

        assert now[face]["jawOpen"] == pytest.approx(value("jawOpen"), abs=1e-5)
        assert now[face]["MouthSmile_L"] == pytest.approx(value("mouthSmileLeft"), abs=1e-5)
        assert now[brows]["jaw_open"] == pytest.approx(value("jawOpen"), abs=1e-5)
        assert now[brows]["Face.browInnerUp"] == pytest.approx(value("browInnerUp"), abs=1e-5)
        assert now[face]["still"] == 0


class Desk(Scene):
    """The stand-in with what an importer calls besides: keys, sounds, rates."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, dict[float, float]] = {}
        self.locked: set[str] = set()
        self.chunks: list[str] = []
        self.sounds: list[tuple[str, float]] = []
        self.shown = ""

    def getAttr(self, plug: str, *, multiIndices: bool = False, settable: bool = False) -> Any:
        return plug not in self.locked if settable else super().getAttr(plug, multiIndices=multiIndices)

    def setKeyframe(
        self, plug: str, *, time: float, value: float, inTangentType: str, outTangentType: str
    ) -> int:
        assert inTangentType == outTangentType == "linear"
        self.keys.setdefault(plug, {})[time] = value
        return 1

    def cutKey(self, plug: str, *, time: tuple[float, float], clear: bool) -> int:
        held = self.keys.get(plug, {})
        self.keys[plug] = {at: value for at, value in held.items() if not time[0] <= at <= time[1]}
        return len(held)

    def currentUnit(  # type: ignore[override]
        self, *, time: Any, query: bool = False, updateAnimation: bool = False
    ) -> str:
        if not query:
            if time == "51fps":
                raise RuntimeError("Invalid unit")
            self.unit = time
        return self.unit

    def playbackOptions(  # type: ignore[override]
        self, *, edit: bool, minTime: float, maxTime: float
    ) -> None:
        assert edit
        self.range = (minTime, maxTime)

    def undoInfo(  # type: ignore[override]
        self, *, openChunk: bool = False, closeChunk: bool = False, chunkName: str = ""
    ) -> None:
        self.chunks.append("open" if openChunk else "close")

    def sound(self, *, file: str, offset: float) -> str:
        self.sounds.append((file, offset))
        return "audio1"

    def timeControl(self, control: str, *, edit: bool, sound: str, displaySound: bool) -> None:  # type: ignore[override]
        assert edit
        assert displaySound
        self.shown = sound

    def fileDialog2(self, *, fileMode: int, **_: Any) -> Any:
        assert fileMode == 1
        return self.folder_chosen


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    made.blend_shape(
        "faceBS", {"jawOpen": lambda t: 0.0, "MouthSmile_L": lambda t: 0.0, "other": lambda t: 0.0}
    )
    made.blend_shape("browBS", {"jaw_open": lambda t: 0.0})
    made.meshes["|face"] = ["faceBS", "browBS"]
    made.meshes["|cube"] = []
    made.selection = ["|face"]
    install(made, monkeypatch)
    return made


def test_maya_gets_a_key_for_every_frame(desk, tmp_path):
    one = performance(60)
    path = save(one, tmp_path / "a.npz")
    desk.keys["faceBS.weight[0]"] = {5.5: 9.0, 400.0: 1.0}
    done = maya_import.import_take(str(path), start=11)
    assert (desk.unit, desk.range, desk.chunks) == ("palf", (11, 70), ["open", "close"])
    assert done["moved"] == ["mouthSmileLeft", "jawOpen"] or set(done["moved"]) == {
        "jawOpen",
        "mouthSmileLeft",
    }
    assert set(desk.keys) == {"faceBS.weight[0]", "faceBS.weight[2]", "browBS.weight[0]"}
    jaw = desk.keys["faceBS.weight[0]"]
    assert (jaw.pop(5.5), jaw.pop(400.0)) == (9.0, 1.0)
    assert list(jaw) == list(range(11, 71))
    np.testing.assert_allclose(list(jaw.values()), one.face["jawOpen"], atol=1e-7)
    assert desk.keys["browBS.weight[0]"] == jaw
    assert desk.sounds == [(str(tmp_path / "a.wav"), 11)]
    assert desk.shown == "audio1"


def test_maya_keeps_its_own_rate_when_asked(desk, tmp_path):
    path = save(performance(50), tmp_path / "a.json", fps=50)
    maya_import.import_take(str(path), "faceBS", set_rate=False)
    assert desk.unit == "film"
    np.testing.assert_allclose(list(desk.keys["faceBS.weight[0]"]), 1 + np.arange(50) * 24 / 50)
    assert not desk.sounds


def test_what_maya_cannot_do_is_said_and_nothing_is_keyed(desk, tmp_path):
    path = str(save(performance(5), tmp_path / "a.json"))
    faults = {
        "there is no node 'mouth'": {"nodes": ["mouth"]},
        "no blendShape is selected; select the face mesh; the scene has faceBS, browBS": {"nodes": ["|cube"]},
    }
    for message, options in faults.items():
        with pytest.raises(maya_import.ImportFault, match=message):
            maya_import.import_take(path, **options)
    desk.locked = {"faceBS.weight[0]"}
    with pytest.raises(maya_import.ImportFault, match=r"weight 'faceBS\.weight\[0\]' is locked or driven"):
        maya_import.import_take(path)
    desk.locked = set()
    strange = str(save(performance(5), tmp_path / "b.json", fps=51))
    with pytest.raises(maya_import.ImportFault, match="Maya has no rate of 51; pass set_rate=False"):
        maya_import.import_take(strange)
    assert not any(desk.keys.values())
    desk.aliases["faceBS"], desk.aliases["browBS"] = [], []
    with pytest.raises(
        maya_import.ImportFault, match="no weight has the name of a channel, got channels such as"
    ):
        maya_import.import_take(path)


def test_the_shelf_button_asks_and_tells(desk, tmp_path):
    maya_import.ask()
    assert desk.dialogs == []
    desk.folder_chosen = [str(save(performance(5), tmp_path / "a.json"))]
    maya_import.ask()
    assert desk.dialogs[-1].startswith("2 channels, 5 frames at 50 a second; without a weight: ")
    desk.selection = []
    maya_import.ask()
    assert desk.dialogs[-1].startswith("Nothing was imported: no blendShape is selected")
