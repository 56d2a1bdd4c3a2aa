"""Services of Pipecat by the name that settings give them: ``pipecat:module:Class``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Literal

from rhapsode.errors import MissingExtraError, SettingError

PREFIX = "pipecat:"

Role = Literal["hear", "think", "speak"]

_ROLES: Mapping[str, tuple[str, str, str]] = {
    "hear": ("pipecat.services.stt_service", "STTService", "recogniser (STT)"),
    "think": ("pipecat.services.llm_service", "LLMService", "language model (LLM)"),
    "speak": ("pipecat.services.tts_service", "TTSService", "voice (TTS)"),
}

_KEYS = {
    ("azure", "llm"): "AZURE_CHATGPT_API_KEY",
    ("azure", "stt"): "AZURE_SPEECH_API_KEY",
    ("azure", "tts"): "AZURE_SPEECH_API_KEY",
    ("aws", "tts"): "AWS_SECRET_ACCESS_KEY",
    ("fal", "stt"): "FAL_KEY",
}
"""Environment variables of keys that are not called after the vendor; those that Pipecat's examples use."""


_FACED = {
    "pipecat.services.azure.tts:AzureTTSService": "rhapsode.pipecat.azure:AzureFaceTTSService",
    "pipecat.services.aws.tts:AWSPollyTTSService": "rhapsode.pipecat.polly:PollyFaceTTSService",
}
"""Voices whose vendor gives the face, too, and what asks for it."""


def is_service(name: str) -> bool:
    """Tell whether a setting names a service of Pipecat."""
    return name.startswith(PREFIX)


def make_service(name: str, options: Mapping[str, Any], *, role: Role | None = None) -> Any:
    """Return a new service.

    Args:
        name: "pipecat:deepgram.stt:DeepgramSTTService"; a module without "pipecat." in front is looked for
            among `pipecat.services` first. "pipecat:" may be left out.
        options: arguments of the class. A text such as "$DEEPGRAM_REGION" is read from the environment. A
            table "settings" becomes the class's own ``Settings``. The key comes from the environment only:
            from the variable that "api_key_env" names, or the vendor's usual one (`DEEPGRAM_API_KEY`).
        role: what it is to do; None for anything.

    Raises:
        SettingError: there is no such class, it does something else, it does not take the options, a package
            of the vendor is not installed, or the environment lacks a value.
        MissingExtraError: Pipecat is not installed.

    """
    module, _, kind = name.removeprefix(PREFIX).rpartition(":")
    if not module or not kind:
        raise SettingError(
            f"a service of Pipecat must read pipecat:module:Class, got '{name}'; "
            "try pipecat:deepgram.stt:DeepgramSTTService"
        )
    held = _module(module, name)
    found = getattr(held, kind, None)
    if not isinstance(found, type):
        there = ", ".join(_services(held, role)) or "none"
        raise SettingError(f"'{name}' names no class: '{module}' has no '{kind}'; its services are: {there}")
    _check_role(found, name, role)
    found = _speaking(found)
    try:
        return found(**_arguments(found, module, options))
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"'{name}' does not take its options: {error}; see the arguments of the class"
        ) from error


def _speaking(found: type) -> type:
    """Return what stands for a voice of Pipecat: one that gives its face, too, where there is one, or keeps
    marks between the words; other classes are as they are.
    """
    if ours := _FACED.get(f"{found.__module__}:{found.__qualname__}"):
        module, _, kind = ours.partition(":")
        made: type = getattr(import_module(module), kind)
        return made
    if not issubclass(found, _base("speak")):
        return found
    from rhapsode.pipecat.marked_text import KeptMarks, MarkedText

    if issubclass(found, MarkedText):
        return found
    return type(found.__name__, (KeptMarks, found), {"__module__": found.__module__})


def _check_role(found: type, name: str, role: Role | None) -> None:
    """Refuse a class that does the work of another part."""
    is_a = {part: issubclass(found, _base(part)) for part in _ROLES}
    if role is None or is_a[role] or not any(is_a.values()):
        return
    other = next(part for part, fits in is_a.items() if fits)
    raise SettingError(
        f"'{name}' is a {_ROLES[other][2]}, where a {_ROLES[role][2]} is wanted; "
        f"name it under '{other}', and here another"
    )


