"""How a digital human behaves in a conversation: gestures, listening, thinking, gaze, a body at ease."""

from rhapsode.live.behaviour.behaviour import Behaviour
from rhapsode.live.behaviour.states import State

__all__ = ["Behaviour", "State"]
