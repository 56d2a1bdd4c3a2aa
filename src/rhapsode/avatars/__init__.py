"""glTF and VRM loading, channel mapping, the default avatars."""

from rhapsode.avatars.avatar import (
    Avatar,
    Expression,
    Material,
    Morph,
    Node,
    Primitive,
    Skin,
)
from rhapsode.avatars.load import default_name, load, locate, names
from rhapsode.avatars.mapping import ChannelMap, map_channels

__all__ = [
    "Avatar",
    "ChannelMap",
    "Expression",
    "Material",
    "Morph",
    "Node",
    "Primitive",
    "Skin",
    "default_name",
    "load",
    "locate",
    "map_channels",
    "names",
]
