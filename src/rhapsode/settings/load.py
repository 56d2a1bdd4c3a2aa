"""Where settings come from: flag > environment > file > preset > default.

    loaded = load()
    loaded.settings.think.kind, loaded.origins["think.kind"], loaded.file
    save({"think": {"kind": "both"}})

The file is ``rhapsode.toml`` in the working directory, else in the user's data folder; --settings or
RHAPSODE_SETTINGS names another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from rhapsode.errors import SettingError
from rhapsode.places import data_folder
from rhapsode.settings.document import NAME, Document, unknown
from rhapsode.settings.fields import SECTIONS, fields
from rhapsode.settings.presets import Preset, preset_of, presets
from rhapsode.settings.sections import Settings
from rhapsode.settings.server import ServerSettings
from rhapsode.settings.words import nearest, secret, unlike, value_of

__all__ = ["Loaded", "Origin", "Preset", "Store", "find_file", "load", "presets", "save", "schema"]

Origin = Literal["flag", "environment", "file", "preset", "default"]
"""Who says what a setting is."""

Values = Mapping[str, Mapping[str, Any]]
"""Section to name to value."""

SECRETS = frozenset({"RHAPSODE_THINK_API_KEY"})
"""Variables that look like settings and are read elsewhere."""


@dataclass(frozen=True)
class Loaded:
    """Settings, and where they come from.

    Args:
        settings: of conversations.
        server: of the server.
        origins: "section.name" of every setting to who says what it is.
        file: that they were read from, or would be written to.
        found: whether that file exists.
        preset: that was chosen; empty for none.
        hidden: settings of the preset that something else goes before.

    """

    settings: Settings
    server: ServerSettings
    origins: Mapping[str, Origin]
    file: Path
    found: bool = False
    preset: str = ""
    hidden: tuple[str, ...] = field(default=())

    def value(self, key: str) -> Any:
        """Return the value of the setting ``key``, "section.name"."""
        section, name = key.split(".")
        holder: BaseModel = self.server if section == "server" else getattr(self.settings, section)
        return getattr(holder, name)


class Store:
    """One set of sources, read as often as needed: what a program was started with, and the file.

    Args:
        file: of the settings; None looks for it, see `find_file`.
        preset: chosen by a flag; empty for none.
        flags: section to name to value, of the command line.
        environment: variables; None for those of the process.

    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        preset: str = "",
        flags: Values | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._file, self._preset, self._flags = file, preset, flags or {}
        self._environment = os.environ if environment is None else environment

    @property
    def file(self) -> Path:
        """Where the settings are read from, or would be written to."""
        return self._file or find_file(self._environment)

    def load(self) -> Loaded:
        """Read the settings.

        Raises:
            SettingError: a source holds what is no setting, or what one cannot be; or a file that was named
                does not exist.

        """
        file = self.file
        try:
            text = file.read_text("utf-8")
        except FileNotFoundError:
            if self._file or self._environment.get("RHAPSODE_SETTINGS"):
                raise SettingError(
                    f"no file of settings is at '{file}'; name one that exists, or make it with "
                    f"`rhapsode settings init --settings {file}`"
                ) from None
            text = None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{file} cannot be read as text ({error}); correct or remove it") from None
        return self.read(text, file)

    def read(self, text: str | None, file: Path) -> Loaded:
        """Return the settings as they are where ``file`` holds ``text``, None for no file.

        Raises:
            SettingError: as `load`.

        """
        document = Document(text or "", file)
        preset, origin = self._chosen(document)
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = dict.fromkeys(fields(), "default")
        layers: tuple[tuple[Origin, Mapping[str, Any]], ...] = (
            ("preset", _flat(preset.values) if preset else {}),
            ("file", document.values),
            ("environment", _of_environment(self._environment)),
            ("flag", _flat(self._flags)),
        )
        for name, layer in layers:
            values |= layer
            origins |= dict.fromkeys(layer, name)
        if wrong := [key for key in values if key not in fields()]:
            raise SettingError(unknown(*wrong[0].split(".", 1)))
        made = {section: _made(section, values, origins, document) for section in SECTIONS}
        server = made.pop("server")
        assert isinstance(server, ServerSettings)
        hidden = tuple(key for key in _flat(preset.values) if origins[key] != "preset") if preset else ()
        return Loaded(
            Settings(**made),  # type: ignore[arg-type]
            server,
            origins,
            file,
            text is not None,
            preset.name if preset else "",
            hidden if origin != "file" else (),
        )

    def save(self, changes: Mapping[str, Any], *, server: bool = False) -> Loaded:
        """Change the file of settings; comments, order and what was changed meanwhile stay.

        Args:
            changes: section to name to value; "preset" to the name of one, empty for none. What a preset
                says is taken out of the file, so that the preset holds.
            server: whether the section [server] may be changed too.

        Returns:
            The settings as they are now.

        Raises:
            SettingError: a change cannot be, has no effect, or the file is broken; it stays as it is.
            MissingExtraError: tomlkit is not installed.

        """
        from rhapsode.settings.saving import save_changes

        return save_changes(self, changes, server=server)

    def _chosen(self, document: Document) -> tuple[Preset | None, Origin]:
        """Return the preset that holds, and who named it."""
        variable = self._environment.get("RHAPSODE_PRESET", "").strip()
        asked: tuple[tuple[str, Origin, str], ...] = (
            (self._preset, "flag", "--preset"),
            (variable, "environment", "RHAPSODE_PRESET"),
            (document.preset, "file", document.place("preset")),
        )
        for name, origin, where in asked:
            if name:
                return preset_of(name, where), origin
        return None, "default"


