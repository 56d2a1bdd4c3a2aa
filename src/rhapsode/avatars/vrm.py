"""What VRM 0.x and 1.0 add to glTF: humanoid bones, expressions, the direction of view, meta data.

Sources: VRMC_vrm-1.0 and the VRM 0.x specification (vrm-c/vrm-specification). Names are given as VRM 1.0
spells them, whichever version the file has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rhapsode.avatars.avatar import Expression
from rhapsode.rigs.vrm import VRM0_TO_VRM1

_THUMB_0 = {"ThumbProximal": "ThumbMetacarpal", "ThumbIntermediate": "ThumbProximal"}

MeshTargets = Mapping[int, tuple[str, ...]]
"""Morph target names by mesh index."""


def version(tree: Mapping[str, Any]) -> int | None:
    """Return 0 or 1 for a VRM file, None for a plain glTF."""
    extensions = tree.get("extensions", {})
    return 1 if "VRMC_vrm" in extensions else 0 if "VRM" in extensions else None


def humanoid(tree: Mapping[str, Any]) -> dict[str, int]:
    """Return node indices by VRM 1.0 humanoid bone name; empty for a plain glTF."""
    extensions = tree.get("extensions", {})
    if "VRMC_vrm" in extensions:
        bones = extensions["VRMC_vrm"].get("humanoid", {}).get("humanBones", {})
        return {name: int(bone["node"]) for name, bone in bones.items()}
    rows = extensions.get("VRM", {}).get("humanoid", {}).get("humanBones", [])
    return {_bone_name(row["bone"]): int(row["node"]) for row in rows if row.get("node", -1) >= 0}


def _bone_name(old: str) -> str:
    side = "left" if old.startswith("left") else "right"
    return side + _THUMB_0[old.removeprefix(side)] if old.removeprefix(side) in _THUMB_0 else old


def expressions(tree: Mapping[str, Any], targets: MeshTargets) -> dict[str, Expression]:
    """Return the expressions of the file by name; binds to targets that do not exist are left out."""
    extensions = tree.get("extensions", {})
    if "VRMC_vrm" in extensions:
        return _expressions_1(tree, extensions["VRMC_vrm"].get("expressions") or {}, targets)
    groups = extensions.get("VRM", {}).get("blendShapeMaster", {}).get("blendShapeGroups", [])
    found = {}
    for group in groups:
        preset = VRM0_TO_VRM1.get(str(group.get("presetName", "")).lower())
        binds = [
            (targets[bind["mesh"]][bind["index"]], min(float(bind.get("weight", 100)) / 100, 1.0))
            for bind in group.get("binds") or []
            if 0 <= bind.get("index", -1) < len(targets.get(bind.get("mesh"), ()))
        ]
        name = preset or str(group.get("name", ""))
        found[name] = Expression(name, tuple(dict(binds).items()), preset is not None)
    return found


def _expressions_1(
    tree: Mapping[str, Any], table: Mapping[str, Any], targets: MeshTargets
) -> dict[str, Expression]:
    nodes, found = tree.get("nodes", []), {}
    for kind in ("custom", "preset"):
        for name, row in (table.get(kind) or {}).items():
            binds: dict[str, float] = {}
            for bind in row.get("morphTargetBinds") or []:
                node = bind.get("node", -1)
                mesh = nodes[node].get("mesh", -1) if 0 <= node < len(nodes) else -1
                names = targets.get(mesh, ())
                if 0 <= bind.get("index", -1) < len(names):
                    binds[names[bind["index"]]] = float(bind.get("weight", 1.0))
            found[name] = Expression(name, tuple(binds.items()), kind == "preset")
    return found


def toon_shade(tree: Mapping[str, Any], index: int) -> tuple[float, float, float] | None:
    """Return the linear shade colour of material ``index`` if it is MToon, else None."""
    material = tree["materials"][index]
    mtoon = material.get("extensions", {}).get("VRMC_materials_mtoon")
    if mtoon is not None:
        red, green, blue = mtoon.get("shadeColorFactor", (1.0, 1.0, 1.0))
        return float(red), float(green), float(blue)
    rows = tree.get("extensions", {}).get("VRM", {}).get("materialProperties", [])
    row = rows[index] if index < len(rows) else {}
    if "MToon" not in str(row.get("shader", "")):
        return None
    shade = row.get("vectorProperties", {}).get("_ShadeColor", (0.97, 0.81, 0.86, 1.0))
    red, green, blue = (float(part) ** 2.2 for part in shade[:3])
    return red, green, blue


def meta(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the meta data of the file: a VRM's own, or the asset block of a plain glTF."""
    extensions = tree.get("extensions", {})
    block = extensions.get("VRMC_vrm", extensions.get("VRM", {})).get("meta")
    return dict(block or {k: v for k, v in tree.get("asset", {}).items() if k in ("copyright", "generator")})
