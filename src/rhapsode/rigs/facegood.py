"""FACEGOOD's 116 Maya shapes and their maps to and from ARKit.

The order is that of all takes published with FACEGOOD-Audio2Face ("1015" order). Left and right are the
character's own. The mouth follows the project's own list (Voice2Face_blendshape2ARkit); its published
takes move the mouth only. ``mouth_oh_c`` and ``mouth_oo_c``, which that list leaves out though the takes
use them, are folded into jaw, funnel and pucker; the upper face is matched by name.
"""

from __future__ import annotations

from rhapsode.rigs.arkit import ARKIT
from rhapsode.rigs.maps import ChannelMap, Term
from rhapsode.rigs.rig import Rig

_NAMES = """
brow_lower_l tongue_Scale_X tongue_Scale__X tongue_Scale_Y tongue_Scale__Y tongue_Scale_Z tongue_Scale__Z
nose_out_l nose_out_r tongue_u tongue_u_u cheek_suck_r brow_raise_d mouth_stretch_u tongue_u_d tooth_d_d
tongue_d tooth_r tooth_d_u cheek_UP eye_blink1_l eye_blink1_r eye_blink2_l eye_blink2_r eye_lidTight_l
eye_lidTight_r eye_shutTight_l eye_shutTight_r brow_lower_r eye_upperLidRaise_l eye_upperLidRaise_r
eye_downLidRaise_l eye_downLidRaise_r jaw_sideways_l jaw_sideways_r jaw_thrust_c mouth_chew_c
mouth_chinRaise_d mouth_chinRaise_u brow_raise_c mouth_dimple_l mouth_dimple_r mouth_funnel_dl
mouth_funnel_dr mouth_funnel_ul mouth_funnel_ur mouth_lipCornerDepressFix_l mouth_lipCornerDepressFix_r
mouth_lipCornerDepress_l mouth_lipCornerDepress_r brow_raise_l mouth_lipCornerPullOpen_l
mouth_lipCornerPullOpen_r mouth_lipCornerPull_l mouth_lipCornerPull_r mouth_lipStretchOpen_l
mouth_lipStretchOpen_r mouth_lipStretch_l mouth_lipStretch_r mouth_lowerLipDepress_l
mouth_lowerLipDepress_r brow_raise_r mouth_lowerLipProtrude_c mouth_oh_c mouth_oo_c mouth_pressFix_c
mouth_press_l mouth_press_r mouth_pucker_l mouth_pucker_r mouth_screamFix_c mouth_sideways_l cheek_puff_l
mouth_sideways_r mouth_stretch_c mouth_suck_dl mouth_suck_dr mouth_suck_ul mouth_suck_ur
mouth_upperLipRaise_l mouth_upperLipRaise_r nose_wrinkle_l nose_wrinkle_r cheek_puff_r tooth_l
eye_lookDown1_l eye_lookDown2_l eye_lookLeft_l eye_lookRight_l eye_lookUp_l eye_lookDown1_r
eye_lookDown2_r eye_lookLeft_r cheek_raise_l eye_lookRight_r eye_lookUp_r tongue_Rot_1X tongue_Rot__1X
tongue_Rot_2X tongue_Rot__2X tongue_Rot_3X tongue_Rot__3X tongue_Rot_1Y tongue_Rot__1Y cheek_raise_r
tongue_Rot_2Y tongue_Rot__2Y tongue_Rot_3Y tongue_Rot__3Y tongue_Rot_1Z tongue_Rot__1Z tongue_Rot_2Z
tongue_Rot__2Z tongue_Rot_3Z tongue_Rot__3Z cheek_suck_l
"""

FACEGOOD = Rig("facegood", tuple(_NAMES.split()), "FACEGOOD-Audio2Face, takes in '1015' order")

_CENTRE = {
    "jawForward": "jaw_thrust_c",
    "jawLeft": "jaw_sideways_l",
    "jawRight": "jaw_sideways_r",
    "jawOpen": "mouth_stretch_c",
    "mouthClose": "mouth_chew_c",
    "mouthLeft": "mouth_sideways_l",
    "mouthRight": "mouth_sideways_r",
    "mouthShrugLower": "mouth_chinRaise_d",
    "mouthShrugUpper": "mouth_chinRaise_u",
    "browInnerUp": "brow_raise_c",
    "eyeLookOutLeft": "eye_lookLeft_l",
    "eyeLookInLeft": "eye_lookRight_l",
    "eyeLookInRight": "eye_lookLeft_r",
    "eyeLookOutRight": "eye_lookRight_r",
}
_SIDES = {
    "mouthSmile": "mouth_lipCornerPull",
    "mouthDimple": "mouth_dimple",
    "mouthStretch": "mouth_lipStretch",
    "mouthPress": "mouth_press",
    "mouthLowerDown": "mouth_lowerLipDepress",
    "mouthUpperUp": "mouth_upperLipRaise",
    "browDown": "brow_lower",
    "browOuterUp": "brow_raise",
    "cheekSquint": "cheek_raise",
    "noseSneer": "nose_wrinkle",
    "eyeBlink": "eye_blink1",
    "eyeSquint": "eye_lidTight",
    "eyeWide": "eye_upperLidRaise",
    "eyeLookUp": "eye_lookUp",
    "eyeLookDown": "eye_lookDown1",
}
_LARGEST = {
    "mouthFunnel": ("mouth_funnel_dl", "mouth_funnel_dr", "mouth_funnel_ul", "mouth_funnel_ur"),
    "mouthPucker": ("mouth_pucker_l", "mouth_pucker_r"),
    "mouthRollLower": ("mouth_suck_dl", "mouth_suck_dr"),
    "mouthRollUpper": ("mouth_suck_ul", "mouth_suck_ur"),
    "cheekPuff": ("cheek_puff_l", "cheek_puff_r"),
    "mouthFrownLeft": ("mouth_lipCornerDepress_l", "mouth_lipCornerDepressFix_l"),
    "mouthFrownRight": ("mouth_lipCornerDepress_r", "mouth_lipCornerDepressFix_r"),
}
_FOLDED = {
    "mouth_oh_c": {"jawOpen": 0.3, "mouthFunnel": 0.5},
    "mouth_oo_c": {"mouthPucker": 0.6, "mouthFunnel": 0.2},
}
_CORRECTIVES = ("mouth_lipCornerDepressFix_l", "mouth_lipCornerDepressFix_r")

_SINGLE = _CENTRE | {
    f"{ours}{side}": f"{theirs}_{side[0].lower()}"
    for ours, theirs in _SIDES.items()
    for side in ("Left", "Right")
}

FACEGOOD_TO_ARKIT = ChannelMap(
    FACEGOOD,
    ARKIT,
    (
        *(Term(ours, {theirs: 1.0}) for ours, theirs in _SINGLE.items()),
        *(Term(ours, dict.fromkeys(theirs, 1.0), "max") for ours, theirs in _LARGEST.items()),
        *(Term(ours, {theirs: w}) for theirs, goals in _FOLDED.items() for ours, w in goals.items()),
    ),
)
"""From 116 shapes to the 52. ``tongueOut`` stays 0: FACEGOOD's tongue does not come out."""

ARKIT_TO_FACEGOOD = ChannelMap(
    ARKIT,
    FACEGOOD,
    (
        *(Term(theirs, {ours: 1.0}) for ours, theirs in _SINGLE.items()),
        *(
            Term(theirs, {ours: 1.0})
            for ours, many in _LARGEST.items()
            for theirs in many
            if theirs not in _CORRECTIVES
        ),
    ),
)
"""From the 52 to 116 shapes. Going there and back gives every channel but ``tongueOut`` again."""
