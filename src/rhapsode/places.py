"""Where the product keeps what belongs to its user."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder(part: str) -> Path:
    """Return the folder of ``part`` under the user's data, which may not exist yet.

    That is ``$XDG_DATA_HOME/rhapsode`` (absolute, or it does not count: XDG Base Directory Specification) or
    ``~/.local/share/rhapsode``; ``$RHAPSODE_DATA`` moves it.
    """
    own = os.environ.get("RHAPSODE_DATA")
    if own:
        return Path(own).expanduser() / part
    shared = os.environ.get("XDG_DATA_HOME", "")
    home = Path(shared) if os.path.isabs(shared) else Path.home() / ".local" / "share"
    return home / "rhapsode" / part
