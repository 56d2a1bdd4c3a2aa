"""BVH (Biovision Hierarchy): a skeleton and its motion as text, for Blender, Maya, MotionBuilder and others.

The joints have the names of VRM's humanoid bones, the axes of the world and a T-pose at rest; the unit is the
centimetre. Every joint has the channels Yrotation Xrotation Zrotation, so that its matrix is Y X Z, in
degrees; the hips also have their position. A performance with a motion gives all of it, and the head and eye
angles come on top; without one the arms hang down. BVH holds no face: eyes are joints.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, load
from rhapsode.errors import FormatError
from rhapsode.formats.body import BodyTurns
from rhapsode.formats.kept import Kept
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.stand_in import BONES, bones_for, stand_in
from rhapsode.performance import Float32
from rhapsode.rotations import angles_of

PER_METRE = 100.0
"""Units of the file in a metre."""

_BLOCK = 4096


class BvhWriter(Kept):
    """Keeps face and motion on the disk and writes them at the end; see `rhapsode.formats.registry.Writer`.

    Raises:
        AvatarError: the avatar of the options, whose proportions the file gets, cannot be read.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._avatar = None if options.avatar is None else load(options.avatar, need_morphs=False)
        super().__init__(path)

    def close(self) -> None:
        """Write the file."""
        if not self._face.rows:
            raise FormatError(
                "a BVH file needs at least one frame, got an empty performance; give some sound"
            )
        bones = bones_for(self._motion.joints)
        body = stand_in(bones, None if self._avatar is None else places_of(self._avatar, bones))
        turns = BodyTurns(body, self._motion)
        with self._path.open("w", encoding="ascii", newline="\n") as out:
            _write_hierarchy(out, body)
            out.write(f"MOTION\nFrames: {self._face.rows}\nFrame Time: {1 / self._rate:.9f}\n")
            self._write_rows(out, body, turns)
        self.abort()

    def _write_rows(self, out: TextIO, body: Avatar, turns: BodyTurns) -> None:
        columns: dict[str, Iterator[NDArray[np.float64]]] = {
            bone: _degrees(turns.rotations(bone, self._faces(), self._rate)) for bone in turns.nodes
        }
        still = {body.nodes[node].name: rotation for node, rotation in turns.still.items()}
        fixed = {bone: _euler(rotation[None]) for bone, rotation in still.items()}
        hips = turns.hips(map(len, self._faces()), self._rate) if turns.moves_hips else None
        order = [body.nodes[node].name for node in body.node_order]
        for face in self._faces():
            count = len(face)
            place = next(hips) if hips is not None else np.tile(body.nodes[0].translation, (count, 1))
            parts = [place.astype(np.float64) * PER_METRE]
            for bone in order:
                nothing = fixed.get(bone, np.zeros((1, 3)))
                parts.append(next(columns[bone]) if bone in columns else np.repeat(nothing, count, axis=0))
            rows = np.concatenate(parts, axis=1) + 0.0
            line = " ".join(["%.6f"] * rows.shape[1]) + "\n"
            out.writelines(line % tuple(row) for row in rows.tolist())

    def _faces(self) -> Iterator[Float32]:
        for begin in range(0, self._face.rows, _BLOCK):
            yield self._face.read(begin, min(begin + _BLOCK, self._face.rows))


def places_of(avatar: Avatar, bones: tuple[str, ...]) -> dict[str, tuple[float, float, float]] | None:
    """Return where ``bones`` are relative to their parents in ``avatar``, in metres; None without hips.

    A bone that the avatar lacks is where its parent is.
    """
    if "hips" not in avatar.humanoid:
        return None
    world = {"": np.zeros(3)}
    made: dict[str, tuple[float, float, float]] = {}
    for bone in bones:
        above = world[BONES[bone][0]]
        node = avatar.humanoid.get(bone)
        world[bone] = above if node is None else avatar.rest_world[node][:3, 3]
        x, y, z = (world[bone] - above).tolist()
        made[bone] = (x, y, z)
    return made


def _euler(rotations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the degrees about Y, X and Z, (n, 3), of quaternions (n, 4)."""
    yaw, pitch, roll = np.degrees(angles_of(rotations.astype(np.float64))).T
    return np.stack([-yaw, pitch, roll], axis=1)


def _degrees(blocks: Iterator[Float32]) -> Iterator[NDArray[np.float64]]:
    """Yield degrees whose steps stay below half a turn, so that values between two frames make sense."""
    last: NDArray[np.float64] | None = None
    for block in blocks:
        made = _euler(block)
        joined = made if last is None else np.concatenate([last, made])
        joined = np.unwrap(joined, axis=0, period=360.0)
        made = joined[-len(block) :]
        last = made[-1:]
        yield made


def _write_hierarchy(out: TextIO, body: Avatar) -> None:
    out.write("HIERARCHY\n")
    depths: dict[int, int] = {-1: -1}
    parents = {node.parent for node in body.nodes}
    open_joints = 0
    for index in body.node_order:
        node = body.nodes[index]
        depth = depths[index] = depths[node.parent] + 1
        while open_joints > depth:
            open_joints -= 1
            out.write("\t" * open_joints + "}\n")
        tab, open_joints = "\t" * depth, depth + 1
        x, y, z = (float(part) * PER_METRE + 0.0 for part in node.translation)
        place = "" if depth else "Xposition Yposition Zposition "
        out.write(f"{tab}{'JOINT' if depth else 'ROOT'} {node.name}\n{tab}{{\n")
        out.write(f"{tab}\tOFFSET {x:.6f} {y:.6f} {z:.6f}\n")
        out.write(f"{tab}\tCHANNELS {3 if depth else 6} {place}Yrotation Xrotation Zrotation\n")
        if index not in parents:
            out.write(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_end(node.name)}\n{tab}\t}}\n")
    for depth in reversed(range(open_joints)):
        out.write("\t" * depth + "}\n")


def _end(bone: str) -> str:
    """Return where the bone that has no child ends."""
    if bone == "head":
        return "0.000000 18.000000 0.000000"
    side = 1 if bone.startswith("left") else -1
    if bone.endswith(("Eye", "Toes", "Foot", "jaw")):
        return "0.000000 0.000000 3.000000"
    return f"{side * 3:.6f} 0.000000 0.000000"
