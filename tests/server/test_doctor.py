"""The doctor names what is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.face import manifests
from rhapsode.face.direction import Direction
from rhapsode.performance import Curves, Float32
from rhapsode.rigs import FACE
from rhapsode.server import doctor
from rhapsode.server.doctor import Check, check_handshake, check_origin, examine
from rhapsode.server.settings import ServerSettings
from tests.live.fake import FakeEngine, FakeFace
from tests.server.serve import serving


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SPEED_S", 0.02)


def found(name: str, tmp_path: Path, engine: FakeEngine | None = None) -> Check:
    checks = examine(ServerSettings(takes=str(tmp_path)), engine or FakeEngine())
    return next(check for check in checks if check.name == name)


def test_what_is_fine_is_fine(tmp_path: Path):
    for name in ("python", "weights", "voice", "speed", "receivers"):
        check = found(name, tmp_path)
        assert check.state == "ok", check
    assert all(check.remedy for check in examine(ServerSettings(), FakeEngine()) if check.state != "ok")


def test_a_missing_extra_comes_with_its_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_EXTRAS", (("webrtc", "no_such_module", "WebRTC"),))
    check = found("extra webrtc", tmp_path)
    assert (check.state, check.remedy) == ("warning", "pip install 'rhapsode[webrtc]'")


def test_damaged_weights_are_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "one.json").write_text(json.dumps({"file": "one.onnx", "sha256": "0" * 64}))
    (tmp_path / "one.onnx").write_bytes(b"x")
    monkeypatch.setattr(manifests, "SHIPPED", tmp_path)
    check = found("weights", tmp_path)
    assert check.state == "bad"
    assert "the weights of one are" in check.message


def test_a_slow_machine_is_named(tmp_path: Path):
    class SlowFace(FakeFace):
        def push(self, chunk: Float32) -> Curves:
            time.sleep(0.12)
            return Curves(FACE.channels, np.zeros((0, len(FACE)), np.float32))

    class SlowEngine(FakeEngine):
        def face(self, direction: Direction) -> FakeFace:
            return SlowFace(direction)

    check = found("speed", tmp_path, SlowEngine())
    assert check.state == "bad"
    assert "slow CPU" in check.message


def test_an_engine_that_is_not_there_is_a_finding_and_no_end(tmp_path: Path):
    checks = examine(ServerSettings(weights="none", takes=str(tmp_path)))
    bad = [check for check in checks if check.state == "bad"]
    assert len(bad) == 1
    assert "no engine 'none'" in bad[0].message
    assert "disk" in [check.name for check in checks]


def test_a_listening_receiver_is_seen(tmp_path: Path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(("127.0.0.1", 43014))
        except OSError:
            pytest.skip("port 43014 is in use on this machine")
        assert "somebody listens for: FACEGOOD's Unreal project 43014" in found("receivers", tmp_path).message


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "SPACE_OUT", 1 << 60)
    monkeypatch.setattr(doctor, "SPACE_LOW", 1 << 61)
    assert found("disk", tmp_path / "not" / "there").state == "bad"


@pytest.mark.parametrize(
    ("host", "secure", "state"),
    [
        ("127.0.0.1", False, "ok"),
        ("localhost", False, "ok"),
        ("192.168.1.5", False, "warning"),
        ("stage.example", True, "ok"),
    ],
)
def test_an_insecure_origin_is_named(host: str, secure: bool, state: str):
    assert check_origin(host, secure=secure).state == state


def shaken(url: str, token: str = "") -> Check:
    return asyncio.run(check_handshake(url, token))


def test_the_handshake_of_a_running_server(tmp_path: Path):
    with serving(ServerSettings(port=0, token="secret", takes=str(tmp_path))) as url:
        assert shaken(url, "secret").state == "ok"
        refused = shaken(url)
        assert (refused.state, refused.remedy) == ("bad", "give its token with --token")
    assert shaken(url).state == "warning"


def test_what_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "HANDSHAKE_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        check = shaken(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert check.state == "bad"
    assert "does not answer within" in check.message


def test_the_verb_prints_one_document_and_tells_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(doctor, "examine", lambda settings, talk: [Check("python", "ok", "fine")])
    result = CliRunner().invoke(app, ["doctor", "--json", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(result.stdout)["checks"]
    assert [row["name"] for row in rows] == ["python", "websocket", "origin"]
    assert set(rows[0]) == {"name", "state", "message", "remedy"}
    monkeypatch.setattr(
        doctor, "examine", lambda settings, talk: [Check("python", "bad", "old", "get a new one")]
    )
    result = CliRunner().invoke(app, ["doctor", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 1