def find_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return the file of settings, which may not exist.

    That is what RHAPSODE_SETTINGS names, else ``rhapsode.toml`` in the working directory where there is one,
    else in the user's data folder (`rhapsode.places`).
    """
    named = (os.environ if environment is None else environment).get("RHAPSODE_SETTINGS", "").strip()
    if named:
        return Path(named).expanduser()
    here = Path(NAME).absolute()
    return here if here.exists() else data_folder(NAME)


def load(file: Path | None = None, *, preset: str = "", flags: Values | None = None) -> Loaded:
    """Read the settings once; see `Store`.

    Raises:
        SettingError: a source holds what is no setting, or what one cannot be.

    """
    return Store(file, preset=preset, flags=flags).load()


def save(changes: Mapping[str, Any], *, file: Path | None = None, server: bool = False) -> Loaded:
    """Change the file of settings; see `Store.save`."""
    return Store(file).save(changes, server=server)


def schema() -> dict[str, Any]:
    """Return the JSON schema of the settings of conversations, for forms."""
    return Settings.model_json_schema()


def _flat(values: Values) -> dict[str, Any]:
    return {f"{section}.{name}": value for section, held in values.items() for name, value in held.items()}


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment says; an empty variable says nothing."""
    known = {one.variable: one for one in fields().values()}
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        if (one := known.get(variable)) is not None:
            if text.strip():
                found[one.key] = value_of(text, one.kind, one.empty, what=variable)
            continue
        section = variable.removeprefix("RHAPSODE_").split("_")[0].lower()
        ours = variable.startswith("RHAPSODE_") and section in SECTIONS and "_" in variable[9:]
        if ours and variable not in SECRETS and not secret(variable):
            same = [name for name in known if name.startswith(f"RHAPSODE_{section.upper()}_")]
            raise SettingError(
                f"no setting is called {variable}{nearest(variable, same)}; known are {', '.join(same)}"
            )
    return found


def _made(
    section: str, values: Mapping[str, Any], origins: Mapping[str, Origin], document: Document
) -> BaseModel:
    """Return a section of ``values``.

    Raises:
        SettingError: one of them cannot be; the message says whose it is.

    """
    held = {key.split(".", 1)[1]: value for key, value in values.items() if key.startswith(section + ".")}
    try:
        return SECTIONS[section].model_validate(held, context={"environment": {}})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        key, where = f"{section}.{name}", ""
        if origins[key] == "file":
            where = document.place(section, name, *map(str, first["loc"][1:]))
        elif origins[key] == "environment":
            where = fields()[key].variable
        raise SettingError(unlike(first, key, where)) from None
