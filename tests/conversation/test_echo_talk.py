"""A loudspeaker beside the microphone: an answer does not interrupt itself, a person does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rhapsode.audio.echo import RATE
from rhapsode.audio.resample import Resampler, resample
from rhapsode.audio.vad import SileroVad
from rhapsode.conversation import Resources
from rhapsode.conversation.events import Answered, SpeechStarted, StateChanged
from rhapsode.dialogue.turns import Question
from rhapsode.live.items import Item, SoundItem
from rhapsode.live.playout import Playout
from rhapsode.performance import Float32, Sound, Words
from rhapsode.settings import Hear, Settings, Speak
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech
from tests.audio.test_echo import recording, room
from tests.conversation.fake import FakeResources, Scene, converse

VOICE_HZ = 24_000
SOUND_S = 0.16
"""How late what is due is heard, seconds: a loudspeaker's buffer and the room."""


class RealEars(FakeResources):
    """A real voice is played, and real ears listen."""

    def __init__(self) -> None:
        super().__init__()
        y = recording("welcome")
        self.sound = Sound(resample(y, RATE, VOICE_HZ)[:, None], VOICE_HZ, Fraction(0))
        self.speaker = self._speak
        self.heard: list[Float32] = []  # what was to be recognised

    def recognises(self, hear: Hear) -> Any:
        recognise = super().recognises(hear)

        def kept(samples: Float32, *, final: bool) -> Question:
            self.heard.append(samples)
            return recognise(samples, final=final)

        return kept

    def cleaners(self, hear: Hear) -> list[Any]:
        return Resources.cleaners(self, hear)

    def activity(self) -> Any:
        return SileroVad()

    def _speak(self, text: str, language: str, manner: Manner) -> Iterator[Speech]:
        yield Speech(self.sound, Words(()))


class Loudspeaker:
    """Plays what a session gives out: an outlet that keeps (seconds * RATE,) of sound from ``begin`` on."""

    def __init__(self, scene: Scene, seconds: float) -> None:
        self.begin, self.played = scene.now(), np.zeros(round(seconds * RATE), np.float32)
        self._scene = scene

    def offer(self, item: Item) -> None:
        if isinstance(item, SoundItem):
            y = resample(item.samples, item.sample_rate, RATE)
            first = round((self._scene.session.timeline.time_of(item.start) - self.begin) * RATE)
            part = y[: max(len(self.played) - first, 0)]
            self.played[first : first + len(part)] = part

    def interrupted(self, generation: int) -> None:
        self.played[round((self._scene.now() - self.begin) * RATE) :] = 0


async def in_a_room(scene: Scene, seconds: float, person: Float32, at_s: float, *, headphones: bool) -> None:
    """Let the microphone hear what is played, without headphones, and a person from ``at_s`` on."""
    speaker, tail = Loudspeaker(scene, seconds), RATE // 2
    scene.session.attach(speaker)
    step = 640
    for first in range(0, round(seconds * RATE), step):
        await asyncio.sleep(step / RATE)
        due = first - round(SOUND_S * RATE)
        loud = np.concatenate([np.zeros(tail + max(-due, 0), np.float32), speaker.played])
        loud = loud[max(due, 0) :][: tail + step] * np.float32(not headphones)
        heard = room(loud, delay_ms=0)[-step:]
        said = person[max(first - round(at_s * RATE), 0) :][: step if first >= at_s * RATE else 0]
        heard[: len(said)] += said
        scene.talk.hear(heard)


@pytest.fixture(scope="module")
def ears() -> RealEars:
    return RealEars()


def talk(
    ears: RealEars, *, echo: bool, person: Float32, at_s: float = 0.0, headphones: bool = False
) -> Scene:
    async def story(scene: Scene) -> None:
        scene.talk.listen(RATE)
        scene.talk.say("What it says does not matter.")
        await in_a_room(scene, 8.0, person, at_s, headphones=headphones)

    (scene,) = converse(story, resources=ears, settings=Settings(hear=Hear(echo=echo), speak=Speak()))
    return scene


@pytest.mark.slow
def test_an_answer_does_not_interrupt_itself(ears: RealEars):
    scene = talk(ears, echo=True, person=np.zeros(0, np.float32))
    assert not scene.told(SpeechStarted)
    assert [answer.interrupted for answer in scene.told(Answered)] == [False]
    assert scene.told(StateChanged)[-1].state == "idle"


