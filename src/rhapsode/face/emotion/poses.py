"""What each emotion does to a face, and to what keeps the face alive.

Poses are written from the action units that the Facial Action Coding System finds in each emotion (Ekman,
Friesen, Hager, "FACS investigator's guide", 2002; Matsumoto and Ekman, "Facial expression analysis", 2008)
over ARKit's blendshapes. A name without its side stands for Left and Right alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.emotion.vector import EMOTIONS
from rhapsode.face.life.mood import MOOD
from rhapsode.rigs import ARKIT

_Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Feeling:
    """One emotion at its full level.

    Args:
        units: its action units, for the reader.
        pose: channels and weights; `weights` reads it.
        onset_s: about how long the face takes to get there.
        decay_s: about how long it takes to leave it.
        arousal: how awake it is, -1 (calm) to 1 (excited), after Russell's circumplex (1980).
        valence: how pleasant it is, -1 to 1.
        rest: how much of the friendly resting face gives way, 0 to 1.
        blinks: times the blink rate.
        motion: times the head's own motion.
        head_pitch: radians down.
        head_roll: radians to the right shoulder.
        gaze_pitch: radians down.
        breath: how hard it breathes, 0 to 1.

    """

    units: str
    pose: str
    onset_s: float
    decay_s: float
    arousal: float
    valence: float
    rest: float = 1.0
    blinks: float = 1.0
    motion: float = 1.0
    head_pitch: float = 0.0
    head_roll: float = 0.0
    gaze_pitch: float = 0.0
    breath: float = 0.0


FEELINGS: Mapping[str, Feeling] = MappingProxyType(
    {
        "amazement": Feeling(
            "1+2+5+26",
            "browInnerUp 0.95, browOuterUp 1, eyeWide 0.9, jawOpen 0.32, mouthFunnel 0.15, mouthSmile 0.05",
            onset_s=0.25,
            decay_s=0.9,
            arousal=0.75,
            valence=0.3,
            blinks=0.5,
            motion=0.9,
            head_pitch=-0.05,
        ),
        "anger": Feeling(
            "4+5+7+17+23/24",
            "browDown 1, eyeSquint 0.45, noseSneer 0.6, cheekSquint 0.15, mouthPress 0.7, "
            "mouthFrown 0.8, mouthRollLower 0.3, mouthRollUpper 0.3, jawForward 0.25",
            onset_s=0.4,
            decay_s=1.5,
            arousal=0.8,
            valence=-0.6,
            blinks=0.6,
            motion=1.3,
            head_pitch=0.07,
        ),
        "cheekiness": Feeling(
            "L12+L14+R2+L6",
            "mouthSmileLeft 0.75, mouthSmileRight 0.22, mouthDimpleLeft 0.45, mouthLeft 0.2, "
            "cheekSquintLeft 0.5, eyeSquintLeft 0.45, eyeSquintRight 0.15, browOuterUpRight 0.75, "
            "browInnerUp 0.15, browDownLeft 0.3, mouthPress 0.15",
            onset_s=0.4,
            decay_s=0.9,
            arousal=0.4,
            valence=0.6,
            rest=0.3,
            motion=1.25,
            head_pitch=0.02,
            head_roll=0.07,
        ),
        "disgust": Feeling(
            "4+7+9+10+15+17",
            "noseSneer 1, browDown 0.7, eyeSquint 0.5, cheekSquint 0.45, mouthUpperUp 0.4, "
            "mouthFrown 0.8, mouthShrugLower 0.55",
            onset_s=0.35,
            decay_s=1.0,
            arousal=0.35,
            valence=-0.7,
            blinks=1.2,
            head_pitch=-0.04,
            head_roll=0.04,
        ),
        "fear": Feeling(
            "1+2+4+5+20+25",
            "browInnerUp 1, browOuterUp 0.15, eyeWide 1, mouthStretch 0.9, mouthFrown 0.5, "
            "jawOpen 0.1, mouthLowerDown 0.45",
            onset_s=0.25,
            decay_s=1.4,
            arousal=0.8,
            valence=-0.65,
            blinks=1.5,
            motion=0.7,
            head_pitch=-0.05,
            breath=0.35,
        ),
        "grief": Feeling(
            "1+4+6+7+15+17+20",
            "browInnerUp 1, browDown 0.15, eyeSquint 0.55, cheekSquint 0.6, eyeBlink 0.2, "
            "mouthFrown 1, mouthStretch 0.5, mouthShrugLower 0.35, mouthLowerDown 0.3, "
            "mouthUpperUp 0.15, noseSneer 0.2",
            onset_s=0.8,
            decay_s=2.5,
            arousal=0.2,
            valence=-0.9,
            blinks=1.5,
            motion=0.6,
            head_pitch=0.1,
            head_roll=0.03,
            gaze_pitch=0.08,
        ),
        "joy": Feeling(
            "6+12+25",
            "mouthSmile 1, cheekSquint 0.9, eyeSquint 0.3, mouthDimple 0.3, browInnerUp 0.2, "
            "browOuterUp 0.3, mouthUpperUp 0.4, jawOpen 0.15",
            onset_s=0.45,
            decay_s=1.2,
            arousal=0.5,
            valence=0.85,
            rest=0.0,
            blinks=1.1,
            motion=1.2,
            head_pitch=-0.02,
            head_roll=0.02,
        ),
        "outofbreath": Feeling(
            "1+25+26+43",
            "jawOpen 0.17, mouthFunnel 0.1, mouthLowerDown 0.12, browInnerUp 0.45, eyeBlink 0.2, "
            "cheekSquint 0.12, noseSneer 0.12",
            onset_s=0.7,
            decay_s=2.0,
            arousal=0.6,
            valence=-0.2,
            blinks=1.3,
            head_pitch=0.03,
            gaze_pitch=0.03,
            breath=1.0,
        ),
        "pain": Feeling(
            "4+6+7+9+10+20+43",
            "browDown 0.95, browInnerUp 0.3, eyeSquint 0.75, cheekSquint 0.75, eyeBlink 0.35, "
            "noseSneer 0.5, mouthUpperUp 0.6, mouthStretch 0.9, mouthFrown 0.3, "
            "mouthLowerDown 0.55, jawOpen 0.02",
            onset_s=0.25,
            decay_s=1.4,
            arousal=0.6,
            valence=-0.85,
            blinks=1.4,
            motion=0.8,
            head_pitch=0.06,
            head_roll=-0.05,
            breath=0.3,
        ),
        "sadness": Feeling(
            "1+4+15+17",
            "browInnerUp 1, eyeBlink 0.2, eyeSquint 0.1, mouthFrown 1, mouthShrugLower 0.3",
            onset_s=0.9,
            decay_s=2.5,
            arousal=-0.5,
            valence=-0.7,
            blinks=0.9,
            motion=0.55,
            head_pitch=0.08,
            head_roll=0.03,
            gaze_pitch=0.07,
        ),
    }
)
"""Every emotion at its full level."""


def weights(name: str) -> dict[str, float]:
    """Return the weights of the emotion ``name`` at its full level, by ARKit channel."""
    made: dict[str, float] = {}
    for item in FEELINGS[name].pose.split(", "):
        channel, weight = item.split()
        sides = (channel,) if channel in ARKIT.channels else (f"{channel}Left", f"{channel}Right")
        made.update(dict.fromkeys(sides, float(weight)))
    return made


def pose_matrix() -> _Float64:
    """Return (10, 52): the weights of each emotion at its full level."""
    made = np.zeros((len(EMOTIONS), len(ARKIT)))
    for row, name in zip(made, EMOTIONS, strict=True):
        for channel, weight in weights(name).items():
            row[ARKIT.index(channel)] = weight
    return made


def mood_matrix() -> _Float64:
    """Return (10, 6): what each emotion at its full level adds to a mood; factors less 1."""
    made = np.array([[getattr(FEELINGS[name], column) for column in MOOD] for name in EMOTIONS])
    made[:, [MOOD.index("blinks"), MOOD.index("motion")]] -= 1.0
    return made
