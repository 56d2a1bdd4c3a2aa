"""What programs call the shapes and bones of a face: tables, spelled as `rhapsode.avatars.spelling.key` does.

Sources: ARKit; Oculus LipSync; VRChat's vrc.v_*; VRoid Studio's Fcl_*; Ready Player Me; Reallusion's
Character Creator (V_* and its older visemes); the customs of MikuMikuDance models; Mixamo, AdvancedSkeleton,
Rigify and MetaHuman for bones.
"""

from __future__ import annotations

from collections.abc import Mapping

VOWELS: Mapping[str, tuple[str, ...]] = {
    "aa": ("aa", "mtha", "moutha", "vowela", "lipa", "shapea", "talka", "あ", "ah", "a"),
    "ih": ("ih", "mthi", "mouthi", "voweli", "lipi", "shapei", "talki", "い", "i"),
    "ou": ("ou", "mthu", "mouthu", "vowelu", "lipu", "shapeu", "talku", "う", "u"),
    "ee": ("ee", "mthe", "mouthe", "vowele", "lipe", "shapee", "talke", "え", "e"),
    "oh": ("oh", "mtho", "moutho", "vowelo", "lipo", "shapeo", "talko", "お", "o"),
}
"""Spellings of the five vowels, VRM 1.0 name first; a VRM preset of that name comes before any shape."""

VISEMES: Mapping[str, tuple[str, ...]] = {
    "PP": ("visemepp", "vpp", "visemebmp", "vexplosive", "bmp"),
    "FF": ("visemeff", "vff", "visemefv", "vdentallip", "fv"),
    "TH": ("visemeth", "vth", "th"),
    "DD": ("visemedd", "vdd", "vlipopen", "tldn"),
    "kk": ("visemekk", "vkk", "khgng", "kghng"),
    "CH": ("visemech", "vch", "vaffricate", "chj"),
    "SS": ("visemess", "vss", "sz"),
    "nn": ("visemenn", "vnn"),
    "RR": ("visemerr", "vrr", "er"),
    "aa": ("visemeaa", "vaa", "visemea", "va", "vopen", "ah"),
    "E": ("visemee", "ve", "vwide", "ae"),
    "ih": ("visemeih", "vih", "visemei", "vi", "ih"),
    "oh": ("visemeoh", "voh", "visemeo", "vo", "vtighto", "oh"),
    "ou": ("visemeou", "vou", "visemeu", "vu", "vtight", "woo"),
}
"""Spellings of the Oculus visemes; silence needs no shape."""

OPEN: tuple[str, ...] = (
    *("jawopen", "mouthopen", "openmouth", "jawdrop", "mouthaa", "mouthlarge", "mthlarge", "ワ", "あ2"),
    *("口開け", "open"),
)
"""Single shapes that open the mouth, for avatars that have nothing better."""

SIDED: Mapping[str, Mapping[str, float]] = {
    "eyeBlink": {
        **dict.fromkeys(("blink", "eyeclose", "eyeclosed", "eyesclosed", "eyesclose", "eyeshut"), 1.0),
        **dict.fromkeys(("closeeye", "lidclose", "ウィンク2", "wink", "まばたき", "目閉じ"), 1.0),
        **dict.fromkeys(("なごみ", "笑い", "eyejoy"), 1.0),
    },
    "eyeSquint": {"squint": 1.0, "lowerlid": 0.8, "じと目": 0.6, "下瞼上げ": 0.8, "eyefun": 0.5},
    "eyeWide": {"eyeswide": 1.0, "びっくり": 0.7, "eyespread": 0.8, "eyesurprised": 0.6, "見開き": 0.8},
    "eyeLookUp": {"eyeslookup": 1.0, "lookup": 1.0, "eyeup": 1.0},
    "eyeLookDown": {"eyeslookdown": 1.0, "lookdown": 1.0, "eyedown": 1.0},
    "browDown": {
        **dict.fromkeys(
            ("browsdown", "eyebrowdown", "browangry", "browsangry", "brwangry", "browlower"), 0.9
        ),
        "怒り": 0.9,
        "真面目": 0.8,
        "下": 0.8,
    },
    "browOuterUp": {
        **dict.fromkeys(("browup", "browsup", "eyebrowup", "browraise", "browsraise", "brwsurprised"), 0.8),
        "上": 0.8,
        "にこり": 0.6,
    },
    "mouthSmile": {
        **dict.fromkeys(("smile", "mouthcornerup", "cornerup", "口角上げ", "mouthcornerpull"), 1.0),
        "mthfun": 0.8,
        "mouthfun": 0.8,
        "にやり": 0.8,
        "にっこり": 0.8,
        "mthup": 0.6,
        "mthjoy": 0.5,
    },
    "mouthFrown": {
        **dict.fromkeys(("frown", "mouthcornerdown", "cornerdown", "口角下げ", "mouthcornerdepress"), 1.0),
        "mthsorrow": 0.7,
        "mouthsad": 0.7,
        "mthdown": 0.6,
    },
    "mouthStretch": {"mouthwide": 0.8, "mouthwiden": 0.8, "口横広げ": 0.8, "stretch": 0.8},
    "mouthPress": {"mouthclosed": 0.5, "lipspress": 1.0, "mouthtight": 0.7},
    "mouthLowerDown": {"lowerlipdown": 1.0, "mouthlower": 0.6},
    "mouthUpperUp": {"upperlipup": 1.0, "mouthupper": 0.6},
    "mouthDimple": {"dimple": 1.0},
    "cheekSquint": {"cheekraise": 1.0, "cheekup": 1.0},
    "noseSneer": {"sneer": 1.0, "nosewrinkle": 1.0, "nosewrinkler": 1.0},
}
"""What stands in for a channel that has two sides, and how much of it; best first.

A name with a side plays its own side, one without a side plays half from each.
"""

