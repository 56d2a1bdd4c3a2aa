"""Changing the file of settings, so that whoever else edits it recognises it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.settings.document import Document, unknown
from rhapsode.settings.fields import SECTIONS, fields
from rhapsode.settings.presets import preset_of
from rhapsode.settings.words import unlike

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

    from rhapsode.settings.load import Loaded, Store

TRIES = 5
"""How often a change is made anew where the file was changed meanwhile."""

_one_at_a_time = threading.Lock()


def save_changes(store: Store, changes: Mapping[str, Any], *, server: bool) -> Loaded:
    """Make ``changes``; see `rhapsode.settings.load.Store.save`."""
    preset, values = _asked(changes, server=server)
    file = store.file
    target = Path(os.path.realpath(file))
    with _one_at_a_time:
        for _ in range(TRIES):
            before = _bytes_of(target)
            text = _changed("" if before is None else _text_of(before, file), file, preset, values)
            loaded = store.read(text, file)
            _check_effect(loaded, values)
            if _replaced(target, before, text):
                return loaded
    raise SettingError(f"{file} is changed by another program all the time; close that and save again")


def write_new(file: Path, text: str) -> None:
    """Write a new file of settings.

    Raises:
        SettingError: there is one already, or it cannot be written.

    """
    if file.exists():
        raise SettingError(
            f"{file} exists already; change it with `rhapsode settings set`, or remove it first"
        )
    with _one_at_a_time:
        _replaced(file, None, text)


def _asked(changes: Mapping[str, Any], *, server: bool) -> tuple[str | None, dict[str, Any]]:
    """Return the preset, None where none is asked for, and "section.name" to checked values."""
    if not isinstance(changes, Mapping) or not changes:
        raise SettingError(
            'a change must name settings, got none; send {"think": {"kind": "both"}} or {"preset": "ollama"}'
        )
    preset: str | None = None
    values: dict[str, Any] = {}
    for section, held in changes.items():
        if section == "preset":
            preset = str(held or "")
            if preset:
                preset_of(preset)
            continue
        if section not in SECTIONS:
            raise SettingError(unknown(section))
        if section == "server" and not server:
            raise SettingError(
                "server cannot be changed while it runs, got a change of it; use `rhapsode settings set` and "
                "start it again"
            )
        if not isinstance(held, Mapping):
            raise SettingError(f'{section} must hold settings, got {held!r}; send {{"{section}": {{...}}}}')
        for name, value in held.items():
            values[f"{section}.{name}"] = _typed(section, str(name), value)
    return preset, values


def _typed(section: str, name: str, value: Any) -> Any:
    """Return ``value`` as the setting holds it."""
    key = f"{section}.{name}"
    if key not in fields():
        raise SettingError(unknown(section, name))
    try:
        made = SECTIONS[section].model_validate({name: value}, context={"environment": {}})
    except ValidationError as error:
        raise SettingError(unlike(error.errors(include_url=False)[0], key)) from None
    typed = getattr(made, name)
    if isinstance(typed, tuple):
        return list(typed)
    return dict(typed) if isinstance(typed, Mapping) else typed


def _changed(text: str, file: Path, preset: str | None, values: Mapping[str, Any]) -> str:
    """Return the text of ``file`` with the changes in it."""
    Document(text, file)  # a broken file stays as it is
    document = _parsed(text)
    if preset:
        document["preset"] = preset
        for section, held in preset_of(preset).values.items():
            for name in held:
                _drop(document, section, name)
    elif preset is not None:
        document.pop("preset", None)
    for key, value in values.items():
        section, name = key.split(".")
        if value is None and fields()[key].default is None:
            _drop(document, section, name)
            continue
        _put(document, section, name, "none" if value is None else value)
    return document.as_string()


def _parsed(text: str) -> TOMLDocument:
    try:
        import tomlkit
    except ImportError:
        raise MissingExtraError("tomlkit", "converse") from None
    return tomlkit.parse(text)


def _put(document: TOMLDocument, section: str, name: str, value: Any) -> None:
    import tomlkit

    if section not in document:
        if document.as_string().strip():
            document.add(tomlkit.nl())
        document.add(section, tomlkit.table())
    table: Any = document[section]
    if name not in table or table[name] != value:
        table[name] = value


def _drop(document: TOMLDocument, section: str, name: str) -> None:
    table: Any = document.get(section)
    if table is not None and name in table:
        del table[name]


def _check_effect(loaded: Loaded, values: Mapping[str, Any]) -> None:
    """Refuse what something else goes before."""
    for key in values:
        origin, variable = loaded.origins[key], fields()[key].variable
        if origin in ("environment", "flag"):
            whose = f"the environment variable {variable}" if origin == "environment" else "a flag"
            raise SettingError(
                f"{key} cannot be changed in {loaded.file}: {whose} goes before the file; start without it"
            )


def _bytes_of(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingError(f"{file} cannot be read ({error.strerror}); correct or remove it") from None


def _text_of(held: bytes, file: Path) -> str:
    try:
        return held.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingError(f"{file} must be UTF-8 text, got {error}; save it as such") from None


def _replaced(file: Path, before: bytes | None, text: str) -> bool:
    """Put ``text`` in place of ``before``, all at once; tell whether it was still there."""
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("xb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        if before is not None:
            shutil.copymode(file, aside)
        if _bytes_of(file) != before:
            return False
        os.replace(aside, file)
        return True
    except OSError as error:
        raise SettingError(
            f"{file} cannot be written ({error.strerror or error}); name another with --settings"
        ) from None
    finally:
        with suppress(OSError):
            aside.unlink()


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{json.dumps(key)} = {toml_value(inner)}" for key, inner in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
