"""glTF and VRM loading, what plays a face on any avatar, the default avatars."""

from rhapsode.avatars.avatar import (
    Avatar,
    Expression,
    Material,
    Morph,
    Node,
    Primitive,
    Skin,
)
from rhapsode.avatars.finding import map_channels
from rhapsode.avatars.load import default_name, load, locate, names, target_names
from rhapsode.avatars.mapping import ChannelMap
from rhapsode.avatars.mouth import Mouth
from rhapsode.avatars.remembered import forget, load_mapping, remember
from rhapsode.avatars.written import read_mapping, write_mapping

__all__ = [
    "Avatar",
    "ChannelMap",
    "Expression",
    "Material",
    "Morph",
    "Mouth",
    "Node",
    "Primitive",
    "Skin",
    "default_name",
    "forget",
    "load",
    "load_mapping",
    "locate",
    "map_channels",
    "names",
    "read_mapping",
    "remember",
    "target_names",
    "write_mapping",
]
