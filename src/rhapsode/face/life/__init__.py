"""What makes a face live: blinks, gaze, head, brows, breath and the pose it rests in."""

from rhapsode.face.life.motion import breathing
from rhapsode.face.life.settings import CALM, FRIENDLY, Life
from rhapsode.face.life.stream import LifeStream

__all__ = ["CALM", "FRIENDLY", "Life", "LifeStream", "breathing"]
