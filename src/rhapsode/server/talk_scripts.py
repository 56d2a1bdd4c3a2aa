"""What the server tells of a script before it is used."""

from __future__ import annotations

from functools import cache

from rhapsode.errors import RhapsodeError


@cache
def script_languages(name: str) -> tuple[str, ...]:
    """Return the languages of a script; none where it cannot be read."""
    try:
        from rhapsode.dialogue.script.library import script_path
        from rhapsode.dialogue.script.reading import read_script

        return tuple(read_script(script_path(name)).languages)
    except (ImportError, RhapsodeError):
        return ()
