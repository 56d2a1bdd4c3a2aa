"""ARKit's 52 blendshapes and the nine head and eye angles that travel with them: the canonical rig.

Left and right are the character's own. The 52 weights lie in [0, 1]. The nine angles are radians:
yaw is positive towards the character's right, pitch positive downwards, roll positive when the head
tips towards the character's right shoulder. In a Y-up, +Z-forward frame (glTF, VRM) with the
character's left at +X that is ry = -yaw, rx = +pitch, rz = +roll, applied in the order yaw, pitch, roll.
"""

from __future__ import annotations

from rhapsode.rigs.rig import Rig

_EYE = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")

BLENDSHAPES: tuple[str, ...] = (
    *(f"{name}Left" for name in _EYE),
    *(f"{name}Right" for name in _EYE),
    *("jawForward", "jawLeft", "jawRight", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight"),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)

ANGLES: tuple[str, ...] = (
    *("headYaw", "headPitch", "headRoll"),
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)

ARKIT = Rig(
    "arkit", BLENDSHAPES, "Apple ARKit ARFaceAnchor.BlendShapeLocation, in Unreal EARFaceBlendShape order"
)
FACE = Rig(
    "face", BLENDSHAPES + ANGLES, "ARKit-52 followed by the nine angles that Live Link Face carries", ANGLES
)
