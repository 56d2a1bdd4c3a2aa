"""Which morph target plays which channel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rhapsode.avatars import load, map_channels
from rhapsode.rigs import BLENDSHAPES
from tests.avatars.make import head, write


def _spelt(name: str, style: str) -> str:
    if style == "upper":
        return name[0].upper() + name[1:]
    if style == "_L":
        return name.replace("Left", "_L").replace("Right", "_R") if name.endswith(("Left", "Right")) else name
    if style == "prefixed":
        return f"blendShape1.{name}"
    return name


@pytest.mark.parametrize("style", ["exact", "upper", "_L", "prefixed"])
def test_all_52_are_found_in_any_spelling(tmp_path: Path, style: str) -> None:
    names = tuple(_spelt(name, style) for name in BLENDSHAPES)
    channels = map_channels(load(write(tmp_path / "a.glb", head(names=names, version=None))))
    report = channels.report()
    assert (report["found"], report["stood_in"], report["missing"]) == (list(BLENDSHAPES), {}, [])
    assert (report["mouth"], report["eyes"]) == ("channels", "morphs")
    np.testing.assert_array_equal(channels.matrix, np.eye(52))


@pytest.mark.parametrize("version", [0, 1])
def test_clips_of_perfect_sync_come_before_shapes(tmp_path: Path, version: int) -> None:
    tree = json.loads(head(names=tuple(f"shape {n}" for n in range(52)), version=version).gltf_json())
    clips = [name[0].upper() + name[1:] for name in BLENDSHAPES]
    node = next(n for n, row in enumerate(tree["nodes"]) if row.get("mesh") == 0)
    if version == 1:
        binds = [[{"node": node, "index": n, "weight": 1}] for n in range(52)]
        custom = {clip: {"morphTargetBinds": bind} for clip, bind in zip(clips, binds, strict=True)}
        tree["extensions"]["VRMC_vrm"]["expressions"]["custom"] = custom
    else:
        tree["extensions"]["VRM"]["blendShapeMaster"]["blendShapeGroups"] = [
            {"name": clip, "presetName": "unknown", "binds": [{"mesh": 0, "index": n, "weight": 100}]}
            for n, clip in enumerate(clips)
        ]
    path = tmp_path / "sync.gltf"
    path.write_text(json.dumps(tree))
    channels = map_channels(load(path))
    assert channels.report()["found"] == list(BLENDSHAPES)
    assert channels.found["jawOpen"] == ((f"shape {BLENDSHAPES.index('jawOpen')}", 1.0),)


def test_mouth_left_and_jaw_right_are_not_taken_for_sides(tmp_path: Path) -> None:
    channels = map_channels(load(write(tmp_path / "a.glb", head(version=None))))
    assert channels.found["mouthLeft"] == (("mouthLeft", 1.0),)
    assert channels.found["jawRight"] == (("jawRight", 1.0),)


def test_presets_stand_in_and_the_rest_is_reported(tmp_path: Path) -> None:
    avatar = load(write(tmp_path / "old.vrm", head(names=("Fcl_MTH_A", "Fcl_EYE_Close"), version=0)))
    channels = map_channels(avatar)
    report = channels.report()
    assert report["found"] == []
    assert list(report["stood_in"]) == ["eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthClose"]
    assert report["mouth"] == "opening"
    assert len(report["missing"]) == 48
    weights = np.zeros(52, np.float32)
    weights[BLENDSHAPES.index("eyeBlinkLeft")] = weights[BLENDSHAPES.index("eyeBlinkRight")] = 1.0
    np.testing.assert_allclose(channels.morph_weights(weights), [0.0, 1.0])
    weights[:] = 0.0
    weights[BLENDSHAPES.index("jawOpen")] = 0.5
    opened = channels.morph_weights(weights)
    assert opened[0] > 0.2
    assert opened[1] == 0.0


def test_weights_keep_their_range_for_many_frames(tmp_path: Path) -> None:
    channels = map_channels(load(write(tmp_path / "old.vrm", head(version=0))))
    made = channels.morph_weights(np.random.default_rng(1).uniform(-1, 3, (40, 52)).astype(np.float32))
    assert made.shape == (40, 52)
    assert made.min() >= 0
    assert made.max() <= 1
