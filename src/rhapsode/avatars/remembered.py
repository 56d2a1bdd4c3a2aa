"""Mappings that the user wrote, kept by the digest of the avatar's file in the user's data folder."""

from __future__ import annotations

from pathlib import Path

from rhapsode.avatars.avatar import Avatar
from rhapsode.avatars.finding import map_channels
from rhapsode.avatars.mapping import ChannelMap
from rhapsode.avatars.written import read_mapping, write_mapping
from rhapsode.errors import AvatarError
from rhapsode.places import data_folder


def remembered_path(avatar: Avatar) -> Path:
    """Return where a mapping for ``avatar`` is kept, in `rhapsode.places.data_folder`."""
    return data_folder("avatars") / f"{avatar.sha256}.yaml"


def load_mapping(avatar: Avatar, path: str | Path | None = None) -> ChannelMap:
    """Return the mapping of ``avatar``: of a file, else the one remembered, else what names and bones tell.

    Args:
        avatar: any avatar.
        path: a YAML file as `write_mapping` makes it.

    Raises:
        AvatarError: the file, or the one remembered, does not fit the avatar.

    Example:
        load_mapping(load("hero.vrm")).report()["speech"]

    """
    if path is not None:
        return read_mapping(path, avatar)
    kept = remembered_path(avatar)
    if not kept.is_file():
        return map_channels(avatar)
    try:
        return read_mapping(kept, avatar)
    except AvatarError as error:
        raise AvatarError(f"{error}; mend it, or drop it with: rhapsode avatars map FILE --forget") from error


def remember(avatar: Avatar, channels: ChannelMap) -> Path:
    """Use ``channels`` for ``avatar`` from now on and return the file they are kept in.

    Raises:
        AvatarError: the user's data folder cannot be written.

    """
    path = remembered_path(avatar)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AvatarError(
            f"cannot write '{path.parent}': {error.strerror or error}; set RHAPSODE_DATA to a folder of yours"
        ) from error
    return write_mapping(channels, avatar, path)


def forget(avatar: Avatar) -> bool:
    """Drop what `remember` kept for ``avatar`` and return whether there was anything."""
    path = remembered_path(avatar)
    if not path.is_file():
        return False
    try:
        path.unlink()
    except OSError as error:
        raise AvatarError(f"cannot remove '{path}': {error.strerror or error}; remove it by hand") from error
    return True