SINGLE: Mapping[str, Mapping[str, float]] = {
    "browInnerUp": {
        **dict.fromkeys(("browsinnerup", "innerbrowup", "browraiseinner", "browraisein"), 1.0),
        "困る": 0.8,
        "brwsorrow": 0.7,
        "browssad": 0.7,
        "browsad": 0.7,
        "上": 0.4,
        "browsup": 0.4,
        "browup": 0.4,
        "brwsurprised": 0.4,
    },
    "cheekPuff": {"puff": 1.0, "cheekspuff": 1.0, "ぷくー": 0.8, "頬膨らみ": 0.8},
    "tongueOut": {"tongue": 1.0, "ぺろっ": 0.8, "べー": 0.8, "てへぺろ": 0.6, "舌出し": 1.0},
    "mouthPucker": {"pucker": 1.0, "kiss": 1.0, "mouthnarrow": 0.7, "mthsmall": 0.7, "口横縮げ": 0.7},
    "mouthFunnel": {"funnel": 1.0, "mouthround": 0.8},
    "mouthClose": {"lipsclose": 1.0, "lipstogether": 1.0},
    "mouthRollLower": {"lowerlipin": 1.0},
    "mouthRollUpper": {"upperlipin": 1.0},
    "mouthShrugLower": {"chinraise": 0.8},
    "jawForward": {"jawforwards": 1.0, "jawfwd": 1.0},
}
"""What stands in for a channel in the middle, and how much of it; best first. Of two sides both play."""

MOODS: Mapping[str, Mapping[str, float]] = {
    "mouthSmile": {
        "relaxed": 0.35,
        "fun": 0.35,
        "fclallfun": 0.35,
        "happy": 0.3,
        "joy": 0.3,
        "fclalljoy": 0.3,
    },
    "mouthFrown": {"sad": 0.3, "sorrow": 0.3, "fclallsorrow": 0.3},
    "browDown": {"angry": 0.3, "fclallangry": 0.3},
    "browInnerUp": {"sad": 0.3, "sorrow": 0.3, "fclallsorrow": 0.3},
    "browOuterUp": {"surprised": 0.25, "fclallsurprised": 0.25},
}
"""Moods of the whole face that stand in where nothing better does: little, for they move mouths too."""

LOOKS: Mapping[str, tuple[str, str]] = {
    "lookUp": ("eyeLookUpLeft", "eyeLookUpRight"),
    "lookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "lookLeft": ("eyeLookOutLeft", "eyeLookInRight"),
    "lookRight": ("eyeLookInLeft", "eyeLookOutRight"),
}
"""Channels that share each of the four expressions of gaze."""

BONES: Mapping[str, tuple[str, ...]] = {
    "head": ("head", "ccbasehead", "facialchead", "頭"),
    "neck": ("neck", "neck1", "neck01", "necktwist01", "首"),
    "jaw": (
        "jaw",
        "jawroot",
        "jawm",
        "jawjoint",
        "jawjnt",
        "lowerjaw",
        "mandible",
        "cjaw",
        "jaw01",
        "あご",
        "顎",
    ),
    "leftEye": ("eyeleft", "faceeyeleft", "eyeballleft", "eyejointleft", "eye01left", "目left"),
    "rightEye": ("eyeright", "faceeyeright", "eyeballright", "eyejointright", "eye01right", "目right"),
    "leftUpperArm": ("armleft", "upperarmleft", "uparmleft", "腕left"),
    "rightUpperArm": ("armright", "upperarmright", "uparmright", "腕right"),
    "leftLowerArm": ("forearmleft", "lowerarmleft", "elbowleft", "ひじleft"),
    "rightLowerArm": ("forearmright", "lowerarmright", "elbowright", "ひじright"),
    "leftShoulder": ("shoulderleft", "clavicleleft", "肩left"),
    "rightShoulder": ("shoulderright", "clavicleright", "肩right"),
    "spine": ("spine", "spine01", "上半身"),
    "chest": ("chest", "spine1", "spine02", "上半身2"),
}
"""Spellings of the bones that a face and its bearing need, by VRM 1.0 humanoid name."""
