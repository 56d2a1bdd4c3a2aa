"""A script to begin with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from uuid import uuid4

from rhapsode.dialogue.script.reading import SUFFIXES, ScriptError, parse_script, write_script

LANGUAGES: tuple[str, ...] = ("en", "zh")
"""What there is a template in; another language gets the English one, to be translated."""


def template(name: str, language: str = "en") -> str:
    """Return a small script as YAML, with comments on what its parts do.

    Args:
        name: of the script.
        language: BCP 47 tag of its texts.

    """
    base = language.partition("-")[0].lower()
    own = base if base in LANGUAGES else "en"
    text = Path(__file__).with_name(f"template.{own}.yaml").read_text(encoding="utf-8")
    named = text.replace("name: NAME", f"name: {name}", 1)
    return named if language == own else named.replace(f"languages: [{own}]", f"languages: [{language}]", 1)


def write_template(path: str | Path, *, language: str = "en") -> None:
    """Write a script to begin with as YAML, XLSX or CSV; never over a file that is there.

    Raises:
        ScriptError: the file is there already, has another suffix or cannot be written, or the language is
            no tag.
        MissingExtraError: a spreadsheet without openpyxl.

    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        got = path.suffix or "no suffix"
        raise ScriptError([f"{path.name}: a script ends in {', '.join(SUFFIXES)}, got {got!r}"])
    if path.exists():
        raise ScriptError([f"{path.name}: is there already; choose another name, or remove it first"])
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_")[:64] or "script"
    text = template(name, language)
    try:
        script = parse_script(path.with_suffix(".yaml"), text.encode())
    except ScriptError:
        raise ScriptError([f"expected a language tag such as en or zh-CN, got {language!r}"]) from None
    if path.suffix.lower() in {".xlsx", ".csv"}:
        write_script(script, path)
        return
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        problem = error.strerror or error
        raise ScriptError([f"{path.name}: cannot be written: {problem}; check the path"]) from None
