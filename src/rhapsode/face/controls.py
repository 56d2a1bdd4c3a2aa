"""The controls that people know from Audio2Face, under its names, and the files that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.face.shaping_settings import Shaping, check_range
from rhapsode.rigs import ARKIT
from rhapsode.rigs.rig import unknown_channel

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "overall_strength": (0.0, 2.0),
        "upper_strength": (0.0, 2.0),
        "lower_strength": (0.0, 2.0),
        "upper_smoothing": (0.0, 1.0),
        "lower_smoothing": (0.0, 1.0),
        "lip_close_offset": (-0.3, 0.3),
        "eyelid_offset": (-1.0, 1.0),
        "blink_strength": (0.0, 2.0),
        "tongue_strength": (0.0, 3.0),
        "prediction_offset": (-0.5, 0.5),
    }
)
"""Least and greatest value of every control that is one number."""

TABLES: Mapping[str, tuple[float, float]] = MappingProxyType({"gains": (0.0, 4.0), "offsets": (-1.0, 1.0)})
"""Least and greatest value of the controls that hold one number per channel."""

_AUDIO2FACE: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "upperFaceStrength": ("upper_strength", 1.0),
        "lowerFaceStrength": ("lower_strength", 1.0),
        "upperFaceSmoothing": ("upper_smoothing", 10.0),
        "lowerFaceSmoothing": ("lower_smoothing", 10.0),
        "lipOpenOffset": ("lip_close_offset", -1.0),
        "eyelidOpenOffset": ("eyelid_offset", 1.0),
        "blinkStrength": ("blink_strength", 1.0),
        "tongueStrength": ("tongue_strength", 1.0),
    }
)
"""Audio2Face-3D's name of a control: ours, and ours per theirs."""

_AUDIO2FACE_TABLES = {
    "multipliers": "gains",
    "bs_weight_multipliers": "gains",
    "bsWeightMultipliers": "gains",
    "offsets": "offsets",
    "bs_weight_offsets": "offsets",
    "bsWeightOffsets": "offsets",
}
_AUDIO2FACE_SECTIONS = frozenset(("face_parameters", "face_params", "faceParams", "blendshape_parameters"))
_AUDIO2FACE_OTHER = frozenset(
    (
        "inputStrength",
        "faceMaskLevel",
        "faceMaskSoftness",
        "skinStrength",
        "blinkOffset",
        "tongueHeightOffset",
        "tongueDepthOffset",
        "enable_clamping_bs_weight",
    )
)
"""Names of Audio2Face-3D that have no counterpart here."""


@dataclass(frozen=True)
class Controls:
    """What a user turns by hand, on top of a style. A control that is set wins over the style.

    Args:
        overall_strength: of what the voice does to the face, 0 to 2.
        upper_strength: brows, eyes wide or narrowed, cheeks and nose, 0 to 2.
        lower_strength: jaw, lips and mouth corners, 0 to 2.
        upper_smoothing: of brows, cheeks and nose, 0 (none) to 1 (heavy); None is the style's.
        lower_smoothing: of the mouth, 0 to 1, which changes no closure; None is the style's.
        lip_close_offset: added to mouthClose while the voice is active, -0.3 (apart) to 0.3; None is the
            style's.
        eyelid_offset: resting lids, -1 (closed) to 1 (wide open).
        blink_strength: how far blinks close, 0 to 2.
        tongue_strength: of tongueOut, 0 to 3.
        gains: multiplier per ARKit channel, 0 to 4, on the finished face.
        offsets: added per ARKit channel, -1 to 1, on the finished face.
        prediction_offset: seconds by which the face comes later than the sound, -0.5 (earlier: needs the
            sound ahead, so live it only waits) to 0.5, in steps of 20 ms.

    Raises:
        SettingError: a value is out of its range.
        RigError: a channel of gains or offsets does not exist.

    """

    overall_strength: float = 1.0
    upper_strength: float = 1.0
    lower_strength: float = 1.0
    upper_smoothing: float | None = None
    lower_smoothing: float | None = None
    lip_close_offset: float | None = None
    eyelid_offset: float = 0.0
    blink_strength: float = 1.0
    tongue_strength: float = 1.0
    gains: Mapping[str, float] = field(default_factory=dict, hash=False)
    offsets: Mapping[str, float] = field(default_factory=dict, hash=False)
    prediction_offset: float = 0.0

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if part.name in TABLES:
                object.__setattr__(self, part.name, _table(part.name, value))
            elif value is not None or part.default is not None:
                check_range("controls", part.name, value, *RANGES[part.name])

    def shaped(self, shaping: Shaping) -> Shaping:
        """Return ``shaping`` with what of these controls is its work."""
        given: dict[str, Any] = {
            "smoothing": self.lower_smoothing,
            "upper_smoothing": self.upper_smoothing,
            "close_offset": self.lip_close_offset,
        }
        return replace(
            shaping,
            strength=min(shaping.strength * self.overall_strength, 4.0),
            **{name: value for name, value in given.items() if value is not None},
        )


