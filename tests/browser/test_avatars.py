"""Files dropped onto the page stand on the stage at once, and are moved as the server would move them."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as g
import pytest

from rhapsode.avatars import load, map_channels
from rhapsode.rigs import FACE
from tests.avatars.faces import FIVE, MMD, RPM, VRCHAT, VROID, figure
from tests.avatars.make import Builder, head, write
from tests.browser.fake_stage import FakeStage
from tests.browser.stage_page import StagePage

pytestmark = [pytest.mark.browser]

Visit = Callable[..., StagePage]
VRM = Path(__file__).parents[2] / "src" / "rhapsode" / "avatars" / "data" / "kofi.vrm"
PRESETS_0 = {name: name.upper() for name in "aiueo"}
PRESETS_1 = {"aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O"}

_DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  document.dispatchEvent(new DragEvent("dragenter", {dataTransfer: transfer, bubbles: true}));
  window.wasDropping = document.body.classList.contains("dropping");
  document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
}"""
_LOOK = """async () => {
  const rows = [];
  for (let k = 0; k < 24; k += 1) {
    await new Promise(requestAnimationFrame);
    rows.push([{...window.rhapsode.weights}, {...window.rhapsode.shapes}]);
  }
  return rows;
}"""


_REQUIRED = [
    *("hips", "spine", "head"),
    *(f"{side}{bone}" for side in ("left", "right") for bone in ("UpperLeg", "LowerLeg", "Foot")),
    *(f"{side}{bone}" for side in ("left", "right") for bone in ("UpperArm", "LowerArm", "Hand")),
    *("chest", "neck"),
]


def _whole(made: Builder) -> Builder:
    """Add the bones that a VRM must have, which readers of the server do not ask for."""
    extensions = made.gltf.extensions
    new = "VRMC_vrm" in extensions
    humanoid = extensions["VRMC_vrm" if new else "VRM"]["humanoid"]
    have = set(humanoid["humanBones"]) if new else {row["bone"] for row in humanoid["humanBones"]}
    for name in _REQUIRED:
        if name in have:
            continue
        made.gltf.nodes.append(g.Node(name=f"bone of {name}", translation=[0.0, 0.01, 0.0]))
        made.gltf.nodes[0].children = [*(made.gltf.nodes[0].children or []), len(made.gltf.nodes) - 1]
        if new:
            humanoid["humanBones"][name] = {"node": len(made.gltf.nodes) - 1}
        else:
            humanoid["humanBones"].append({"bone": name, "node": len(made.gltf.nodes) - 1})
    return made


def _drop(stage: StagePage, name: str, data: bytes) -> None:
    stage.page.evaluate(_DROP, [name, base64.b64encode(data).decode()])


def test_a_dropped_vrm_stands_there_and_is_reported_on(visit: Visit, fake: FakeStage) -> None:
    stage = visit()
    _drop(stage, "hero.vrm", VRM.read_bytes())
    assert stage.page.evaluate("() => window.wasDropping")
    stage.until(lambda probe: probe["avatar"] == "hero" and probe["shown"], "it stands there")
    stage.until(lambda _: "hero.vrm" in fake.uploaded, "the server has it")
    assert fake.uploaded["hero.vrm"] == VRM.read_bytes()
    stage.page.get_by_text("as the server reads the file").wait_for()
    sheet = stage.page.inner_text("#coverage")
    assert "2 found" in sheet
    assert "1 missing" in sheet
    assert stage.page.locator("input[name=avatar][value=hero]").is_checked()
    assert stage.noise == []


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("arkit0.vrm", lambda: _whole(head(version=0))),
        ("arkit.glb", lambda: head(version=None)),
        ("rpm.glb", lambda: figure(RPM)),
        ("vrchat.glb", lambda: figure(VRCHAT)),
        ("vowels0.vrm", lambda: _whole(figure(FIVE, version=0, presets=PRESETS_0))),
        ("vowels1.vrm", lambda: _whole(figure(FIVE, version=1, presets=PRESETS_1))),
        ("vroid.glb", lambda: figure(VROID)),
        ("mmd.glb", lambda: figure(MMD)),
        ("jaw.glb", lambda: figure({}, jaw="Jaw")),
        ("lock.glb", lambda: figure(MMD, jaw="Jaw", jaw_moves="hair")),
    ],
)
def test_the_page_moves_an_avatar_as_the_server_does(
    visit: Visit, tmp_path: Path, kind: str, made: Callable[[], Builder]
) -> None:
    path = write(tmp_path / kind, made())
    mapping = map_channels(load(path))
    stage = visit(width=480, height=560)
    name = kind.partition(".")[0]
    _drop(stage, kind, path.read_bytes())
    probe = stage.until(lambda probe: probe["avatar"] == name and probe["shown"], "it stands there")
    report = mapping.report()
    for part in ("found", "stood_in", "missing"):
        assert sorted(probe["coverage"][part]) == sorted(report[part]), part
    stage.page.fill("#text", "A line that is long enough to be looked at for a while.")
    stage.page.click("#speak")
    stage.until(lambda probe: probe["weights"]["jawOpen"] > 0.3, "the mouth opens")
    rows = stage.page.evaluate(_LOOK)
    assert max(row[0]["jawOpen"] for row in rows) > 0.2
    _check(mapping.morphs, mapping.morph_weights, rows)
    assert stage.noise == []


def _check(
    morphs: tuple[str, ...], weigh: Callable[[Any], Any], rows: list[list[Mapping[str, float]]]
) -> None:
    """Compare with what `rhapsode.avatars` makes of the same faces."""
    for weights, shapes in rows:
        face = np.array([weights[name] for name in FACE.channels], np.float32)
        wanted = dict(zip(morphs, weigh(face), strict=True))
        for name, weight in wanted.items():
            shown = shapes.get(name, shapes.get(unicodedata.normalize("NFC", name), 0.0))
            assert shown == pytest.approx(weight, abs=0.02), name


def test_a_bad_file_is_refused_in_plain_words(visit: Visit) -> None:
    stage = visit()
    _drop(stage, "notes.txt", b"hello")
    stage.page.get_by_text("“notes.txt” is no avatar").wait_for()
    _drop(stage, "broken.vrm", b"this is no glTF at all, whatever it is called")
    stage.page.get_by_text("export it again").wait_for()
    assert stage.probe()["avatar"] == "mira"
