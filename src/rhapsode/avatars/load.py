"""From a file to an `Avatar`: its nodes and skins, and the names of what moves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import vrm
from rhapsode.avatars.avatar import Avatar, Material, Node, Skin
from rhapsode.avatars.bones import find_jaw, guess_humanoid
from rhapsode.avatars.gltf import GltfFile
from rhapsode.avatars.materials import material
from rhapsode.avatars.primitives import primitive, smooth_normals
from rhapsode.errors import AvatarError

__all__ = [
    "default_name",
    "load",
    "locate",
    "names",
    "quaternion",
    "smooth_normals",
    "target_names",
]

DATA = Path(__file__).parent / "data"
SUFFIXES = (".vrm", ".glb", ".gltf")
DEFAULT = "mira"


def names() -> tuple[str, ...]:
    """Return the names of the avatars that come with the product, the default one first."""
    found = sorted(path.stem for path in DATA.glob("*.vrm"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def default_name() -> str:
    """Return the name of the avatar that is taken when none is asked for."""
    return DEFAULT


def locate(avatar: str | Path) -> Path:
    """Return the file of an avatar given by name or path.

    Raises:
        AvatarError: there is none.

    """
    path = Path(avatar)
    if isinstance(avatar, str) and path.name == avatar and not path.suffix:
        shipped = DATA / f"{avatar}.vrm"
        if shipped.is_file():
            return shipped
        if not path.exists():
            known = ", ".join(names()) or "none"
            raise AvatarError(
                f"no avatar '{avatar}', known are: {known}; give one of these or the path of a file"
            )
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise AvatarError(
            f"cannot read avatar '{path}': got {found}, expected a file; give a .vrm, .glb or .gltf file"
        )
    return path


def load(avatar: str | Path, *, need_morphs: bool = True) -> Avatar:
    """Read an avatar.

    Args:
        avatar: the name of a shipped avatar ("mira"), or the path of a .vrm (0.x or 1.0), .glb or .gltf file.
        need_morphs: refuse a file without morph targets and without a jaw bone, for its face cannot move.

    Raises:
        AvatarError: no such file, not a glTF, cut short, damaged, compressed, nothing to draw, or no
            morph targets or jaw.

    Example:
        mira = load("mira")
        mira.morph_names

    """
    path = locate(avatar)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AvatarError(
            f"cannot read avatar '{path}': {error.strerror or error}; check its permissions"
        ) from error
    file = GltfFile(path, data)
    try:
        loaded = _build(file, hashlib.sha256(data).hexdigest())
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise file.broken(f"{type(error).__name__}: {error}") from error
    if not loaded.primitives:
        raise AvatarError(
            f"'{path}' holds no triangles, expected a character; export it with its meshes (nothing to draw)"
        )
    if need_morphs and not loaded.morph_names and find_jaw(loaded) is None:
        raise AvatarError(
            f"'{path}' has no morph targets and no jaw bone, got {len(loaded.primitives)} rigid primitives, "
            "expected blendshapes such as jawOpen; export it with its shape keys"
        )
    return loaded


def _build(file: GltfFile, sha256: str) -> Avatar:
    tree = file.json
    targets = dict(enumerate(target_names(tree)))
    materials = [material(file, index) for index in range(len(tree.get("materials", [])))]
    materials.append(Material("default", np.ones(4, np.float32)))
    nodes = _nodes(file)
    skins = tuple(_skin(file, index) for index in range(len(tree.get("skins", []))))
    primitives = []
    for node, row in enumerate(tree.get("nodes", [])):
        if "mesh" not in row:
            continue
        mesh = file.item("meshes", row["mesh"])
        for part in mesh["primitives"]:
            made = primitive(
                file,
                part,
                targets[row["mesh"]],
                node=node,
                name=mesh.get("name", ""),
                skin=row.get("skin", -1),
                last=len(materials) - 1,
            )
            if made is not None:
                primitives.append(made)
    own = _own_extras(tree)
    return Avatar(
        file.path.stem,
        nodes,
        tuple(primitives),
        tuple(materials),
        skins,
        vrm.humanoid(tree) or guess_humanoid(nodes, {int(j) for skin in skins for j in skin.joints}),
        vrm.expressions(tree, targets),
        {str(k): float(v) for k, v in _first(own, "rest", "restPose", "rest_pose").items()},
        {str(k): float(v) for k, v in _first(own, "limits").items()},
        own,
        vrm.meta(tree),
        sha256,
    )


def _own_extras(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``extras.rhapsode`` blocks of the file, its asset and its scenes in one dictionary."""
    found: dict[str, Any] = {}
    for holder in (*tree.get("scenes", []), tree["asset"], tree):
        found.update((holder.get("extras") or {}).get("rhapsode", {}))
    return found


