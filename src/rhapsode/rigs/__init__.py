"""Channel tables as data, and the maps between them."""

from rhapsode.rigs.arkit import ANGLES, ARKIT, BLENDSHAPES, FACE
from rhapsode.rigs.rig import Rig

__all__ = ["ANGLES", "ARKIT", "BLENDSHAPES", "FACE", "Rig"]
