"""Controls as a user reaches them: options of the command line, and what a stage's client may ask for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.cli.controls import controls_of
from rhapsode.errors import RigError, SettingError
from rhapsode.face.controls import Controls
from rhapsode.server.messages import Hello, MessageError, live_controls, parse_message


def test_options_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"lowerFaceStrength": 1.4, "skinStrength": 1, "gains": {"jawOpen": 1.1}}))
    made, ignored = controls_of(
        path, {"lower_strength": 0.8, "blink_strength": None}, ["jawLeft=0.5"], ["browInnerUp=.1"]
    )
    assert ignored == ("skinStrength",)
    assert made == Controls(
        lower_strength=0.8, gains={"jawOpen": 1.1, "jawLeft": 0.5}, offsets={"browInnerUp": 0.1}
    )
    assert controls_of(None, {"lower_strength": None}, [], []) == (None, ())


@pytest.mark.parametrize("pair", ["jawOpen", "jawOpen=", "jawOpen=wide"])
def test_a_gain_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(SettingError, match="--gain must be CHANNEL=VALUE"):
        controls_of(None, {}, [pair], [])
    with pytest.raises(RigError, match="nearest: jawOpen"):
        controls_of(None, {}, [], ["jawopen=1"])


def test_the_command_line_moves_the_face(tmp_path: Path) -> None:
    sound = tmp_path / "line.wav"
    soundfile.write(sound, np.random.default_rng(0).normal(0, 0.01, 16_000), 16_000)
    out = tmp_path / "line.csv"
    asked = ["animate", str(sound), "-o", str(out), "--still", "--offset", "browInnerUp=0.25"]
    result = CliRunner().invoke(app, [*asked, "--lower-strength", "0"])
    assert result.exit_code == 0, result.output
    rows = [line.split(",") for line in out.read_text().splitlines()]
    brow, jaw = (
        next(k for k, n in enumerate(rows[0]) if n.lower() == name) for name in ("browinnerup", "jawopen")
    )
    assert {float(row[brow]) for row in rows[1:]} == {0.25}
    assert {float(row[jaw]) for row in rows[1:]} == {0.0}


def test_a_client_may_turn_controls() -> None:
    text = json.dumps({"type": "hello", "controls": {"lower_strength": 1.2, "gains": {"jawOpen": 1.1}}})
    hello = parse_message(text)
    assert isinstance(hello, Hello)
    assert live_controls(hello) == Controls(lower_strength=1.2, gains={"jawOpen": 1.1})
    assert live_controls(Hello(type="hello")) is None
    with pytest.raises(SettingError, match="must lie in"):
        live_controls(Hello(type="hello", controls={"lower_strength": 9}))
    with pytest.raises(SettingError, match="no control 'lower'"):
        live_controls(Hello(type="hello", controls={"lower": 1}))
    with pytest.raises(SettingError, match="known ahead"):
        live_controls(Hello(type="hello", controls={"prediction_offset": -0.1}))
    with pytest.raises(MessageError, match="controls"):
        parse_message('{"type": "hello", "controls": [1]}')
