"""Scripted answers: their files, how questions find them, how they are spoken (docs/scripts.md)."""

from rhapsode.dialogue.script.index import THRESHOLD, Hit, Index
from rhapsode.dialogue.script.library import About, ScriptLibrary, bundled, names, script_path
from rhapsode.dialogue.script.model import Entry, Link, Script
from rhapsode.dialogue.script.reading import ScriptError, read_script, write_script
from rhapsode.dialogue.script.thinker import Near, ScriptThinker, talked_about

__all__ = [
    "THRESHOLD",
    "About",
    "Entry",
    "Hit",
    "Index",
    "Link",
    "Near",
    "Script",
    "ScriptError",
    "ScriptLibrary",
    "ScriptThinker",
    "bundled",
    "names",
    "read_script",
    "script_path",
    "talked_about",
    "write_script",
]
