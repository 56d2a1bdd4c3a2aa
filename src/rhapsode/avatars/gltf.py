"""The container and the numbers of a glTF 2.0 file: chunks, buffers, accessors, pictures.

Source: Khronos glTF 2.0 specification, sections 3.6 (binary data storage), 4 (GLB) and 3.8.3 (images).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.avatar import UInt8
from rhapsode.errors import AvatarError

_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_MOST_VALUES = 50_000_000
_UNREADABLE = {
    "KHR_draco_mesh_compression": (
        "Draco-compressed meshes",
        "export it again without compression (Blender: untick Data > Compression)",
    ),
    "EXT_meshopt_compression": (
        "meshopt-compressed meshes",
        "export it again without compression (gltfpack: leave out -c and -cc)",
    ),
    "KHR_texture_basisu": (
        "Basis Universal textures",
        "export it again with PNG, JPEG or WebP textures (gltfpack: leave out -tc)",
    ),
}


class GltfFile:
    """The JSON of a glTF file and access to its numbers.

    Args:
        path: a .glb, .vrm or .gltf file.
        data: its bytes.

    Raises:
        AvatarError: not a glTF 2.0 file, cut short, or it needs an extension that cannot be read.

    """

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._glb_chunk: bytes | None = None
        if data[:4] == b"glTF":
            self.json = self._parse_glb(data)
        else:
            self.json = self._parse_json(data)
        version = str(self.json.get("asset", {}).get("version", ""))
        if not version.startswith("2."):
            raise AvatarError(
                f"'{path}' holds no glTF 2.0, got asset version '{version}'; export it again as glTF 2.0"
            )
        for name in self.json.get("extensionsRequired", []):
            if name in _UNREADABLE:
                raise self.compressed(name)
        self._buffers: dict[int, memoryview] = {}

    def _parse_glb(self, data: bytes) -> dict[str, Any]:
        if len(data) < 20:
            raise self._cut_short(len(data), 20)
        _, version, length = struct.unpack_from("<4sII", data)
        if version != 2:
            raise AvatarError(
                f"'{self.path}' is a binary glTF of version {version}, expected 2; export as glTF 2.0"
            )
        if length > len(data):
            raise self._cut_short(len(data), length)
        offset, tree = 12, None
        while offset + 8 <= length:
            size, kind = struct.unpack_from("<I4s", data, offset)
            if offset + 8 + size > length:
                raise self._cut_short(len(data), offset + 8 + size)
            chunk = data[offset + 8 : offset + 8 + size]
            if kind == b"JSON" and tree is None:
                tree = self._parse_json(chunk)
            elif kind == b"BIN\0" and self._glb_chunk is None:
                self._glb_chunk = chunk
            offset += 8 + size
        if tree is None:
            raise self._not_gltf("no JSON chunk")
        return tree

    def _parse_json(self, data: bytes) -> dict[str, Any]:
        try:
            tree = json.loads(data.decode("utf-8-sig"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            tree = None
        if not isinstance(tree, dict) or not isinstance(tree.get("asset"), dict):
            raise self._not_gltf(f"{len(data)} bytes of something else" if data else "an empty file")
        return tree

    def _not_gltf(self, got: str) -> AvatarError:
        return AvatarError(
            f"'{self.path}' is no glTF or VRM file, got {got}; give a .vrm, .glb or .gltf file"
        )

    def _cut_short(self, got: int, expected: int) -> AvatarError:
        return AvatarError(
            f"'{self.path}' is cut short, got {got} bytes, expected {expected}; copy or export it again"
        )

    def compressed(self, extension: str) -> AvatarError:
        """Build the error for data that only a decoder of ``extension`` can read."""
        what, remedy = _UNREADABLE[extension]
        return AvatarError(f"'{self.path}' holds {what} ({extension}), expected plain data; {remedy}")

    def broken(self, what: str) -> AvatarError:
        """Build the error for a reference or a value in the file that cannot be."""
        return AvatarError(f"'{self.path}' is a damaged glTF: {what}; export it again")

    def _buffer(self, index: int) -> memoryview:
        if index not in self._buffers:
            buffer = self.item("buffers", index)
            uri = buffer.get("uri")
            if uri is None:
                if self._glb_chunk is None:
                    raise self.broken(f"buffer {index} has neither an address nor a binary chunk")
                data = self._glb_chunk
            else:
                data = self._fetch(uri)
            if len(data) < buffer.get("byteLength", 0):
                raise self._cut_short(len(data), buffer["byteLength"])
            self._buffers[index] = memoryview(data)
        return self._buffers[index]

    def _fetch(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error:
                raise self.broken("a data address is no base64") from None
        beside = self.path.parent / unquote(uri)
        try:
            return beside.read_bytes()
        except OSError as error:
            raise AvatarError(
                f"'{self.path}' needs '{uri}' beside it, got {error.strerror or error}; "
                "keep the files together or export as .glb"
            ) from error

    def item(self, table: str, index: Any) -> dict[str, Any]:
        """Return one entry of a top-level table of the file."""
        rows = self.json.get(table, [])
        if not isinstance(index, int) or not 0 <= index < len(rows):
            raise self.broken(f"{table} has no entry {index!r}")
        row = rows[index]
        if not isinstance(row, dict):
            raise self.broken(f"entry {index} of {table} is no object")
        return row

    def view(self, index: int) -> memoryview:
        """Return the bytes of a buffer view."""
        view = self.item("bufferViews", index)
        first, size = view.get("byteOffset", 0), view["byteLength"]
        buffer = self._buffer(view.get("buffer", 0))
        if first + size > len(buffer):
            raise self._cut_short(len(buffer), first + size)
        return buffer[first : first + size]

    def accessor(self, index: int) -> NDArray[Any]:
        """Return an accessor as (count, width) in its own type; normalised integers become float32."""
        row = self.item("accessors", index)
        try:
            dtype = np.dtype(_COMPONENTS[row["componentType"]])
            width, count = _WIDTHS[row["type"]], int(row["count"])
        except KeyError as error:
            raise self.broken(f"accessor {index} has no usable {error}") from error
        if not 0 <= count <= _MOST_VALUES:
            raise self.broken(f"accessor {index} counts {count} values")
        if "bufferView" in row:
            values = self._strided(row["bufferView"], row.get("byteOffset", 0), dtype, count, width)
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in row:
            values = values.copy()
            sparse = row["sparse"]
            n, place, delta = sparse["count"], sparse["indices"], sparse["values"]
            kind = np.dtype(_COMPONENTS[place["componentType"]])
            where = self._strided(place["bufferView"], place.get("byteOffset", 0), kind, n, 1)[:, 0]
            if n and int(where.max()) >= count:
                raise self.broken(f"accessor {index} replaces value {where.max()} of {count}")
            values[where] = self._strided(delta["bufferView"], delta.get("byteOffset", 0), dtype, n, width)
        if row.get("normalized") and dtype.kind != "f":
            scaled = values.astype(np.float32) / np.iinfo(dtype).max
            return np.maximum(scaled, -1.0)
        return values

    def _strided(self, view: int, offset: int, dtype: np.dtype[Any], count: int, width: int) -> NDArray[Any]:
        data = self.view(view)
        stride = self.item("bufferViews", view).get("byteStride") or dtype.itemsize * width
        if count == 0:
            return np.zeros((0, width), dtype)
        if offset + stride * (count - 1) + dtype.itemsize * width > len(data):
            raise self.broken(f"buffer view {view} ends before its accessor does")
        strides = (stride, dtype.itemsize)
        return np.ndarray((count, width), dtype, buffer=data, offset=offset, strides=strides)

    def picture(self, index: int) -> UInt8:
        """Return an image as (H, W, 4) uint8 sRGB.

        Raises:
            AvatarError: the picture cannot be decoded.

        """
        from PIL import Image

        row = self.item("images", index)
        data = bytes(self.view(row["bufferView"])) if "bufferView" in row else self._fetch(row.get("uri", ""))
        try:
            with Image.open(io.BytesIO(data)) as picture:
                return np.array(picture.convert("RGBA"), np.uint8)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise self.broken(f"picture {index} cannot be decoded ({error})") from error
