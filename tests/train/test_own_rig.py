"""The user's rig: channels named, ranges, what they are on ARKit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import RigError
from rhapsode.rigs import ARKIT, maps, rig_named
from rhapsode.train.own.rig import OwnRig, make_rig
from rhapsode.train.own.rig_file import read_rig


def rig(tmp_path: Path, text: str, found: tuple[str, ...], name: str = "rig.json") -> OwnRig:
    (tmp_path / name).write_text(text)
    return make_rig(found, read_rig(tmp_path / name), name="mine", top=1.0)


def test_names_are_understood_in_many_spellings() -> None:
    names = (
        "mouthPress",
        "Jaw_Open",
        "L_mouthSmile",
        "f.mouthSmile_R",
        "tentacle",
        "EyeBlinkLeft",
        "HeadYaw",
    )
    made = make_rig(names, None, name="mine", top=1.0)
    drives = {channel.name: [target for target, _ in channel.arkit] for channel in made.channels}
    assert drives["Jaw_Open"] == ["jawOpen"]
    assert drives["L_mouthSmile"] == ["mouthSmileLeft"]
    assert drives["mouthPress"] == ["mouthPressLeft", "mouthPressRight"]
    assert made.unshown == ("tentacle",)
    assert [channel.name for channel in made.channels if not channel.learn] == ["EyeBlinkLeft", "HeadYaw"]


def test_a_known_rig_keeps_its_map() -> None:
    known = rig_named("facegood")
    made = make_rig(known.channels, None, name="mine", top=1.0)
    values = np.random.default_rng(0).uniform(0, 1, (20, len(known))).astype(np.float32)
    assert made.like == "facegood"
    assert made.to_arkit(made.unit(values)) == pytest.approx(maps()[("facegood", "arkit")].apply(values))


def test_a_rig_that_counts_to_100() -> None:
    made = make_rig(("jawOpen",), None, name="mine", top=87.0)
    assert made.unit(np.full((1, 1), 50, np.float32))[0, 0] == pytest.approx(0.5)


def test_the_rig_file_says_what_drives_what(tmp_path: Path) -> None:
    text = """{"name": "ann", "fps": 24, "range": [0, 10], "sides": "viewer", "symmetric": true, "channels": {
        "chew": {"arkit": {"jawOpen": 0.5, "mouthClose": 1}}, "pull_l": "mouthSmileLeft",
        "mouthSmile_R": null, "wag": {"arkit": {}, "range": [-1, 1]}, "junk": "ignore"}}"""
    made = rig(tmp_path, text, ("chew", "pull_l", "mouthSmile_R", "wag", "junk", "more"))
    assert (made.name, made.fps, made.symmetric) == ("ann", Fraction(24), True)
    assert made.names == ("chew", "pull_l", "mouthSmile_R", "wag", "junk")
    shown = made.to_arkit(made.unit(np.array([[10, 5, 2, 1, 9]], np.float32)))[0]
    told = {ARKIT.channels[k]: float(shown[k]) for k in np.flatnonzero(shown)}
    assert told == pytest.approx({"jawOpen": 0.5, "mouthClose": 1, "mouthSmileLeft": 0.5})
    assert made.channels[3].scale == 1
    assert not made.channels[4].learn


def test_yaml_rigs_are_read(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs the extra 'train'")
    made = rig(tmp_path, "name: ann\nchannels:\n  - jaw\n  - jawOpen\n", ("jaw", "jawOpen"), "rig.yaml")
    assert made.names == ("jaw", "jawOpen")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "is a list"),
        ('{"colour": 1}', "unknown key 'colour'"),
        ('{"channels": {"jaw": "jawOpne"}}', "nearest: jawOpen"),
        ('{"channels": {"jaw": {"gain": 2}}}', "unknown key 'gain'"),
        ('{"channels": {"jaw": {"range": [1, 0]}}}', "two rising numbers"),
        ('{"range": 100}', "two rising numbers"),
        ('{"fps": "many"}', "frame rate must"),
        ('{"sides": "left"}', "character or viewer"),
        ('{"like": "nobody"}', "like must be one of"),
        ('{"channels": ["jaww"]}', "no file has the rig's channel 'jaww'; nearest: jaw"),
    ],
)
def test_wrong_rigs_say_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RigError, match=said) as caught:
        rig(tmp_path, text, ("jaw", "lips"))
    assert "\n" not in str(caught.value)
