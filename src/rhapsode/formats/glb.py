"""The avatar with a baked performance, as one binary glTF: morph weights of the face, turns of head and eyes.

Everything in the avatar's file stays (VRM extensions, textures, names); an animation called "rhapsode" is
added: one "weights" channel for each node whose mesh has morph targets (output SCALAR, frames x targets, in
the order of that mesh's targets) and "rotation" channels for the neck, the head and, where no eyeLook shapes
move them, the eyes, and for the jaw where a bone opens the mouth. A performance with a motion turns all
bones and moves the hips; without one, arms of a T-pose are lowered by single keys. glTF has no sound. Source:
Khronos glTF 2.0, sections 3.11 (animations) and 4 (GLB).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.avatars import default_name, load, load_mapping, locate, target_names
from rhapsode.avatars.gltf import GltfFile
from rhapsode.formats.body import BodyTurns
from rhapsode.formats.glb_merge import Animation, merged
from rhapsode.formats.kept import Kept
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Float32

ANIMATION = "rhapsode"


class GlbWriter(Kept):
    """Keeps the face on the disk and bakes it at the end; see `rhapsode.formats.registry.Writer`.

    Raises:
        AvatarError: the avatar cannot be read, or has no morph targets.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        given = options.avatar if options.avatar is not None else default_name()
        self._avatar = load(given)
        source = locate(given)
        self._source = GltfFile(source, source.read_bytes())
        self._channels = load_mapping(self._avatar)
        super().__init__(path)

    def close(self) -> None:
        """Write the avatar with its animation."""
        tree, binary = merged(self._source)
        animation = Animation(tree, ANIMATION, len(binary))
        if self._face.rows:
            self._bake(tree, animation)
        with self._path.open("wb") as out:
            animation.write(out, binary)
        self.abort()

    def _bake(self, tree: dict[str, Any], animation: Animation) -> None:
        count = self._face.rows
        times = animation.times(count, self._rate)
        made: dict[tuple[Any, ...], int] = {}
        for node, names, rest in morph_nodes(tree):
            key = (names, tuple(rest))
            if key not in made:
                weights = partial(self._weights, names, rest)
                made[key] = animation.accessor(weights, "SCALAR", count * len(names))
            animation.channel(node, "weights", times, made[key])
        turns = BodyTurns(self._avatar, self._motion, self._channels)
        for node in (*turns.nodes.values(), *turns.still):
            self._give_up_matrix(tree, node)
        animation.turns(turns, self._face, self._rate, times)

    def _weights(self, names: tuple[str, ...], rest: Float32) -> Iterator[Float32]:
        """Yield (n, targets) weights in the order of ``names``; what no channel moves stays at rest."""
        known = self._channels.morphs
        moved = set(np.flatnonzero(np.abs(self._channels.matrix).sum(axis=0)))
        places = [known.index(name) if name in known else -1 for name in names]
        plays = [place in moved for place in places]
        for face in self._face.blocks():
            yield np.where(plays, self._channels.morph_weights(face)[:, places], rest)

    def _give_up_matrix(self, tree: dict[str, Any], index: int) -> None:
        """Write a node's matrix as translation, rotation and scale: an animated node may have no matrix."""
        row = tree["nodes"][index]
        if row.pop("matrix", None) is not None:
            node = self._avatar.nodes[index]
            row["translation"], row["scale"] = node.translation.tolist(), node.scale.tolist()
            row["rotation"] = node.rotation.tolist()


def morph_nodes(tree: dict[str, Any]) -> Iterator[tuple[int, tuple[str, ...], Float32]]:
    """Yield each node with morph targets: its index, their names, and their weights at rest."""
    named = target_names(tree)
    for index, node in enumerate(tree.get("nodes", [])):
        names = named[node["mesh"]] if "mesh" in node else ()
        if not names:
            continue
        rest = node.get("weights") or tree["meshes"][node["mesh"]].get("weights") or [0.0] * len(names)
        yield index, names, np.array(rest, np.float32)
