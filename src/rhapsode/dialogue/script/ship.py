"""Compute the vectors that come with the product: ``python -m rhapsode.dialogue.script.ship``.

To be run after one of its scripts has changed; a test tells when it is due.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from rhapsode.dialogue.script import cache
from rhapsode.dialogue.script.index import Index
from rhapsode.dialogue.script.library import names, script_path
from rhapsode.dialogue.script.reading import read_script


def build(folder: Path) -> None:
    """Index every script of the product, with vectors kept in ``folder``."""
    for name in names():
        Index(read_script(script_path(name)), folder=folder)


if __name__ == "__main__":
    cache.SHIPPED.unlink(missing_ok=True)
    with TemporaryDirectory() as scratch:
        cache.ship(build, Path(scratch))
