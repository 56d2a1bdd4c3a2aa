"""Godot imports and plays our glTF; slow, and skipped where Debian's headless Godot is missing."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.formats import save
from rhapsode.rotations import NECK_SHARE, turn
from tests.avatars.make import head, write
from tests.formats.test_vrma import HEAD, take
from tests.tools.readers import TOOLS

pytestmark = pytest.mark.slow

PROJECT = 'config_version=4\n[application]\nconfig/name="read"\n'
PACK = (
    '[preset.0]\nname="pack"\nplatform="Linux/X11"\nrunnable=true\nexport_filter="all_resources"\n'
    'include_filter=""\nexclude_filter=""\nexport_path=""\nscript_export_mode=1\n[preset.0.options]\n'
)
EXACT = '[remap]\nimporter="scene"\n[params]\nanimation/fps=50\nanimation/optimizer/enabled=false\n'


def godot(folder: Path, times: list[float]) -> Any:
    """Import ``a.glb`` in ``folder`` and return what its animation does at ``times``."""
    program = shutil.which("godot3-server")
    if program is None:
        pytest.skip("Godot is missing; run: apt-get install godot3-server")
    (folder / "project.godot").write_text(PROJECT)
    (folder / "export_presets.cfg").write_text(PACK)
    (folder / "a.glb.import").write_text(EXACT)
    home = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8", "TIMES": json.dumps(times)}
    begin = [program, "--path", str(folder)]
    made: Any = None
    # Packing is what imports everything; the second call reads what was imported.
    for job in (["--export-pack", "pack", "out.pck"], ["-s", str(TOOLS / "godot_read.gd")]):
        made = subprocess.run(
            [*begin, *job], capture_output=True, text=True, timeout=300, check=False, env=home
        )
    (line,) = [line for line in made.stdout.splitlines() if line.startswith("JSON:")] or [made.stdout]
    return json.loads(line.removeprefix("JSON:"))


@pytest.mark.parametrize("which", ["mira", "ball"])
def test_godot_plays_the_avatar(tmp_path, which):
    one = take(40)
    source = "mira" if which == "mira" else write(tmp_path / "ball.glb", head(version=None))
    (tmp_path / "project").mkdir()
    save(one, tmp_path / "project" / "a.glb", fps=50, avatar=source)
    frames = [0, 13, 39]
    got = godot(tmp_path / "project", [frame / 50 for frame in frames])
    assert got["length"] == pytest.approx(39 / 50, abs=1e-4)
    for frame, now in zip(frames, got["at"], strict=True):
        (shapes,) = now["shapes"].values()
        assert len(shapes) == 52
        for name, value in shapes.items():
            assert value == pytest.approx(one.face[name][frame], abs=1e-4), (name, frame)
        if which == "mira":
            # Godot's bones turn against their rest; those of this avatar have the axes of the world.
            angles = one.face.values[frame, HEAD : HEAD + 3].astype(float)[None]
            turned = rotation_matrix(now["bones"]["Skeleton:head"])
            wanted = rotation_matrix(turn(angles * (1 - NECK_SHARE))[0])
            np.testing.assert_allclose(turned, wanted, atol=1e-4)
