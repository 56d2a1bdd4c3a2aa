"""Which settings there are: what the sections say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from rhapsode.settings.sections import Hear, Perform, Remember, Speak, Think
from rhapsode.settings.server import ServerSettings
from rhapsode.settings.words import Kind, kind_of

SECTIONS: Mapping[str, type[BaseModel]] = {
    "hear": Hear,
    "think": Think,
    "speak": Speak,
    "perform": Perform,
    "remember": Remember,
    "server": ServerSettings,
}

PATHS = frozenset(
    {"think.script", "speak.timbre", "speak.background", "perform.weights", "server.weights", "server.avatar"}
)
"""Settings that are a name or a path: one with a separator or an extension is a path."""

FOLDERS = frozenset({"server.takes", "server.avatars"})
"""Settings that are folders."""


@dataclass(frozen=True)
class SettingField:
    """One setting.

    Args:
        section: it stands in.
        name: within the section.
        kind: how many values it holds.
        empty: whether it may hold nothing ("none").
        default: where nobody says otherwise.
        about: what it means.
        allowed: the values it may have, in words.

    """

    section: str
    name: str
    kind: Kind
    empty: bool
    default: Any
    about: str
    allowed: str

    @property
    def key(self) -> str:
        """Its full name."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"RHAPSODE_{self.section}_{self.name}".upper()


@cache
def fields() -> Mapping[str, SettingField]:
    """Return all settings by their key, in the order of the file."""
    found: dict[str, SettingField] = {}
    for section, model in SECTIONS.items():
        abouts, schema = _arguments(model.__doc__ or ""), model.model_json_schema()["properties"]
        for name, field in model.model_fields.items():
            kind, empty = kind_of(model, name)
            allowed = _allowed(schema[name])
            one = SettingField(section, name, kind, empty, field.default, abouts.get(name, ""), allowed)
            found[one.key] = one
    return found


def about_section(section: str) -> str:
    """Return the first line of what a section says of itself."""
    return (SECTIONS[section].__doc__ or "").strip().splitlines()[0]


def _arguments(doc: str) -> dict[str, str]:
    """Return what a docstring says of each argument."""
    found: dict[str, str] = {}
    name = ""
    for line in doc.split("Args:", 1)[-1].splitlines():
        if begins := re.fullmatch(r" {8}(\w+): (.*)", line):
            name = begins[1]
            found[name] = begins[2]
        elif name and line.startswith(" " * 12):
            found[name] += " " + line.strip()
        elif line.strip():
            name = ""
    return {key: text.replace("``", "`") for key, text in found.items()}


def _allowed(schema: Mapping[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    words = _words(options[0])
    return f"{words}, or none" if len(options) < len(schema.get("anyOf", [])) else words


def _words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    words = {
        "boolean": "true, false",
        "integer": "whole number",
        "number": "number",
        "array": "list",
        "object": "pairs",
        "string": "text",
    }[schema["type"]]
    if "auto" in schema.get("pattern", ""):
        return "language tag or auto"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    above = schema.get("exclusiveMinimum")
    if low is not None or above is not None:
        words += f", at least {low:g}" if low is not None else f", more than {above:g}"
    inner = schema.get("items", {})
    return f"{words} of: {_words(inner)}" if "enum" in inner else words