@pytest.mark.slow
def test_without_the_gate_it_would(ears: RealEars):
    scene = talk(ears, echo=False, person=np.zeros(0, np.float32))
    assert scene.told(Answered)[0].interrupted


@pytest.mark.slow
def test_a_person_interrupts_it(ears: RealEars):
    person = recording("violins")[RATE // 2 : RATE * 7 // 2] * np.float32(0.5)
    scene = talk(ears, echo=True, person=person, at_s=3.0)
    assert scene.told(Answered)[0].interrupted
    begun = scene.when(SpeechStarted, 0)
    assert 2.9 < begun - scene.events[0][0] < 4.0


@pytest.mark.slow
@pytest.mark.parametrize(("headphones", "at_s"), [(True, 0.8), (True, 1.4), (False, 1.0), (False, 3.0)])
def test_a_person_who_interrupts_it_is_heard_from_the_first_word_on(
    ears: RealEars, headphones: bool, at_s: float
):
    person = recording("violins")[RATE // 2 : RATE * 7 // 2] * np.float32(0.5)
    first = int(np.argmax(np.abs(person) > 0.02))
    word = person[first : first + RATE * 3 // 10]
    scene = talk(ears, echo=True, person=person, at_s=at_s, headphones=headphones)
    assert scene.told(Answered)[0].interrupted
    alike = np.correlate(ears.heard[-1], word)
    at = int(alike.argmax())
    found = ears.heard[-1][at : at + len(word)]
    assert float(alike[at]) > 0.8 * float(np.linalg.norm(word) * np.linalg.norm(found))


class Set:
    """A loudspeaker that plays the voice and the background, as every sink does."""

    def __init__(self, scene: Scene, seconds: float) -> None:
        self.played = np.zeros(round(seconds * RATE) + RATE, np.float32)
        self._playout, self._down, self._at = Playout(scene.session.timeline), Resampler(VOICE_HZ, RATE), 0

    def offer(self, item: Item) -> None:
        self._playout.offer(item)

    def interrupted(self, generation: int) -> None:
        self._playout.interrupted()

    def play(self, now: float, samples: int) -> None:
        y = self._down.push(self._playout.moment(now, samples * VOICE_HZ // RATE)[1])
        self.played[self._at : self._at + len(y)] = y
        self._at += len(y)


def over_a_background(ears: RealEars, folder: Path, *, echo: bool, says: str, person_at_s: float) -> Scene:
    """Let people talk in the background of 7 s, in which it may speak and a person may too."""
    y = np.concatenate([recording("plums"), recording("violins")])
    soundfile.write(folder / "people.wav", y + np.roll(y, 3 * RATE), RATE)
    person = recording("violins")[RATE // 2 : RATE * 5 // 2]

    async def story(scene: Scene) -> None:
        await scene.until(lambda: scene.session.timeline.bed is not None)
        speaker, step, tail = Set(scene, 7.0), 640, RATE // 2
        scene.session.attach(speaker)
        scene.talk.listen(RATE)
        if says:
            scene.talk.say(says)
        for first in range(0, 7 * RATE, step):
            await asyncio.sleep(step / RATE)
            speaker.play(scene.now(), step)
            due = first - round(SOUND_S * RATE)
            loud = np.concatenate([np.zeros(tail + max(-due, 0), np.float32), speaker.played])
            heard = room(loud[max(due, 0) :][: tail + step], delay_ms=0)[-step:]
            since = first - round(person_at_s * RATE)
            said = person[max(since, 0) :][: step if since >= 0 else 0]
            heard[: len(said)] += said
            scene.talk.hear(heard)

    speak = Speak(background=str(folder / "people.wav"), background_db=-14)
    (scene,) = converse(story, resources=ears, settings=Settings(hear=Hear(echo=echo), speak=speak))
    return scene


@pytest.mark.slow
def test_people_in_the_background_are_not_heard_and_do_not_hide_who_speaks(ears: RealEars, tmp_path: Path):
    says = "What it says does not matter."
    alone = over_a_background(ears, tmp_path, echo=True, says=says, person_at_s=99)
    assert not alone.told(SpeechStarted)
    assert [answer.interrupted for answer in alone.told(Answered)] == [False]
    assert over_a_background(ears, tmp_path, echo=False, says="", person_at_s=99).told(SpeechStarted)
    person = over_a_background(ears, tmp_path, echo=True, says="", person_at_s=3.0)
    assert len(person.told(SpeechStarted)) >= 1
