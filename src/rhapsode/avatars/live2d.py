"""What a Live2D model can show of a face: its parameters by name, read beside the model.

The model itself (.moc3) is closed; the names stand in the files beside it: ``.model3.json`` names the file of
its parameters' titles (``.cdi3.json``) and the parameters of its lids and lips. Ranges stand in neither:
parameters count as having the standard ones (`rhapsode.rigs.live2d`). Source: Live2D's CubismSpecs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.errors import AvatarError
from rhapsode.rigs.live2d import LIVE2D_PARAMETERS

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "EyeBlink": ("ParamEyeLOpen", "ParamEyeROpen"),
    "LipSync": ("ParamMouthOpenY",),
}


@dataclass(frozen=True)
class Live2DParameters:
    """Parameters of one model.

    Args:
        names: ids of all parameters, in the order of the file.
        plays: the model's parameter by standard parameter.

    """

    names: tuple[str, ...]
    plays: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Standard parameters that the model does not have."""
        return tuple(row.name for row in LIVE2D_PARAMETERS if row.name not in self.plays)


def read_live2d(path: str | Path) -> Live2DParameters:
    """Read the parameters of a Live2D model.

    Args:
        path: a ``.model3.json`` or a ``.cdi3.json``.

    Raises:
        AvatarError: the file is neither, or names a file that is not beside it.

    """
    place = Path(path)
    tree = _tree(place)
    titles, groups = tree, []
    if "FileReferences" in tree:
        groups = [row for row in tree.get("Groups") or [] if isinstance(row, dict)]
        info = tree["FileReferences"].get("DisplayInfo") if isinstance(tree["FileReferences"], dict) else None
        titles = _tree(place.parent / str(info)) if info else {"Parameters": []}
    rows = titles.get("Parameters")
    if not isinstance(rows, list):
        raise AvatarError(
            f"'{place}' lists no Live2D parameters; give a model's .model3.json or .cdi3.json file"
        )
    named = [str(row["Id"]) for row in rows if isinstance(row, dict) and "Id" in row]
    of_groups = {str(row.get("Name")): [str(name) for name in row.get("Ids") or []] for row in groups}
    names = tuple(dict.fromkeys((*named, *(name for ids in of_groups.values() for name in ids))))
    spelled = {_spelled(name): name for name in reversed(names)}
    plays = {row.name: spelled[k] for row in LIVE2D_PARAMETERS if (k := _spelled(row.name)) in spelled}
    for group, standards in _GROUPS.items():
        free = [name for name in of_groups.get(group, ()) if name not in plays.values()]
        for standard in standards:
            if standard not in plays and free:
                plays[standard] = free.pop(0)
    return Live2DParameters(
        names, {row.name: plays[row.name] for row in LIVE2D_PARAMETERS if row.name in plays}
    )


def _spelled(name: str) -> str:
    """Return one spelling for ``ParamMouthOpenY`` and Cubism 2's ``PARAM_MOUTH_OPEN_Y``."""
    return re.sub("[^a-z0-9]", "", name.lower()).removeprefix("param") or name


def _tree(path: Path) -> Mapping[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or error
        raise AvatarError(f"cannot read '{path}': {reason}; keep a Live2D model's files together") from error
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, dict):
        raise AvatarError(f"'{path}' is no JSON table; give a model's .model3.json or .cdi3.json file")
    return tree
