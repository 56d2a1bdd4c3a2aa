"""The example of the documentation runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rhapsode.performance import Performance

EXAMPLE = Path(__file__).parents[2] / "examples" / "pipecat_face.py"


@pytest.mark.slow
def test_an_agent_without_a_network_answers_with_its_face(tmp_path: Path):
    file = tmp_path / "answer.json"
    run = [sys.executable, str(EXAMPLE), "When do you open?", "--to", f"file://{file}"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert Performance.load(file).face["jawOpen"].max() > 0.1
