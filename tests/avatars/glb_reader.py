"""A plain reader of .glb through pygltflib, independent of the product's loader: for tests only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gl
from numpy.typing import NDArray

_TYPES = {
    gl.BYTE: np.int8,
    gl.UNSIGNED_BYTE: np.uint8,
    gl.SHORT: np.int16,
    gl.UNSIGNED_SHORT: np.uint16,
    gl.UNSIGNED_INT: np.uint32,
    gl.FLOAT: np.float32,
}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass
class Primitive:
    """One primitive: its mesh, material, triangles and attributes."""

    mesh: str
    material: gl.Material
    shading: str
    triangles: NDArray[Any]
    attributes: dict[str, NDArray[Any]]
    targets: list[dict[str, NDArray[Any]]]

    def moved(self, weights: dict[int, float]) -> NDArray[Any]:
        """Positions with some targets applied."""
        out = self.attributes["POSITION"].astype(np.float64)
        for index, weight in weights.items() if self.targets else ():
            out = out + weight * self.targets[index]["POSITION"]
        return out


class Glb:
    """A .glb (or .vrm) file with its accessors decoded."""

    def __init__(self, path: Path) -> None:
        self.gltf = gl.GLTF2.load_binary(str(path))
        assert self.gltf is not None, f"{path} is not a binary glTF"
        self._blob = self.gltf.binary_blob()
        data = path.read_bytes()
        self.document: dict[str, Any] = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])

    def _view(self, index: int, skip: int = 0) -> memoryview:
        view = self.gltf.bufferViews[index]
        start = (view.byteOffset or 0) + skip
        return memoryview(self._blob)[start : (view.byteOffset or 0) + view.byteLength]

    def accessor(self, index: int) -> NDArray[Any]:
        """Rows of one accessor, dense or sparse, normalised where it says so."""
        entry = self.gltf.accessors[index]
        kind, width = _TYPES[entry.componentType], _WIDTHS[entry.type]
        if entry.bufferView is None:
            rows = np.zeros((entry.count, width), kind)
        else:
            view = self.gltf.bufferViews[entry.bufferView]
            stride = view.byteStride or width * np.dtype(kind).itemsize
            data = self._view(entry.bufferView, entry.byteOffset or 0)
            item = np.dtype(kind).itemsize
            rows = np.ndarray((entry.count, width), kind, data, strides=(stride, item)).copy()
        if entry.sparse is not None:
            held, count = entry.sparse, entry.sparse.count
            where = np.frombuffer(
                self._view(held.indices.bufferView), _TYPES[held.indices.componentType], count
            )
            assert (np.diff(where.astype(np.int64)) > 0).all(), "sparse indices must increase"
            values = np.frombuffer(self._view(held.values.bufferView), kind, count * width)
            rows[where] = values.reshape(count, width)
        return rows / float(np.iinfo(rows.dtype).max) if entry.normalized else rows

    @cached_property
    def primitives(self) -> list[Primitive]:
        """Every primitive in order."""
        out = []
        for mesh in self.gltf.meshes:
            for primitive in mesh.primitives:
                attributes = {
                    k: self.accessor(v) for k, v in vars(primitive.attributes).items() if v is not None
                }
                material = self.gltf.materials[primitive.material]
                targets = [{k: self.accessor(v) for k, v in dict(t).items()} for t in primitive.targets or ()]
                triangles = self.accessor(primitive.indices).reshape(-1, 3).astype(np.int64)
                shading = str(material.extras.get("rhapsode", {}).get("shading"))
                out.append(Primitive(str(mesh.name), material, shading, triangles, attributes, targets))
        return out

    @cached_property
    def world(self) -> dict[str, NDArray[Any]]:
        """World position of every named node; rotations and scales must be identity."""
        out: dict[str, NDArray[Any]] = {}

        def walk(index: int, origin: NDArray[Any]) -> None:
            node = self.gltf.nodes[index]
            assert node.rotation in (None, [0.0, 0.0, 0.0, 1.0]), f"{node.name} is turned"
            assert node.scale in (None, [1.0, 1.0, 1.0]), f"{node.name} is scaled"
            here = origin + np.asarray(node.translation or [0, 0, 0])
            out[str(node.name)] = here
            for child in node.children or ():
                walk(child, here)

        for root in self.gltf.scenes[0].nodes:
            walk(root, np.zeros(3))
        return out

    def image(self, index: int) -> bytes:
        """The encoded bytes of one image."""
        return bytes(self._view(self.gltf.images[index].bufferView))


def frontmost(surfaces: list[tuple[NDArray[Any], NDArray[Any]]], rays: NDArray[Any]) -> NDArray[np.int64]:
    """Which surface (points, triangles) each ray along -Z from the front meets first; -1 for none.

    Args:
        surfaces: pairs of points (V, 3) and triangles (F, 3).
        rays: (R, 2) x and y.

    """
    nearest = np.full(len(rays), -np.inf)
    found = np.full(len(rays), -1)
    low, high = rays.min(axis=0), rays.max(axis=0)
    for number, (points, triangles) in enumerate(surfaces):
        corners = points[triangles]
        near = (corners[..., :2].max(axis=1) >= low).all(axis=1) & (corners[..., :2].min(axis=1) <= high).all(
            axis=1
        )
        a, b, c = (corners[near, k] for k in range(3))
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        keep = np.abs(area) > 1e-14
        a, b, c, area = a[keep], b[keep], c[keep], area[keep]
        first, last = (f(np.stack([a, b, c])[..., :2], axis=0) for f in (np.min, np.max))
        for index, (x, y) in enumerate(rays):
            here = (first[:, 0] <= x) & (first[:, 1] <= y) & (last[:, 0] >= x) & (last[:, 1] >= y)
            p, q, r, doubled = a[here], b[here], c[here], area[here]
            v = ((x - p[:, 0]) * (r[:, 1] - p[:, 1]) - (r[:, 0] - p[:, 0]) * (y - p[:, 1])) / doubled
            w = ((q[:, 0] - p[:, 0]) * (y - p[:, 1]) - (x - p[:, 0]) * (q[:, 1] - p[:, 1])) / doubled
            hit = (v >= 0) & (w >= 0) & (v + w <= 1)
            if hit.any():
                depth = float((p[:, 2] + v * (q[:, 2] - p[:, 2]) + w * (r[:, 2] - p[:, 2]))[hit].max())
                if depth > nearest[index]:
                    nearest[index], found[index] = depth, number
    return found