def _base(role: str) -> type:
    module, name, _ = _ROLES[role]
    base: type = getattr(import_module(module), name)
    return base


def _services(held: Any, role: Role | None) -> list[str]:
    """Return the names of the services that a module defines."""
    bases = tuple(_base(part) for part in ([role] if role else _ROLES))
    return sorted(
        name
        for name, kind in vars(held).items()
        if isinstance(kind, type) and issubclass(kind, bases) and kind.__module__ == held.__name__
    )


def _arguments(found: type, module: str, options: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: _value(key, value) for key, value in options.items() if key != "api_key_env"}
    given = str(options.get("api_key", "$"))
    if not given.startswith("$"):
        raise SettingError(
            "a key must not stand in settings, got an 'api_key'; put it into the environment, and the "
            "variable's name here as 'api_key_env'"
        )
    settings, kind = made.get("settings"), getattr(found, "Settings", None)
    if isinstance(settings, Mapping) and isinstance(kind, type):
        made["settings"] = kind(**{key: _value(key, value) for key, value in settings.items()})
    key = _parameters(found).get("api_key")
    named = options.get("api_key_env")
    if "api_key" not in made and (key is not None or named):
        variable = str(named) if named else _usual(module)
        if os.environ.get(variable):
            made["api_key"] = os.environ[variable]
        elif named or (key is not None and key.default is inspect.Parameter.empty):
            raise SettingError(
                f"the key of '{found.__name__}' is read from the environment variable {variable}, which is "
                "not set; set it, or name another as 'api_key_env'"
            )
    return made


def _parameters(found: type) -> dict[str, inspect.Parameter]:
    """Return the arguments of a class and of those that it passes the rest on to; the nearest counts."""
    all_of: dict[str, inspect.Parameter] = {}
    for kind in found.__mro__:
        if "__init__" not in vars(kind):
            continue
        taken = inspect.signature(vars(kind)["__init__"]).parameters
        all_of = {**taken, **all_of}
        if all(row.kind is not inspect.Parameter.VAR_KEYWORD for row in taken.values()):
            break
    return all_of


def _usual(module: str) -> str:
    """Return the environment variable that usually holds the key of a vendor's service."""
    parts = module.removeprefix("pipecat.services.").split(".")
    return _KEYS.get((parts[0], parts[-1]), f"{parts[0].upper()}_API_KEY")


def _module(module: str, name: str) -> Any:
    for full in (f"pipecat.services.{module}", module):
        try:
            return import_module(full)
        except ImportError as error:
            missing = error.name or ""
            if missing and full.startswith(missing):
                continue  # there is no such module
            if missing == "pipecat":
                raise MissingExtraError("Pipecat", "converse") from error
            raise SettingError(_remedy(module, name, error)) from error
    if _lacks_pipecat():
        raise MissingExtraError("Pipecat", "converse")
    raise SettingError(f"'{name}' names no module of Pipecat or of this installation; check its spelling")


def _lacks_pipecat() -> bool:
    try:
        import_module("pipecat")
    except ImportError:
        return True
    return False


def _remedy(module: str, name: str, error: ImportError) -> str:
    """Return what to install so that a module can be loaded."""
    vendor = module.removeprefix("pipecat.services.").split(".")[0].replace("_", "-")
    try:
        extras = metadata("pipecat-ai").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        extras = []
    reason = " ".join(str(error).split())
    if vendor in extras:
        return f"'{name}' cannot be loaded ({reason}); get it with: pip install 'pipecat-ai[{vendor}]'"
    return f"'{name}' cannot be loaded: {reason}; install what it needs"


def _value(key: str, value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith("$")):
        return value
    held = os.environ.get(value[1:])
    if not held:
        raise SettingError(
            f"option '{key}' is read from the environment variable {value[1:]}, which is not set"
        )
    return held
