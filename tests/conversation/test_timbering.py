"""The timbre of the settings on voices of Pipecat's services: converted as they speak."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rhapsode.audio.resample import resample
from rhapsode.conversation.events import Answered, Fault, SpeakingStarted
from rhapsode.live.items import Item, SoundItem
from rhapsode.performance import Float32
from rhapsode.settings import Settings, Speak, Think
from rhapsode.speech.converted_stream import CONTEXT_S, HELD_S, ConvertedStream, Learning
from rhapsode.speech.timbre import Timbre
from rhapsode.speech.voice import Speech
from rhapsode.speech.world import measure
from tests.conversation.fake import Scene, converse
from tests.speech.test_timbre import recording

OURS = "pipecat:tests.pipecat.fake_services"
HERE = "tests.conversation.test_timbering"
RATE = 24_000


def half(voice: Any, language: str) -> Any:
    """Return a converter to half the level."""
    assert voice == f"{OURS}:Voice"

    def convert(speech: Speech) -> Speech:
        return replace(speech, sound=replace(speech.sound, samples=speech.sound.samples * np.float32(0.5)))

    return convert


def broken(voice: Any, language: str) -> Any:
    """Return a converter that fails."""

    def convert(speech: Speech) -> Speech:
        raise ZeroDivisionError("no such luck")

    return convert


class Listener:
    """Hears a session."""

    def __init__(self) -> None:
        self.items: list[SoundItem] = []

    def offer(self, item: Item) -> None:
        if isinstance(item, SoundItem):
            self.items.append(item)

    def interrupted(self, generation: int) -> None:
        pass

    @property
    def sound(self) -> Float32:
        return np.concatenate([np.zeros(0, np.float32), *(item.samples for item in self.items)])


def answer(timbre: str, *, cut: bool = False) -> tuple[Scene, Float32]:
    listener = Listener()

    async def story(scene: Scene) -> None:
        scene.session.attach(listener)
        scene.talk.ask("tell me")
        if cut:
            await scene.until(lambda: scene.talk.state == "speaking")
            await scene.until(lambda: scene.now() - scene.when(SpeakingStarted) > 1.2)
            scene.talk.interrupt()
        await scene.until(lambda: bool(scene.told(Answered)))

    think = Think(kind="model", model=f"{OURS}:Model")
    settings = Settings(think=think, speak=Speak(voice=f"{OURS}:Voice", timbre=timbre))
    (scene,) = converse(story, settings=settings)
    return scene, listener.sound


def test_a_vendors_voice_is_converted_and_its_words_and_times_stay():
    plain, one = answer("")
    scene, other = answer(f"{HERE}:half")
    told, wanted = scene.told(Answered)[0], plain.told(Answered)[0]
    assert told.text == wanted.text
    assert not scene.told(Fault)
    loud = [np.abs(y[y != 0]) for y in (one, other)]
    assert len(loud[1]) == pytest.approx(len(loud[0]), rel=0.01)
    assert np.median(loud[1]) == pytest.approx(np.median(loud[0]) / 2, rel=0.01)
    spoken_s = [s.when(Answered) - s.when(SpeakingStarted) for s in (plain, scene)]
    assert spoken_s[1] == pytest.approx(spoken_s[0], abs=0.05)


def test_what_was_heard_of_a_converted_answer_is_known():
    scene, _ = answer(f"{HERE}:half", cut=True)
    (told,) = scene.told(Answered)
    assert told.interrupted
    assert told.text == "You said"


def test_where_it_cannot_be_converted_that_is_told_once_and_the_voice_is_heard():
    plain, one = answer("")
    scene, other = answer(f"{HERE}:broken")
    (fault,) = scene.told(Fault)
    assert fault.part == "speak"
    assert "no such luck; check speak.timbre" in fault.message
    assert scene.told(Answered)[0].text == plain.told(Answered)[0].text
    assert np.abs(other).max() == pytest.approx(np.abs(one).max())


@pytest.mark.parametrize("size", [480, 7001, 100_000])
def test_pieces_come_out_without_a_seam_or_a_lost_sample(size: int):
    t = np.arange(3 * RATE) / RATE
    y = (0.3 * np.sin(2 * np.pi * 200 * t)).astype(np.float32)

    def convert(speech: Speech) -> Speech:  # as WORLD's, it ends with a ramp
        made = speech.sound.samples.copy()
        made[-96:] *= np.linspace(1, 0, 96, dtype=np.float32)[:, None]
        return replace(speech, sound=replace(speech.sound, samples=made))

    stream, made = ConvertedStream(convert, RATE), []
    for first in range(0, len(y), size):
        made.append(stream.push(y[first : first + size], last=first + size >= len(y)))
        assert sum(map(len, made)) >= min(first + size, len(y)) - round(HELD_S * RATE)
    out = np.concatenate(made)
    assert len(out) == len(y)
    np.testing.assert_allclose(out[:-96], y[:-96], atol=0.02)
    assert CONTEXT_S > HELD_S


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyworld") is None, reason="needs the extra 'timbre'")
def test_a_voice_that_nobody_can_ask_is_measured_on_what_it_says(tmp_path: Path):
    voice = recording("welcome")
    low = resample(np.concatenate([recording("plums"), recording("violins")]), round(RATE * 0.8), RATE)
    soundfile.write(tmp_path / "low.wav", low / np.abs(low).max() * 0.8, RATE)
    learning, made = Learning(Timbre.from_file(tmp_path / "low.wav")), []
    stream = ConvertedStream(learning, RATE)
    size = 2 * RATE
    for first in range(0, len(voice), size):
        learning.hear(voice[first : first + size], RATE)
        made.append(stream.push(voice[first : first + size], last=first + size >= len(voice)))
    assert learning.profile is not None
    out = np.concatenate(made)
    assert len(out) == len(voice)
    own, aim, got = (measure(y, least_s=1).pitch for y in (voice, low, out))
    assert abs(got - aim) < 0.35 * abs(own - aim)
