"""Every block of the README and of the getting-started page runs as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.sounds import chunked, speechlike

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/getting-started.md")
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(language, code, id=f"{page}:{k}")
    for page in PAGES
    for k, (language, code) in enumerate(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")))
]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "line.wav", speechlike(1.5), 16_000)
    for folder in ("takes", "out"):
        (tmp_path / folder).mkdir()
    for k in range(2):
        soundfile.write(tmp_path / "takes" / f"take{k}.wav", speechlike(0.5, seed=k), 16_000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.slow
@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_block_runs(workplace, language, code):
    if language == "sh":
        subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=True, timeout=300)
    else:
        chunks = chunked(speechlike(0.5, sample_rate=48_000), 960)
        exec(compile(code, "block", "exec"), {"chunks": chunks})


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
