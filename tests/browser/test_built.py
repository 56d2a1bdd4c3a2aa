"""The built page without a browser: whole, small, and at home."""

from __future__ import annotations

import re
from pathlib import Path

from rhapsode import server

STATIC = Path(str(server.__file__)).parent / "static"


def _files() -> list[Path]:
    return [path for path in STATIC.rglob("*") if path.is_file()]


def test_the_page_refers_to_files_that_exist() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(link.endswith(".js") for link in links)
    assert any(link.endswith(".css") for link in links)
    for link in links:
        assert (STATIC / link).is_file(), f"{link} is missing; run `npm run build` in web/"


def test_every_asset_is_used() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in _files() if path.suffix in (".html", ".js"))
    for path in (STATIC / "assets").iterdir():
        assert path.name in texts, f"{path.name} is left over from an earlier build"


def test_the_page_is_small() -> None:
    assert sum(path.stat().st_size for path in _files()) < 1_500_000
