"""The mapping of an avatar as a small YAML file that a person can read and change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rhapsode.avatars.avatar import Avatar
from rhapsode.avatars.bones import Jaw, bone_nodes, find_eyes
from rhapsode.avatars.mapping import EYES, ChannelMap
from rhapsode.avatars.mouth import ATOMS, GAIN, KINDS, Mouth, Pairs
from rhapsode.errors import AvatarError
from rhapsode.rigs import BLENDSHAPES

_KEYS = ("avatar", "mouth", "jaw", "eyes", "eye_gain", "channels", "stand_ins")
_MOST_GAIN = 10.0

_HEAD = """\
# How "{name}" plays a face. Change what you like, then let it be used from now on with:
#   rhapsode avatars map {name} --use THIS_FILE
# A gain of 1 gives a morph target the whole value of its channel, .5 half of it; a negative gain takes away.
"""


def mapping_text(channels: ChannelMap, avatar: Avatar) -> str:
    """Return the file for ``channels`` with its comments."""
    mouth = channels.mouth
    lines = [
        _HEAD.format(name=avatar.name),
        f"avatar: {avatar.sha256}  # of the file it was made for",
        "",
        f"# One of: {', '.join(KINDS)}.",
    ]
    lines += ["mouth:", f"  kind: {mouth.kind}"]
    if mouth.kind not in ("channels", "none"):
        lines.append(f"  gain: {_number(mouth.gain)}  # how large speech is drawn")
    if mouth.shapes:
        lines.append("  shapes:")
        lines += [f"    {name}: {_flow(pairs)}" for name, pairs in mouth.shapes.items()]
    if channels.jaw:
        node = avatar.nodes[channels.jaw.node]
        lines += [
            "",
            "# The bone that opens the mouth: degrees where jawOpen, jawLeft or jawRight is 1.",
            "jaw:",
        ]
        lines.append(f"  bone: {_text(node.name) if _unique(avatar, node.name) else channels.jaw.node}")
        lines.append(f"  open_deg: {_number(math.degrees(channels.jaw.open_rad))}")
        lines.append(f"  side_deg: {_number(math.degrees(channels.jaw.side_rad))}")
    lines += ["", f"# What turns the eyes: {', '.join(EYES)}.", f"eyes: {channels.eyes}"]
    if channels.eyes == "bones":
        lines.append(f"eye_gain: {_number(channels.eye_gain)}  # share of a real eye's turn")
    lines.append("")
    lines += ["# Channels with a shape of their own.", *_block("channels", channels.found), ""]
    lines += ["# Channels for which something else stands in.", *_block("stand_ins", channels.stood_in)]
    if channels.missing:
        lines += ["", "# Nothing plays these: write them under channels if one of the morph targets does."]
        lines += [f"#   {name}" for name in channels.missing]
    used = {
        m for table in (channels.found, channels.stood_in, mouth.shapes) for p in table.values() for m, _ in p
    }
    unused = [name for name in channels.morphs if name not in used]
    if unused:
        lines += ["", "# Morph targets that play nothing yet:", *(f"#   {_text(name)}" for name in unused)]
    return "\n".join(lines) + "\n"


def _block(name: str, table: Mapping[str, Pairs]) -> list[str]:
    ordered = [channel for channel in BLENDSHAPES if channel in table]
    return [f"{name}:" if ordered else f"{name}: {{}}", *(f"  {c}: {_flow(table[c])}" for c in ordered)]


def _flow(pairs: Pairs) -> str:
    return "{" + ", ".join(f"{_text(morph)}: {_number(gain)}" for morph, gain in pairs) + "}"


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _text(name: str) -> str:
    """Return ``name`` as a YAML string: as it is where that is safe, in quotes elsewhere."""
    import json

    plain = (
        name.isidentifier() and name.isascii() and name.lower() not in ("y", "n", "yes", "no", "on", "off")
    )
    return (
        name
        if plain and name.lower() not in ("true", "false", "null")
        else json.dumps(name, ensure_ascii=False)
    )


def _unique(avatar: Avatar, name: str) -> bool:
    return bool(name) and sum(node.name == name for node in avatar.nodes) == 1


def write_mapping(channels: ChannelMap, avatar: Avatar, path: str | Path) -> Path:
    """Write ``channels`` to a YAML file and return its path.

    Raises:
        AvatarError: the file cannot be written.

    """
    place = Path(path)
    text = mapping_text(channels, avatar)
    beside = place.with_name(f".{place.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise AvatarError(
            f"cannot write mapping '{place}': {error.strerror or error}; choose another place"
        ) from error
    return place


def read_mapping(path: str | Path, avatar: Avatar) -> ChannelMap:
    """Read a mapping for ``avatar`` from a YAML file.

    Raises:
        AvatarError: the file cannot be read, or names what the avatar or a face does not have.

    """
    return _Reader(Path(path), avatar).result()


class _Reader:
    def __init__(self, path: Path, avatar: Avatar) -> None:
        self._path, self._avatar = path, avatar

    def result(self) -> ChannelMap:
        tree = self._tree()
        self._only("a mapping", tree, _KEYS)
        mouth = self._mouth(self._table(tree, "mouth"))
        jaw = self._jaw(self._table(tree, "jaw")) if tree.get("jaw") else None
        eyes = tree.get("eyes", "none")
        if eyes not in EYES:
            raise self._wrong(f"eyes must be one of {', '.join(EYES)}, got {eyes!r}")
        bones = dict(bone_nodes(self._avatar))
        sockets = find_eyes(self._avatar) if eyes == "bones" else {}
        if eyes == "bones" and not sockets:
            raise self._wrong("eyes are bones, but no two eye bones move anything; write morphs or none")
        if mouth.kind in ("visemes", "vowels") and not mouth.shapes:
            raise self._wrong(
                f"a mouth of {mouth.kind} needs shapes; known are {', '.join(ATOMS[mouth.kind])}"
            )
        return ChannelMap(
            self._avatar.morph_names,
            self._channels(self._table(tree, "channels")),
            self._channels(self._table(tree, "stand_ins")),
            mouth,
            jaw,
            eyes,
            {**bones, **sockets},
            "file",
            eye_gain=self._number("eye_gain", tree.get("eye_gain", 1.0), 0.0, _MOST_GAIN),
        )

    def _tree(self) -> Mapping[str, Any]:
        import yaml  # type: ignore[import-untyped]

        try:
            tree = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise AvatarError(
                f"cannot read mapping '{self._path}': {error.strerror or error}; give a file that "
                "'rhapsode avatars map' wrote"
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise self._wrong(f"it is no YAML ({' '.join(str(error).split())[:120]})") from error
        if not isinstance(tree, dict):
            raise self._wrong(f"got {type(tree).__name__}, expected the keys {', '.join(_KEYS)}")
        return tree

    def _wrong(self, what: str) -> AvatarError:
        return AvatarError(f"mapping '{self._path}' does not fit avatar '{self._avatar.name}': {what}")

    def _only(self, owner: str, tree: Mapping[str, Any], known: Sequence[str]) -> None:
        for key in tree:
            if key not in known:
                raise self._wrong(f"{owner} has no '{key}'; {_nearest(str(key), known)}")

    def _table(self, tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        table = tree.get(key) or {}
        if not isinstance(table, dict):
            raise self._wrong(f"'{key}' must hold a table, got {type(table).__name__}")
        return table

    def _number(self, owner: str, value: Any, least: float, most: float) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:
            raise self._wrong(f"{owner} must be a number from {least:g} to {most:g}, got {value!r}")
        return float(value)

    def _pairs(self, owner: str, table: Any) -> Pairs:
        if isinstance(table, str):
            table = {table: 1.0}
        if not isinstance(table, dict):
            raise self._wrong(f"'{owner}' must name morph targets with gains, got {table!r}")
        for morph in table:
            if morph not in self._avatar.morph_names:
                near = _nearest(str(morph), self._avatar.morph_names)
                raise self._wrong(f"'{owner}' plays '{morph}', which the avatar does not have; {near}")
        gains = {m: self._number(f"the gain of '{m}'", g, -_MOST_GAIN, _MOST_GAIN) for m, g in table.items()}
        return tuple(gains.items())

    def _channels(self, table: Mapping[str, Any]) -> dict[str, Pairs]:
        self._only("a face", table, BLENDSHAPES)
        return {channel: self._pairs(channel, pairs) for channel, pairs in table.items()}

    def _mouth(self, table: Mapping[str, Any]) -> Mouth:
        self._only("a mouth", table, ("kind", "gain", "shapes"))
        kind = table.get("kind", "channels")
        if kind not in KINDS:
            raise self._wrong(f"the mouth's kind must be one of {', '.join(KINDS)}, got {kind!r}")
        gain = self._number("the mouth's gain", table.get("gain", GAIN), 0.0, _MOST_GAIN)
        shapes = self._table(table, "shapes")
        self._only(f"a mouth of {kind}", shapes, tuple(ATOMS.get(kind, ())))
        return Mouth(kind, {name: self._pairs(name, pairs) for name, pairs in shapes.items()}, gain)

    def _jaw(self, table: Mapping[str, Any]) -> Jaw:
        self._only("a jaw", table, ("bone", "open_deg", "side_deg"))
        bone, nodes = table.get("bone"), self._avatar.nodes
        index = next((n for n, node in enumerate(nodes) if node.name == bone), bone)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(nodes):
            near = _nearest(str(bone), [node.name for node in nodes if node.name])
            raise self._wrong(f"the jaw is bone '{bone}', which the avatar does not have; {near}")
        opened = self._number("the jaw's open_deg", table.get("open_deg", 18.0), 0.0, 90.0)
        side = self._number("the jaw's side_deg", table.get("side_deg", 0.0), 0.0, 45.0)
        return Jaw(index, math.radians(opened), math.radians(side))


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    lower = {other.lower(): other for other in reversed(names)}
    near = [lower[word] for word in get_close_matches(name.lower(), lower, n=3, cutoff=0.4)]
    return f"nearest: {', '.join(near or names[:3]) or 'none at all'}"
