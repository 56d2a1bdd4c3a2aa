"""A glTF file as one JSON tree and one binary chunk, and both written as a .glb."""

from __future__ import annotations

import base64
import copy
import json
import mimetypes
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import unquote

import numpy as np

from rhapsode.avatars.gltf import GltfFile
from rhapsode.errors import AvatarError
from rhapsode.formats.body import BodyTurns
from rhapsode.formats.spill import Spill
from rhapsode.performance import Float32

_FLOAT = 5126
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def merged(source: GltfFile) -> tuple[dict[str, Any], bytes]:
    """Return the tree and the binary chunk of ``source``, with outside buffers and pictures taken in.

    Raises:
        AvatarError: a file that it needs is missing.

    """
    tree: dict[str, Any] = copy.deepcopy(source.json)
    binary = bytearray()
    starts = []
    for index, buffer in enumerate(tree.get("buffers", [])):
        starts.append(_pad(binary))
        binary += bytes(source._buffer(index))[: buffer["byteLength"]]
    for view in tree.get("bufferViews", []):
        view["byteOffset"] = view.get("byteOffset", 0) + starts[view.get("buffer", 0)]
        view["buffer"] = 0
    for image in tree.get("images", []):
        if "uri" in image:
            _take_in(source, tree, binary, image)
    _pad(binary)
    tree["buffers"] = [{"byteLength": len(binary)}]
    return tree, bytes(binary)


def _take_in(source: GltfFile, tree: dict[str, Any], binary: bytearray, image: dict[str, Any]) -> None:
    uri = image.pop("uri")
    if uri.startswith("data:"):
        data, kind = base64.b64decode(uri.partition(",")[2]), uri[5:].partition(";")[0]
    else:
        beside = source.path.parent / unquote(uri)
        try:
            data, kind = beside.read_bytes(), mimetypes.guess_type(beside.name)[0] or "image/png"
        except OSError as error:
            raise AvatarError(
                f"'{source.path}' needs '{uri}' beside it, got {error.strerror or error}; "
                "keep the files together or export as .glb"
            ) from error
    start = _pad(binary)
    binary += data
    views = tree.setdefault("bufferViews", [])
    views.append({"buffer": 0, "byteOffset": start, "byteLength": len(data)})
    image.update(bufferView=len(views) - 1, mimeType=image.get("mimeType", kind))


def _pad(binary: bytearray) -> int:
    """Fill ``binary`` up to a multiple of 4 and return its length."""
    binary += bytes(-len(binary) % 4)
    return len(binary)


class Animation:
    """An animation and its numbers, added to a tree; the numbers are made only when they are written.

    Args:
        tree: of the file; accessors and buffer views are appended to it.
        name: of the animation.
        offset: bytes of the binary chunk so far, a multiple of 4.

    """

    def __init__(self, tree: dict[str, Any], name: str, offset: int) -> None:
        self._tree = tree
        self.size = offset
        self._pieces: list[Callable[[], Iterable[Float32]]] = []
        self._row: dict[str, Any] = {"name": name, "samplers": [], "channels": []}

    def accessor(
        self, make: Callable[[], Iterable[Float32]], kind: str, count: int, **limits: list[float]
    ) -> int:
        """Append an accessor of ``count`` float32 elements and return its index.

        Args:
            make: gives the numbers in blocks, when the file is written.
            kind: "SCALAR", "VEC3" or "VEC4".
            count: of elements.
            **limits: ``min`` and ``max``, which the specification asks of key times.

        """
        views, accessors = self._tree.setdefault("bufferViews", []), self._tree.setdefault("accessors", [])
        size = 4 * _WIDTHS[kind] * count
        views.append({"buffer": 0, "byteOffset": self.size, "byteLength": size})
        row = {"bufferView": len(views) - 1, "componentType": _FLOAT, "count": count, "type": kind}
        accessors.append({**row, **limits})
        self._pieces.append(make)
        self.size += size
        return len(accessors) - 1

    def times(self, count: int, rate: float) -> int:
        """Append the times of ``count`` keys, the first at 0, and return the accessor's index."""
        last = float(np.float32((count - 1) / rate))
        return self.accessor(lambda: _times(count, rate), "SCALAR", count, min=[0.0], max=[last])

    def channel(self, node: int, path: str, times: int, output: int) -> None:
        """Let ``output`` move ``path`` (such as "rotation") of ``node``, linearly between keys."""
        self._row["samplers"].append({"input": times, "output": output, "interpolation": "LINEAR"})
        target = {"node": node, "path": path}
        self._row["channels"].append({"sampler": len(self._row["samplers"]) - 1, "target": target})

    def turns(self, turns: BodyTurns, face: Spill, rate: float, times: int) -> None:
        """Let the bones of ``turns`` move with ``face``, whose rows are at ``times``."""
        for bone, node in turns.nodes.items():
            rotations = partial(lambda bone: turns.rotations(bone, face.blocks(), rate), bone)
            self.channel(node, "rotation", times, self.accessor(rotations, "VEC4", face.rows))
        if turns.moves_hips:
            hips = self.accessor(lambda: turns.hips(map(len, face.blocks()), rate), "VEC3", face.rows)
            self.channel(turns.nodes["hips"], "translation", times, hips)
        once = self.times(1, 1.0) if turns.still else 0
        for node, rotation in turns.still.items():
            key = rotation[None].astype(np.float32)
            self.channel(node, "rotation", once, self.accessor(partial(iter, (key,)), "VEC4", 1))

    def write(self, out: BinaryIO, binary: bytes) -> None:
        """Write the whole .glb: the tree with the animation, ``binary``, and the animation's numbers."""
        if self._row["channels"]:
            self._tree.setdefault("animations", []).append(self._row)
        self._tree["buffers"] = [{"byteLength": self.size}]
        text = json.dumps(self._tree, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        out.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + self.size))
        out.write(struct.pack("<I4s", len(text), b"JSON") + text)
        out.write(struct.pack("<I4s", self.size, b"BIN\0") + binary)
        written = len(binary)
        for piece in self._pieces:
            for block in piece():
                data = np.ascontiguousarray(block, "<f4").tobytes()
                out.write(data)
                written += len(data)
        assert written == self.size, f"{written} bytes of {self.size}"


def _times(count: int, rate: float) -> Iterator[Float32]:
    for first in range(0, count, 65_536):
        yield (np.arange(first, min(first + 65_536, count)) / rate).astype(np.float32)
