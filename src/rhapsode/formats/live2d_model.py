"""Which parameters a Live2D model has, and how far they go: from its cdi3.json, model3.json and vtube.json.

The ranges stand in the model's binary, which is not read here. VTube Studio's settings (``.vtube.json``)
hold the ranges that it drives; ``.cdi3.json`` (display information) lists the parameters by name; a
``.model3.json`` leads to both, if they lie beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rhapsode.errors import AvatarError
from rhapsode.rigs.live2d import CUBISM2_NAMES, LIVE2D_PARAMETERS, Parameter, cubism2

_LARGEST = 1e6


@dataclass(frozen=True)
class Model:
    """What is known of a model.

    Args:
        parameters: in the order of `LIVE2D_PARAMETERS`, with the ranges of the model where they are known.
        ids: id in the model by standard id; a parameter that the model lacks is absent.

    """

    parameters: tuple[Parameter, ...]
    ids: dict[str, str]


STANDARD = Model(LIVE2D_PARAMETERS, {p.name: p.name for p in LIVE2D_PARAMETERS})
"""A model with all standard parameters in their standard ranges."""


def read_model(path: Path) -> Model:
    """Return what the files of a model say.

    Args:
        path: its .model3.json, .cdi3.json or .vtube.json.

    Raises:
        AvatarError: it is no such file, or the model has no standard parameter.

    """
    tree = _json(path)
    listed: set[str] | None = None
    ranges: dict[str, tuple[float, float]] = {}
    for file, part in _family(path, tree):
        if isinstance(part.get("Parameters"), list):
            listed = {str(row.get("Id")) for row in part["Parameters"] if isinstance(row, dict)}
        if isinstance(part.get("ParameterSettings"), list):
            ranges |= _ranges(file, part["ParameterSettings"])
    known = listed if listed is not None else set(ranges)
    if not known and "FileReferences" not in tree:
        raise _wrong(path, "an object without Parameters, ParameterSettings and FileReferences")
    if not known:
        return STANDARD
    ids: dict[str, str] = {}
    for parameter in LIVE2D_PARAMETERS:
        spelt = [name for name in (parameter.name, cubism2(parameter.name)) if name in known | set(ranges)]
        ids |= {parameter.name: spelt[0]} if spelt else {}
    if not ids:
        raise AvatarError(
            f"'{path}' names {len(known)} parameters, none of them a standard one such as ParamMouthOpenY; "
            "use a model with standard parameter ids"
        )
    fitted = (_fitted(p, ranges.get(ids.get(p.name, ""))) for p in LIVE2D_PARAMETERS)
    return Model(tuple(fitted), ids)


def _family(path: Path, tree: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file and those beside it that belong to the same model."""
    yield path, tree
    references = tree.get("FileReferences")
    if not isinstance(references, dict) or "ParameterSettings" in tree:
        return
    display = references.get("DisplayInfo")
    # Only files of the model's own folder are followed.
    beside = [path.parent / display] if isinstance(display, str) and Path(display).name == display else []
    beside += sorted(path.parent.glob("*.vtube.json"))
    for file in beside:
        if file.is_file():
            yield file, _json(file)


def _ranges(path: Path, rows: list[Any]) -> dict[str, tuple[float, float]]:
    made = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("OutputLive2D"), str):
            continue
        ends = [row.get("OutputRangeLower"), row.get("OutputRangeUpper")]
        fine = [float(end) for end in ends if isinstance(end, (int, float)) and abs(end) < _LARGEST]
        if len(fine) != len(ends):
            raise _wrong(path, f"the range {ends} of {row['OutputLive2D']}")
        made[row["OutputLive2D"]] = (min(fine), max(fine))
    return made


def _fitted(parameter: Parameter, found: tuple[float, float] | None) -> Parameter:
    """Return a parameter with the range that was found; its rest stays, or goes to the nearer end."""
    if found is None or found[0] == found[1]:
        return parameter
    low, high = found
    rest = high if parameter.rest == parameter.high else min(max(parameter.rest, low), high)
    return replace(parameter, low=low, high=high, rest=rest)


def _json(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise AvatarError(f"cannot read '{path}': {error.strerror or error}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "text that is no JSON") from error
    if not isinstance(tree, dict):
        raise _wrong(path, f"a {type(tree).__name__}")
    return tree


def _wrong(path: Path, got: str) -> AvatarError:
    return AvatarError(
        f"'{path}' is no file of a Live2D model: got {got}, expected a .model3.json, .cdi3.json or "
        ".vtube.json; give one of these as avatar"
    )


def standard_id(name: str) -> str:
    """Return the standard id of a parameter in either spelling."""
    return CUBISM2_NAMES.get(name, name)
