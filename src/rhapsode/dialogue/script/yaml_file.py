"""Scripts as YAML: read with the line of every part, written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]
from pydantic import BaseModel

from rhapsode.dialogue.script.model import Script
from rhapsode.dialogue.script.reading import Raw, ScriptError

_HINT = "a text that begins with one of [ { & * ! % @ or holds ': ' goes in quotes"
_TABS = "indent by spaces, not by tabs"
_DEEPEST = 12


def parse_yaml(name: str, content: bytes) -> Raw:
    """Return what a YAML file holds; every scalar is text, so that "no" is Norwegian and "12:30" a time.

    Raises:
        ScriptError: it is no YAML, has a key twice, an alias, or is no mapping.

    """
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=loader)
    except UnicodeDecodeError as error:
        raise ScriptError(
            [f"{name}: expected UTF-8, got byte {content[error.start]:#x} at {error.start}"]
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        at = content.decode("utf-8-sig").splitlines()[mark.line : mark.line + 1] if mark else []
        hint = _TABS if any("\t" in text[: len(text) - len(text.lstrip())] for text in at) else _HINT
        raise ScriptError([f"{name}{line}: no YAML: {error.problem or error.context}; {hint}"]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ScriptError([f"{name}: no YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(root, yaml.MappingNode):
        raise ScriptError([f"{name}:1: expected a mapping with name, languages and entries, got no mapping"])
    places: dict[tuple[str | int, ...], str] = {}
    return Raw(_Reader(name, places).plain(root, ()), places)


class _Reader:
    """Turns nodes into plain data and notes where each stands."""

    def __init__(self, name: str, places: dict[tuple[str | int, ...], str]) -> None:
        self._name, self._places, self._seen = name, places, set[int]()

    def plain(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self._seen:
            raise ScriptError([f"{self._name}:{line}: an anchor is used as an alias (*); write it out"])
        if len(path) > _DEEPEST:
            raise ScriptError([f"{self._name}:{line}: nested too deeply"])
        self._seen.add(id(node))
        self._places.setdefault(path, str(line))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(one, (*path, i)) for i, one in enumerate(node.value)]
        return str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ScriptError([f"{self._name}:{line}: a key must be a word; {_HINT}"])
            if key.value in found:
                raise ScriptError(
                    [f"{self._name}:{line}: {key.value!r} stands twice in one mapping; join them"]
                )
            self._places[(*path, key.value)] = str(line)
            read = self.plain(value, (*path, key.value))
            if read != "":  # a key without a value is a key left out
                found[key.value] = read
        return found


def to_yaml(script: Script) -> bytes:
    """Return a script as YAML, what is empty left out."""
    text: str = yaml.dump(
        _lean(script),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=110,
        default_flow_style=False,
    )
    return text.encode()


class _Dumper(yaml.SafeDumper):  # type: ignore[misc,unused-ignore]
    """Indents lists under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _lean(value: Any) -> Any:
    """Return plain data of models, mappings and tuples without what is empty; one text of several alone."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        lean = {key: _lean(one) for key, one in value.items()}
        return {key: one for key, one in lean.items() if one not in ("", None, [], {})}
    if isinstance(value, (tuple, list)):
        return [_lean(one) for one in value]
    return value
