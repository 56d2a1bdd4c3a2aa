"""Where independent readers are on this machine, and the remedy where they are not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(__file__).parent
MODULES = ROOT / "web" / "node_modules"


def node(script: str, *arguments: object) -> Any:
    """Run ``tests/tools/<script>`` in node and return the JSON that it prints; skip where node is missing."""
    beside = Path(sys.executable).with_name("node")
    program = str(beside) if beside.exists() else shutil.which("node")
    if program is None:
        pytest.skip("node is missing; run: apt-get install nodejs npm")
    if not (MODULES / "@pixiv" / "three-vrm-animation").is_dir():
        pytest.skip("the stage's node modules are missing; run: npm --prefix web ci")
    made = subprocess.run(
        [program, str(TOOLS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    return json.loads(made.stdout)


def blender_python() -> str:
    """Return the Python that has bpy; skip where there is none."""
    given = os.environ.get("RHAPSODE_BPY_PYTHON")
    python = Path(given) if given else ROOT / ".venv-bpy" / "bin" / "python"
    if not python.exists():
        pytest.skip("Blender is missing; run: scripts/blender_env.sh")
    return str(python)


def blender(script: str, *arguments: object) -> Any:
    """Run ``tests/tools/<script>`` with Blender and return the JSON that its last line is."""
    made = subprocess.run(
        [blender_python(), str(TOOLS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, (made.stdout + made.stderr)[-3000:]
    # Blender's own code writes to the same stream, before or after.
    said = next(line for line in reversed(made.stdout.splitlines()) if line.startswith("{"))
    return json.loads(said)
