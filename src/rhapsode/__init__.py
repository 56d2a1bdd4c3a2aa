"""Rhapsode: speech in, a living digital human out.

The flat public namespace; every name is loaded on first use, so that importing the package stays cheap.

    import rhapsode as rh

    take = rh.animate("line.wav")
    take.face["jawOpen"]
    take.save("line.glb")

    for curve_frame in rh.stream(chunks, sample_rate=48000):
        curve_frame["jawOpen"]
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rhapsode.errors import (
        AudioError,
        AvatarError,
        FormatError,
        InputError,
        MissingExtraError,
        RhapsodeError,
        RigError,
        SettingError,
        SpeechError,
        WeightsError,
    )
    from rhapsode.face.direction import Direction
    from rhapsode.face.stream import CurveFrame, FaceStream, stream
    from rhapsode.perform import animate, animate_file
    from rhapsode.performance import Curves, Motion, Performance, Sound, Span, Words

__version__ = "0.1.0"

_HOME = {
    "rhapsode.face.direction": ("Direction",),
    "rhapsode.face.stream": ("CurveFrame", "FaceStream", "stream"),
    "rhapsode.perform": ("animate", "animate_file"),
    "rhapsode.errors": (
        *("AudioError", "AvatarError", "FormatError", "InputError", "MissingExtraError", "RhapsodeError"),
        *("RigError", "SettingError", "SpeechError", "WeightsError"),
    ),
    "rhapsode.performance": ("Curves", "Motion", "Performance", "Sound", "Span", "Words"),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AudioError",
    "AvatarError",
    "CurveFrame",
    "Curves",
    "Direction",
    "FaceStream",
    "FormatError",
    "InputError",
    "MissingExtraError",
    "Motion",
    "Performance",
    "RhapsodeError",
    "RigError",
    "SettingError",
    "Sound",
    "Span",
    "SpeechError",
    "WeightsError",
    "Words",
    "animate",
    "animate_file",
    "stream",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'rhapsode' has no attribute '{name}'")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