def read_controls(given: Controls | Mapping[str, Any] | None) -> Controls | None:
    """Return controls from what a user wrote: `Controls`, their fields as a mapping, or nothing.

    Raises:
        SettingError: a name or a value is wrong.
        RigError: a channel does not exist.

    """
    if given is None or isinstance(given, Controls):
        return given
    if not isinstance(given, Mapping):
        raise SettingError(
            f"controls must be names and values such as lower_strength: 1.2, got {type(given).__name__}"
        )
    known = [part.name for part in fields(Controls)]
    for name in given:
        if name not in known:
            raise SettingError(f"there is no control '{name}'; controls are {', '.join(known)}")
    return Controls(**given)


def load_controls(path: str | Path) -> tuple[Controls, tuple[str, ...]]:
    """Read a controls file, JSON or YAML, with our names or those of an Audio2Face-3D configuration.

    Returns:
        The controls, and the names of Audio2Face-3D in it that have no counterpart here.

    Raises:
        SettingError: the file cannot be read, or a name or a value is wrong.
        RigError: a channel does not exist.
        MissingExtraError: it is YAML and the reader for that is not installed.

    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        tree = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(f"controls '{path}' cannot be read ({reason}); expected JSON or YAML") from error
    if not isinstance(tree, dict):
        raise SettingError(
            f"controls '{path}' must hold names and values such as lower_strength: 1.2, "
            f"got {type(tree).__name__}"
        )
    made: dict[str, Any] = {}
    ignored: list[str] = []
    for section in [tree, *(tree[name] for name in tree if name in _AUDIO2FACE_SECTIONS)]:
        _translate(section, made, ignored, path)
    read = read_controls(made)
    assert read is not None
    return read, tuple(ignored)


def translate(section: Mapping[str, Any], where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what a section of Audio2Face-3D's settings asks for, unchecked.

    Args:
        section: names and values such as ``upperFaceStrength: 1.2``; our own names pass through.
        where: what messages call the section.

    Returns:
        Fields of `Controls`, with names that nobody knows among them, and the names of Audio2Face-3D that
        have no counterpart here.

    Raises:
        SettingError: it holds no names and values.

    """
    made: dict[str, Any] = {}
    ignored: list[str] = []
    _translate(section, made, ignored, where)
    return made, tuple(ignored)


def _translate(section: Any, made: dict[str, Any], ignored: list[str], path: Path | str) -> None:
    if not isinstance(section, dict):
        raise SettingError(f"controls '{path}': a section must hold names and values, got {section!r}")
    for name, value in section.items():
        if name in _AUDIO2FACE:
            ours, per = _AUDIO2FACE[name]
            made[ours] = value * per if isinstance(value, (int, float)) else value
        elif name in _AUDIO2FACE_TABLES and isinstance(value, dict):
            made[_AUDIO2FACE_TABLES[name]] = {_camel(str(key)): of for key, of in value.items()}
        elif name in _AUDIO2FACE_OTHER:
            ignored.append(name)
        elif name not in _AUDIO2FACE_SECTIONS:
            made[str(name)] = value


def _camel(name: str) -> str:
    """Return a channel as ARKit writes it: Audio2Face-3D begins with a capital."""
    return name[:1].lower() + name[1:]


def _table(table: str, values: Any) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise SettingError(f"controls setting '{table}' must hold channels and values, got {values!r}")
    for channel, value in values.items():
        if channel not in ARKIT.channels:
            raise unknown_channel(channel, ARKIT.channels, f"controls {table}: rig 'arkit'")
        check_range("controls", f"{table}[{channel}]", value, *TABLES[table])
    return dict(values)  # a plain one can be pickled


def _yaml(text: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("the reader of YAML controls", "train") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
