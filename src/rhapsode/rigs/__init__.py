"""Channel tables as data, and the maps between them."""

from rhapsode.rigs.arkit import ANGLES, ARKIT, BLENDSHAPES, FACE
from rhapsode.rigs.maps import ChannelMap, RigMap, Term, convert
from rhapsode.rigs.phones import phone_visemes, phones_to_visemes
from rhapsode.rigs.retargeting import maps, retarget, rig_named, rig_of, rigs
from rhapsode.rigs.rig import Rig

__all__ = [
    "ANGLES",
    "ARKIT",
    "BLENDSHAPES",
    "FACE",
    "ChannelMap",
    "Rig",
    "RigMap",
    "Term",
    "convert",
    "maps",
    "phone_visemes",
    "phones_to_visemes",
    "retarget",
    "rig_named",
    "rig_of",
    "rigs",
]
