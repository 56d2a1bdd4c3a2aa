"""Characters of every making, and what the renderer and plain numpy make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar
from rhapsode.avatars.avatar import compose
from rhapsode.performance import Curves, Motion, Performance
from rhapsode.render.actor import Actor
from rhapsode.render.textures import pack_textures
from rhapsode.rigs import FACE
from rhapsode.rotations import turn
from tests.avatars.faces import FIVE, MMD, SMILE, figure
from tests.avatars.make import Builder

BUILDERS: dict[str, Callable[[], Builder]] = {
    "five vowels": lambda: figure(FIVE),
    "jaw alone": lambda: figure({"smile": SMILE}, jaw="Jaw_M"),
    "mmd": lambda: figure(MMD),
    "drawn eyes": lambda: figure(FIVE, eyes_behind=0.1),
    "no eyes": lambda: figure(FIVE, eyes=False),
}


def boneless() -> Builder:
    """Return a character of meshes alone, on nodes that no one knows as bones."""
    made = figure({"jawOpen": {"jawOpen": 1.0}, **FIVE}, eyes=False)
    made.gltf.skins = []
    for number, node in enumerate(made.gltf.nodes):
        node.skin = None
        node.name = f"part {number}"
    return made


def speech(frames: int = 20, *, motion: bool = True) -> Performance:
    """Return a mouth that opens and closes, head, eyes and, if asked, a body that moves them too."""
    values = np.zeros((frames, len(FACE)), np.float32)
    phase = np.linspace(0, 2 * np.pi, frames)
    for name, size, shift in (
        ("jawOpen", 0.6, 0.0),
        ("mouthClose", 0.4, 2.5),
        ("mouthFunnel", 0.5, 1.0),
        ("mouthPucker", 0.4, 2.0),
        ("mouthStretchLeft", 0.3, 3.0),
        ("eyeBlinkLeft", 1.0, 1.5),
        ("jawLeft", 0.4, 0.7),
    ):
        values[:, FACE.index(name)] = size * (0.5 - 0.5 * np.cos(phase + shift))
    rng = np.random.default_rng(3)
    for number, name in enumerate(FACE.channels[52:]):
        values[:, 52 + number] = 0.3 * np.sin(phase + number) if "Roll" not in name else 0.05
    values[-3:, [FACE.index("eyeLookInLeft"), FACE.index("eyeLookOutRight")]] = 0.5
    values[-3:, 55:] = 0.0
    curves = Curves(FACE.channels, values, Fraction(50))
    if not motion:
        return Performance(curves)
    joints = ("hips", "head", "leftEye", "jaw")
    turns = turn(rng.uniform(-0.2, 0.2, (frames, len(joints), 3))).astype(np.float32)
    still = np.zeros((frames, 3), np.float32)
    return Performance(curves, motion=Motion(joints, turns, still, Fraction(50)))


def rendered(avatar: Avatar, take: Performance, frame: int) -> list[NDArray[np.float32]]:
    """Return the points of every primitive as the renderer moves them."""
    actor = Actor(avatar, pack_textures([]))
    body = None
    if take.motion is not None:
        body = dict(zip(take.motion.joints, take.motion.rotations[frame], strict=True))
    still = np.zeros(16)
    still[[0, 5, 10]] = still[12] = 1.0
    still[15] = 0.02
    actor.move(take.face.values[frame], still, _each, 1, body=body)
    found, done = [], 0
    for part in avatar.primitives:
        count = len(part.positions)
        points = np.full((count, 3), np.nan, np.float32)
        used = np.unique(part.triangles)
        points[used] = actor.moved[done : done + len(used), :3]
        done += len(used)
        # The renderer leaves out what no triangle has.
        found.append(points)
    assert done == len(actor.moved)
    return found


def _each(job: Callable[[int], None], parts: int) -> None:
    for part in range(parts):
        job(part)


def skinned(
    avatar: Avatar, shapes: Mapping[str, float], turned: Mapping[int, Sequence[float]]
) -> list[NDArray[np.float64]]:
    """Return the points of every primitive in the world, by the rules of glTF.

    Args:
        avatar: whose points are asked for.
        shapes: weights by morph target.
        turned: local rotations x, y, z, w by node; other nodes are at rest.

    """
    world = np.zeros((len(avatar.nodes), 4, 4))
    for index in avatar.node_order:
        node = avatar.nodes[index]
        local = compose(node.translation, turned.get(index, node.rotation), node.scale)
        world[index] = local if node.parent < 0 else world[node.parent] @ local
    found: list[NDArray[np.float64]] = []
    for part in avatar.primitives:
        points = part.positions.astype(np.float64)
        for name, morph in part.morphs.items():
            points[morph.vertices] += shapes[name] * morph.offsets
        points = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        if part.skin < 0:
            found.append((points @ world[part.node].T)[:, :3])
            continue
        skin = avatar.skins[part.skin]
        joint = world[skin.joints] @ skin.inverse_bind
        found.append(np.einsum("vk,vkij,vj->vi", part.weights, joint[part.joints], points)[:, :3])
    return found


def same(ours: Sequence[NDArray[np.float32]], theirs: Sequence[NDArray[np.float64]]) -> None:
    """Check that the renderer's points, where it has them, are those of a file."""
    for left, right in zip(ours, theirs, strict=True):
        seen = np.isfinite(left[:, 0])
        assert seen.sum() > 10 or len(seen) <= 10
        np.testing.assert_allclose(left[seen], right[seen], atol=2e-5)
