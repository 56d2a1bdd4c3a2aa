"""Where the camera stands: named framings that fit any character and any picture size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, ChannelMap, load_mapping
from rhapsode.avatars.bones import followers
from rhapsode.errors import SettingError

Vector = NDArray[np.float64]

CAMERAS = ("face", "bust", "full")
"""Framings by name; "portrait" is another name for "bust"."""

_ALIASES = {"portrait": "bust", "head": "face", "body": "full"}
FOV_DEG = 22.0
"""Angle of view of the shorter edge of the picture."""

_BELOW_EYES = 0.9  # how far a chin is below the eyes, in heights of the head above them


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Places of a character at rest, in metres.

    Args:
        eyes: (3,) between the eyes.
        chin: (3,) the lowest point of the face.
        top: height of the top of the head, hair included.
        head_width: of head and hair.
        head: (3,) origin of the head bone.
        low: (3,) least corner of everything.
        high: (3,) greatest corner of everything.

    """

    eyes: Vector
    chin: Vector
    top: float
    head_width: float
    head: Vector
    low: Vector
    high: Vector


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera.

    Args:
        position: (3,) metres.
        target: (3,) the point in the middle of the picture.
        fov_deg: angle of view of the shorter edge.

    """

    position: Vector
    target: Vector
    fov_deg: float = FOV_DEG

    def view(self) -> NDArray[np.float64]:
        """Return the (3, 4) matrix from the world to right, up and backward of the camera."""
        back = self.position - self.target
        back = back / np.linalg.norm(back)
        right = np.cross((0.0, 1.0, 0.0), back)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(back, right), back])
        return np.concatenate([axes, -(axes @ self.position)[:, None]], axis=1)

    def focal_pixels(self, width: int, height: int) -> float:
        """Return the focal length in pixels."""
        return min(width, height) / 2 / math.tan(math.radians(self.fov_deg) / 2)

    def orbited(self, yaw_deg: float, pitch_deg: float = 0.0, zoom: float = 1.0) -> Camera:
        """Return the camera moved around its target.

        Args:
            yaw_deg: positive moves it to the character's left, so that its left cheek is seen.
            pitch_deg: positive moves it up.
            zoom: greater than 1 narrows the angle of view.

        """
        yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
        offset = self.position - self.target
        distance = float(np.linalg.norm(offset))
        yaw += math.atan2(offset[0], offset[2])
        pitch = max(-1.5, min(1.5, pitch + math.asin(offset[1] / distance)))
        turned = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
        fov = math.degrees(2 * math.atan(math.tan(math.radians(self.fov_deg) / 2) / max(zoom, 1e-3)))
        return replace(self, position=self.target + turned * distance, fov_deg=fov)


def measure(avatar: Avatar, channels: ChannelMap | None = None) -> Anatomy:
    """Find eyes, chin and head of ``avatar`` from its bones, its morph targets and its outline."""
    head_node = avatar.humanoid.get("head", -1)
    below = _descendants(avatar, head_node)
    channels = load_mapping(avatar) if channels is None else channels
    everything, on_head, by_jaw, by_face = [], [], [], []
    jaw = channels.drives("jawOpen")
    for part in avatar.primitives:
        points = avatar.rest_positions(part)
        everything.append(points)
        if part.skin >= 0 and below:
            owner = np.isin(avatar.skins[part.skin].joints, list(below))
            share = (part.weights * owner[part.joints]).sum(axis=1)
            on_head.append(points[share > 0.5])
        elif part.node in below:
            on_head.append(points)
        for name, row in part.morphs.items():
            by_face.append(points[row.vertices])
            if name in jaw:
                far = np.linalg.norm(row.offsets, axis=1)
                by_jaw.append(points[row.vertices[far > 0.3 * far.max(initial=0)]])
    cloud = np.concatenate(everything)
    face = np.concatenate(by_face) if by_face and sum(map(len, by_face)) else cloud
    head = np.concatenate(on_head) if on_head and sum(map(len, on_head)) else face
    eyes = [
        avatar.rest_world[avatar.humanoid[b]][:3, 3] for b in ("leftEye", "rightEye") if b in avatar.humanoid
    ]
    middle_x = float(np.median(face[:, 0]))
    if eyes:
        between = np.mean(eyes, axis=0)
    else:
        height = face[:, 1].max() - face[:, 1].min()
        between = np.array([middle_x, face[:, 1].min() + 0.62 * height, np.percentile(face[:, 2], 90)])
    shaped = bool(by_jaw)
    if not shaped and channels.jaw is not None:
        by_jaw.append(followers(avatar, channels.jaw.node))
    front = np.concatenate(by_jaw) if by_jaw and sum(map(len, by_jaw)) else face
    chin = front[np.argmin(front[:, 1])].copy()
    if channels.mouth.kind != "channels" and shaped:
        chin[1] = min(chin[1], _lowest_in_front(head, chin, between))
    if not by_jaw and eyes:
        # Lids and brows alone do not reach the chin: the eyes are half way up a head.
        guess = between[1] - _BELOW_EYES * (head[:, 1].max() - between[1])
        chin[1] = min(chin[1], max(guess, head[:, 1].min()))
    chin[0] = between[0]
    near = head[head[:, 1] > chin[1]] if len(head[head[:, 1] > chin[1]]) else head
    origin = avatar.rest_world[head_node][:3, 3] if head_node >= 0 else np.array([middle_x, chin[1], 0.0])
    return Anatomy(
        between,
        chin,
        float(head[:, 1].max()),
        float(np.percentile(near[:, 0], 99.5) - np.percentile(near[:, 0], 0.5)),
        origin,
        cloud.min(axis=0),
        cloud.max(axis=0),
    )


def _lowest_in_front(
    face: NDArray[np.float64], mouth: NDArray[np.float64], between: NDArray[np.float64]
) -> float:
    """Return how low the middle of the face goes, where a mouth opens without its chin, metres.

    The chin ends where the profile falls back, at the latest as far below the mouth as the eyes are above.
    """
    reach = float(between[1] - mouth[1])
    middle = face[np.abs(face[:, 0] - between[0]) < 0.15 * reach]
    lips = middle[np.abs(middle[:, 1] - mouth[1]) < 0.15 * reach, 2]
    ahead = middle[:, 2] > lips.max(initial=mouth[2]) - 0.35 * reach
    low = middle[ahead & (middle[:, 1] > mouth[1] - reach), 1]
    return float(low.min(initial=mouth[1]))


def _descendants(avatar: Avatar, node: int) -> set[int]:
    if node < 0:
        return set()
    found = {node}
    for index in avatar.node_order:
        if avatar.nodes[index].parent in found:
            found.add(index)
    return found


def framing(anatomy: Anatomy, name: str, width: int, height: int) -> Camera:
    """Return the camera that frames a character.

    Args:
        anatomy: of the character.
        name: "face", "bust" (head and shoulders; also "portrait") or "full".
        width: of the picture, pixels.
        height: of the picture, pixels.

    Raises:
        SettingError: no framing has that name.

    """
    name = _ALIASES.get(name, name)
    if name not in CAMERAS:
        raise SettingError(
            f"no camera '{name}', known are: {', '.join(CAMERAS)}, portrait; choose one of these"
        )
    chin, top = float(anatomy.chin[1]), anatomy.top
    tall = max(top - chin, 1e-3)
    if name == "full":
        low, high = float(anatomy.low[1]), float(anatomy.high[1])
        margin = 0.06 * (high - low)
        low, high, wide = low - margin, high + margin, 0.45 * (high - low)
    elif name == "face":
        low, high, wide = chin - 0.16 * tall, top + 0.10 * tall, 1.06 * anatomy.head_width
    else:
        low, high, wide = chin - 0.66 * tall, top + 0.20 * tall, 1.25 * anatomy.head_width
    depth = (float(anatomy.eyes[2]) + float(anatomy.head[2])) / 2
    target = np.array([anatomy.eyes[0], (low + high) / 2, depth])
    per_metre = min(width / wide, height / (high - low))
    distance = min(width, height) / 2 / math.tan(math.radians(FOV_DEG) / 2) / per_metre
    distance += float(anatomy.eyes[2]) - depth
    if height > width and name != "full":
        target[1] -= 0.10 * (height / per_metre - (high - low))
    return Camera(target + np.array([0.0, 0.0, distance]), target)
