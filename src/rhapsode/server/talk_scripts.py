"""What the server tells of a script before it is used."""

from __future__ import annotations

from functools import cache

from rhapsode.errors import RhapsodeError

STARTERS = 5
"""Questions that are offered to somebody new."""


@cache
def script_facts(name: str) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Return the languages of a script and, for each, questions to begin with; none where it is broken."""
    try:
        from rhapsode.dialogue.script.library import script_path
        from rhapsode.dialogue.script.reading import read_script

        script = read_script(script_path(name))
    except (ImportError, RhapsodeError):
        return (), {}
    starters: dict[str, list[str]] = {}
    for language in script.languages:
        asked = [entry.questions.get(language, ()) for entry in script.entries if not entry.after]
        starters[language] = [questions[0] for questions in asked if questions][:STARTERS]
    return tuple(script.languages), starters
