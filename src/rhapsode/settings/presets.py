"""Named sets of settings to begin with; a preset changes defaults, and everything else goes before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhapsode.errors import SettingError
from rhapsode.settings.words import nearest


@dataclass(frozen=True)
class Preset:
    """A named set of changes to the defaults.

    Args:
        name: it is chosen by.
        about: one line for people.
        values: section to the settings it changes.

    """

    name: str
    about: str
    values: Mapping[str, Mapping[str, Any]]


PRESETS: tuple[Preset, ...] = (
    Preset(
        "offline-en",
        "English, answers from the script, without a network or a key.",
        {"hear": {"language": "en", "languages": ["en"]}, "think": {"kind": "script"}},
    ),
    Preset(
        "offline-zh",
        "Mandarin, answers from the script, without a network or a key.",
        {"hear": {"language": "zh", "languages": ["zh", "en"]}, "think": {"kind": "script"}},
    ),
    Preset(
        "ollama",
        "The script first, then a language model on this machine, served by Ollama.",
        {"think": {"kind": "both", "base_url": "http://127.0.0.1:11434/v1", "model": ""}},
    ),
    Preset(
        "llama-cpp",
        "The script first, then a language model on this machine, served by llama.cpp.",
        {"think": {"kind": "both", "base_url": "http://127.0.0.1:8080/v1", "model": "", "first_s": 30.0}},
    ),
    Preset(
        "vendor",
        "The script first, then a model of OpenAI; the key comes from OPENAI_API_KEY.",
        {"think": {"kind": "both", "base_url": "https://api.openai.com/v1", "model": "gpt-4o-mini"}},
    ),
)


def presets() -> tuple[Preset, ...]:
    """Return all presets."""
    return PRESETS


def preset_of(name: str, where: str = "") -> Preset:
    """Return the preset called ``name``.

    Args:
        name: of the preset.
        where: it is asked for; empty where that is clear.

    Raises:
        SettingError: there is none of that name.

    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    known = [preset.name for preset in PRESETS]
    raise SettingError(
        f"{where + ': ' if where else ''}preset must be one of {', '.join(known)}, got '{name}'"
        f"{nearest(name, known)}; `rhapsode settings presets` tells what they do"
    )