def _first(own: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    return next((own[key] for key in keys if isinstance(own.get(key), Mapping)), {})


def target_names(tree: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the morph target names of every mesh of a glTF.

    Targets that the file does not name are called morph_0, morph_1 and so on; in a second mesh of this kind
    the name of the mesh comes before that, for they need not be the same shapes.
    """
    made: list[tuple[str, ...]] = []
    taken = False
    for number, mesh in enumerate(tree.get("meshes", [])):
        holders = [mesh, *mesh["primitives"]]
        found = (names for row in holders if (names := (row.get("extras") or {}).get("targetNames")))
        listed: list[Any] = next(found, [])
        count = max(len(part.get("targets", [])) for part in mesh["primitives"])
        names = [str(name) for name in listed][:count]
        unnamed = [n for n in range(count) if n >= len(names) or not names[n].strip()]
        prefix = f"{mesh.get('name') or f'mesh_{number}'}_" if taken else ""
        for n in unnamed:
            names[n : n + 1] = [f"{prefix}morph_{n}"]
        taken = taken or bool(unnamed)
        made.append(_distinct(names))
    return made


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return ``names`` with numbers behind those that come again."""
    made: list[str] = []
    for name in names:
        again = sum(other == name for other in names[: len(made)])
        made.append(f"{name}_{again + 1}" if again else name)
    return tuple(made)


def _nodes(file: GltfFile) -> tuple[Node, ...]:
    rows = file.json.get("nodes", [])
    parents = [-1] * len(rows)
    for index, row in enumerate(rows):
        for child in row.get("children", []):
            parents[child] = index
    nodes = [_node(row, parent) for row, parent in zip(rows, parents, strict=True)]
    if vrm.version(file.json) == 0:
        turned = np.array([0, 1, 0, 0], np.float32)
        root = Node("turned", -1, np.zeros(3, np.float32), turned, np.ones(3, np.float32))
        count = len(nodes)
        nodes = [
            Node(n.name, count if n.parent < 0 else n.parent, n.translation, n.rotation, n.scale)
            for n in nodes
        ]
        nodes.append(root)
    for start in range(len(nodes)):
        node = start
        for _ in range(len(nodes) + 1):
            node = nodes[node].parent
            if node < 0:
                break
        else:
            raise file.broken(f"node {start} is its own ancestor")
    return tuple(nodes)


def _node(row: Mapping[str, Any], parent: int) -> Node:
    name = str(row.get("name", ""))
    if "matrix" in row:
        matrix = np.array(row["matrix"], np.float64).reshape(4, 4).T
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        if np.linalg.det(matrix[:3, :3]) < 0:
            scale[0] *= -1
        turn = quaternion(matrix[:3, :3] / np.where(scale == 0, 1, scale))
        return Node(
            name, parent, matrix[:3, 3].astype(np.float32), turn.astype(np.float32), scale.astype(np.float32)
        )
    return Node(
        name,
        parent,
        np.array(row.get("translation", (0, 0, 0)), np.float32),
        np.array(row.get("rotation", (0, 0, 0, 1)), np.float32),
        np.array(row.get("scale", (1, 1, 1)), np.float32),
    )


def quaternion(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit quaternion x, y, z, w of a 3 x 3 rotation matrix (Shepperd 1978)."""
    trace = np.trace(matrix)
    squares = np.array([*(1 + 2 * np.diag(matrix) - trace), 1 + trace])
    axis = int(np.argmax(squares))
    half = np.sqrt(max(squares[axis], 1e-12))
    skew = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    if axis == 3:
        return np.append(skew / half, half) / 2
    result = np.zeros(4)
    for other in range(3):
        result[other] = (matrix[axis, other] + matrix[other, axis]) / half
    result[axis], result[3] = half, skew[axis] / half
    return result / 2


def _skin(file: GltfFile, index: int) -> Skin:
    row = file.item("skins", index)
    joints = np.array(row["joints"], np.int32)
    if "inverseBindMatrices" in row:
        flat = file.accessor(row["inverseBindMatrices"]).astype(np.float32)
        inverse = flat.reshape(-1, 4, 4).transpose(0, 2, 1)
    else:
        inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    if len(inverse) < len(joints):
        raise file.broken(f"skin {index} has {len(joints)} joints and {len(inverse)} bind matrices")
    return Skin(joints, np.ascontiguousarray(inverse[: len(joints)]))
