"""Services of Pipecat by the name that settings give them: ``pipecat:module:Class``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from rhapsode.errors import MissingExtraError, SettingError

PREFIX = "pipecat:"


def is_service(name: str) -> bool:
    """Tell whether a setting names a service of Pipecat."""
    return name.startswith(PREFIX)


def make_service(name: str, options: Mapping[str, Any]) -> Any:
    """Return a new service.

    Args:
        name: "pipecat:deepgram.stt:DeepgramSTTService"; a module without "pipecat." in front is looked for
            among `pipecat.services` first.
        options: arguments of the class; a text such as "$DEEPGRAM_API_KEY" is read from the environment, so
            that no secret stands in settings.

    Raises:
        SettingError: there is no such class, it does not take the options, or the environment lacks a value.
        MissingExtraError: a package of the vendor is not installed.

    """
    module, _, kind = name.removeprefix(PREFIX).rpartition(":")
    if not module or not kind:
        raise SettingError(
            f"a service of Pipecat must read pipecat:module:Class, got '{name}'; "
            "try pipecat:deepgram.stt:DeepgramSTTService"
        )
    found = getattr(_module(module, name), kind, None)
    if not isinstance(found, type):
        raise SettingError(
            f"'{name}' names no class: '{module}' has no '{kind}'; look it up in its documentation"
        )
    try:
        return found(**{key: _value(key, value) for key, value in options.items()})
    except TypeError as error:
        raise SettingError(
            f"'{name}' does not take its options: {error}; see the arguments of the class"
        ) from error


def _module(module: str, name: str) -> Any:
    for full in (f"pipecat.services.{module}", module):
        try:
            return import_module(full)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if not full.startswith(missing):
                raise MissingExtraError(f"'{missing}', which '{name}' needs,", "converse") from error
        except ImportError as error:  # Pipecat says itself which of its extras is missing
            raise SettingError(f"'{name}' cannot be loaded: {error}") from error
    raise SettingError(f"'{name}' names no module of Pipecat or of this installation; check its spelling")


def _value(key: str, value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith("$")):
        return value
    held = os.environ.get(value[1:])
    if not held:
        raise SettingError(
            f"option '{key}' is read from the environment variable {value[1:]}, which is not set"
        )
    return held
