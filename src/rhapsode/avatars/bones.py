"""Which bones carry the head, the jaw and the eyes, and how far the jaw may turn: names, held to geometry.

A bone counts for the jaw or an eye only if vertices follow it. Files of VRM 0.x often declare a lock of hair
as the jaw, because Unity guesses it; so a jaw must also lie low in the face and in front of its pivot.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.avatar import Avatar, Node
from rhapsode.avatars.names import BONES
from rhapsode.avatars.spelling import Index

Float64 = NDArray[np.float64]

_CHIN_DROP = 0.25  # of the height from chin to eyes: what jawOpen at 1 lowers the chin on a real head
_EYE_DEPTH = 0.3  # how far a real iris is in front of its pivot, in distances of the eyes
_SIDEWAYS = 0.25  # of the angle that opens the jaw
_LEAST_RAD, _MOST_RAD = math.radians(6), math.radians(32)
_USUAL_RAD = math.radians(18)


@dataclass(frozen=True)
class Jaw:
    """A bone that opens the mouth.

    Args:
        node: index of the node.
        open_rad: how far it turns down where jawOpen is 1, radians.
        side_rad: how far it turns to a side where jawLeft or jawRight is 1, radians.

    """

    node: int
    open_rad: float
    side_rad: float


def guess_humanoid(nodes: Sequence[Node], joints: Collection[int] = ()) -> dict[str, int]:
    """Return node indices by VRM 1.0 bone name, found by what programs usually call them.

    Of nodes of one name those in ``joints`` of a skin come first. The jaw is left out: see `find_jaw`.
    """
    order = sorted(range(len(nodes)), key=lambda number: number not in joints)
    index, place = Index(nodes[number].name for number in order), {}
    for number in reversed(order):
        place[nodes[number].name] = number
    found = {}
    for bone, spellings in BONES.items():
        names = next((match for word in spellings if (match := index.find(word))), ())
        if names and bone != "jaw":
            found[bone] = place[names[0]]
    return found


def followers(avatar: Avatar, node: int) -> Float64:
    """Return the vertices that follow ``node`` or its descendants by more than half, (N, 3) m at rest."""
    below = {node}
    for index in avatar.node_order:
        if avatar.nodes[index].parent in below:
            below.add(index)
    found = []
    for part in avatar.primitives:
        if part.skin >= 0:
            mine = np.isin(avatar.skins[part.skin].joints, list(below))
            if mine.any():
                share = (part.weights * mine[part.joints]).sum(axis=1)
                found.append(avatar.rest_positions(part)[share > 0.5])
        elif part.node in below:
            found.append(avatar.rest_positions(part))
    return np.concatenate(found) if found else np.zeros((0, 3))


def find_eyes(avatar: Avatar) -> dict[str, int]:
    """Return the nodes of "leftEye" and "rightEye" if turning them turns something, else nothing."""
    found = {bone: avatar.humanoid[bone] for bone in ("leftEye", "rightEye") if bone in avatar.humanoid}
    works = len(found) == 2 and all(len(followers(avatar, node)) for node in found.values())
    return found if works else {}


def eye_gain(avatar: Avatar, eyes: Mapping[str, int]) -> float:
    """Return the share of a real eye's turn that moves irises as far, in distances of the eyes.

    Drawn eyes are flat and turn about a point far behind them: a real turn would carry them out of the face.
    """
    places = {bone: avatar.rest_world[node][:3, 3] for bone, node in eyes.items()}
    apart = float(np.linalg.norm(places["leftEye"] - places["rightEye"]))
    deep = max(float(followers(avatar, eyes[bone])[:, 2].max() - place[2]) for bone, place in places.items())
    return min(1.0, _EYE_DEPTH * apart / deep) if deep > 0 and apart > 0 else 1.0


def find_jaw(avatar: Avatar) -> Jaw | None:
    """Return the bone that opens the mouth, or None: the one declared, else one of a usual name."""
    index = Index(node.name for node in avatar.nodes)
    named = [name for word in BONES["jaw"] for name in index.find(word)]
    nodes = [avatar.humanoid.get("jaw", -1)]
    nodes += [number for name in named for number, node in enumerate(avatar.nodes) if node.name == name]
    return next((jaw for node in nodes if node >= 0 and (jaw := measure_jaw(avatar, node))), None)


def measure_jaw(avatar: Avatar, node: int) -> Jaw | None:
    """Return how ``node`` opens the mouth, from where its vertices are; None if that is no jaw."""
    points = followers(avatar, node)
    if len(points) < 3:
        return None
    pivot = avatar.rest_world[node][:3, 3]
    head = followers(avatar, avatar.humanoid["head"]) if "head" in avatar.humanoid else np.zeros((0, 3))
    cloud = (
        head
        if len(head) > len(points)
        else np.concatenate([avatar.rest_positions(p) for p in avatar.primitives])
    )
    middle = 0.5 * (cloud[:, 1].min() + cloud[:, 1].max()) if len(head) > len(points) else math.inf
    eyes = [
        avatar.rest_world[avatar.humanoid[b]][1, 3] for b in ("leftEye", "rightEye") if b in avatar.humanoid
    ]
    level = float(np.mean(eyes)) if eyes else middle
    if float(np.median(points[:, 1])) > level or float(points[:, 2].max()) <= pivot[2]:
        return None
    front = points[points[:, 2] >= np.percentile(points[:, 2], 60)]
    chin = front[np.argmin(front[:, 1])]
    lever = float(np.hypot(chin[1] - pivot[1], chin[2] - pivot[2]))
    if not math.isfinite(level) or lever <= 0:
        return Jaw(node, _USUAL_RAD, _USUAL_RAD * _SIDEWAYS)
    height = level - float(chin[1])
    sine = min(_CHIN_DROP * height / lever, 1.0)
    turn = min(max(math.asin(sine), _LEAST_RAD), _MOST_RAD)
    return Jaw(node, turn, turn * _SIDEWAYS)


def bone_nodes(avatar: Avatar) -> Mapping[str, int]:
    """Return the nodes of the bones that bear the head, by name."""
    return {bone: avatar.humanoid[bone] for bone in ("head", "neck") if bone in avatar.humanoid}
