"""The avatars of a server: those that come with the product, and those that people brought."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.avatars import default_name, load, load_mapping, locate, names
from rhapsode.avatars.gltf import GltfFile
from rhapsode.errors import AvatarError, InputError

_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_STALE_S = 24 * 3600
_NAME = re.compile(r"[^\w. -]+")


@dataclass(frozen=True)
class Row:
    """One avatar.

    Args:
        name: unique among the server's avatars.
        path: its file.
        brought: whether a client brought it.

    """

    name: str
    path: Path
    brought: bool = False

    @property
    def url(self) -> str:
        """Where the page finds the file."""
        return f"/avatars/{self.name}{self.path.suffix}"


class Wardrobe:
    """Finds avatars by name and keeps brought ones in ``folder``, by the digest of their content.

    Args:
        first: name or file of the avatar shown first; empty for the product's default.
        folder: where brought ones are kept.
        limit: how many may be brought.

    Raises:
        AvatarError: the avatar shown first does not exist.

    """

    def __init__(self, first: str, folder: Path, *, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._rows: dict[str, Row] = {}
        shipped = [Row(name, locate(name)) for name in names()]
        first = first or (default_name() if default_name() in names() else "")
        if first:
            path = locate(first)
            self._rows[path.stem] = Row(path.stem, path)
        for row in shipped:
            self._rows.setdefault(row.name, row)
        for path in sorted(folder.glob("*.*")) if folder.is_dir() else []:
            if path.name.startswith(".part-") and time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink(missing_ok=True)  # an upload that a crash cut off
            elif path.suffix in (".vrm", ".glb") and _DIGEST.match(path.stem):
                self._add(_known_name(path), path)

    def rows(self) -> list[Row]:
        """Return all avatars, the one shown first in front."""
        return list(self._rows.values())

    def find(self, name: str) -> Row:
        """Return the avatar called ``name``, with or without the ending of its file; raise `AvatarError`."""
        for row in self._rows.values():
            if name in (row.name, f"{row.name}{row.path.suffix}"):
                return row
        raise AvatarError(f"no avatar '{name[:80]}', known are: {', '.join(self._rows) or 'none'}")

    def begin(self) -> Path:
        """Return an empty file that an avatar can be received in.

        Raises:
            AvatarError: the folder cannot be written, or holds as many as it may.

        """
        if sum(row.brought for row in self._rows.values()) >= self._limit:
            raise AvatarError(
                f"the stage keeps {self._limit} brought avatars at most; delete some from '{self._folder}'"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f".part-{secrets.token_hex(8)}.glb"
            path.touch(mode=0o600, exist_ok=False)
        except OSError as error:
            raise AvatarError(
                f"avatars cannot be kept in '{self._folder}': {error.strerror or error}"
            ) from error
        return path

    def keep(self, part: Path, name: str) -> tuple[Row, dict[str, Any]]:
        """Check a received file, give it its place, and return it with its report; slow, call it in a pool.

        Raises:
            AvatarError: it is no avatar that can speak, or refers to files outside it.

        """
        data = part.read_bytes()
        _check_self_contained(part, data)
        stem, suffix = os.path.splitext(name)
        suffix = suffix.lower() if suffix.lower() in (".vrm", ".glb") else ".glb"
        avatar = load(part)
        report = load_mapping(avatar).report()
        digest = hashlib.sha256(data).hexdigest()
        for row in self._rows.values():
            if row.path.stem == digest:
                return row, report
        path = self._folder / f"{digest}{suffix}"
        shown = " ".join(_NAME.sub(" ", stem).split()).strip(". ")[:60] or "avatar"
        shown = shown if shown not in self._rows else f"{shown} {digest[:6]}"
        path.with_suffix(".json").write_text(json.dumps({"name": shown}, ensure_ascii=False), "utf-8")
        os.replace(part, path)
        return self._add(shown, path), report

    def report(self, name: str) -> dict[str, Any]:
        """Return what an avatar can play; slow, call it in a pool.

        Raises:
            AvatarError: there is none, or it cannot be loaded.

        """
        return dict(load_mapping(load(self.find(name).path)).report())

    def _add(self, name: str, path: Path) -> Row:
        row = Row(name if name not in self._rows else f"{name} {path.stem[:6]}", path, True)
        self._rows[row.name] = row
        return row


def _known_name(path: Path) -> str:
    try:
        name = str(json.loads(path.with_suffix(".json").read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        name = ""
    return " ".join(_NAME.sub(" ", name).split())[:80] or path.stem[:12]


def _check_self_contained(path: Path, data: bytes) -> None:
    """Refuse what is no binary glTF, and what would have the loader read other files of this machine."""
    if data[:4] != b"glTF":
        raise AvatarError("an avatar must be a .vrm or .glb file, got something else; export it as one")
    tree = GltfFile(path, data).json
    rows = [row for kind in ("buffers", "images") for row in tree.get(kind) or () if isinstance(row, dict)]
    for uri in (str(row["uri"]) for row in rows if "uri" in row):
        if not uri.startswith("data:"):
            raise AvatarError(f"the file needs '{uri[:80]}' beside it; export it in one piece")


def input_message(error: InputError, path: Path) -> str:
    """Return the message of ``error`` without the path of a temporary file."""
    return str(error).replace(str(path), "avatar").replace(path.name, "avatar")
