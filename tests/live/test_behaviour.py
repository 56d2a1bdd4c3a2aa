"""Behaviour on a living face: gestures, states, and never a frozen face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest

from rhapsode.errors import SettingError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion, Feelings
from rhapsode.face.life import Life, LifeStream
from rhapsode.live.asked import Speech
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.behaviour.gestures import GESTURES, Gesture
from rhapsode.live.behaviour.parts import AT, PARTS, zeros
from rhapsode.live.behaviour.states import STATES, State
from rhapsode.live.behaviour.wearing import worn
from rhapsode.live.engine import Block
from rhapsode.live.gate import Mixes
from rhapsode.live.items import BeginItem, CurvesItem, Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import Curves, Float32, Sound, Words
from rhapsode.protocols.vmc_bones import BONES
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from rhapsode.settings import Perform
from tests.live.virtual import Inline, play

PITCH, YAW, ROLL = (FACE.index(f"head{name}") for name in ("Pitch", "Yaw", "Roll"))
EYES = [FACE.index(f"{side}Eye{way}") for side in ("left", "right") for way in ("Yaw", "Pitch")]
ANGLES = slice(len(ARKIT), None)


class LivingFace:
    """Life alone: what moves a face that hears nothing, without an engine."""

    def __init__(self, direction: Direction) -> None:
        self._life = LifeStream(direction.life or Life(), seed=direction.seed)
        self._made = 0

    def feel(self, emotion: Feelings) -> None:
        pass

    def words(self, words: Words, *, begin_s: float, end_s: float) -> None:
        pass

    def push(self, chunk: Float32) -> Curves:
        count = len(chunk) // 480
        loud = np.abs(chunk[: count * 480]).reshape(count, 480).max(axis=1, initial=0) > 0.01
        voice = np.stack([loud, 0.5 * loud], axis=1).astype(np.float32)
        face = self._life.push(np.zeros((count, 52), np.float32), voice)
        self._made += count
        return Curves(FACE.channels, face, start=Fraction((self._made - count) * 320))


class LivingEngine:
    names = FACE.channels

    def face(self, direction: Direction) -> LivingFace:
        return LivingFace(direction)

    def speak(self, text: str) -> Iterator[Block]:
        yield Sound(np.full(round(24_000 * float(text)), 0.1, np.float32), 24_000), Words()

    def play(self, path: Path) -> Iterator[Block]:
        yield from self.speak("1")


class Seen:
    """Keeps what goes out."""

    def __init__(self) -> None:
        self.items: list[CurvesItem] = []
        self.others: list[Item] = []

    def offer(self, item: Item) -> None:
        if isinstance(item, CurvesItem):
            self.items.append(item)
        elif not isinstance(item, SoundItem):
            self.others.append(item)

    def interrupted(self, generation: int) -> None:
        pass

    @property
    def values(self) -> Float32:
        return np.concatenate([item.values for item in self.items])


Story = Callable[[Session, Behaviour], None]


def seen(
    seconds: float,
    *cues: tuple[float, Story],
    settings: Perform | None = None,
    seed: int = 3,
    life: Life | None = None,
    body: bool = True,
) -> Seen:
    """Play a session with behaviour for ``seconds``; each cue is called at its second."""

    async def run() -> Seen:
        got = Seen()
        session = Session(LivingEngine(), Inline(), direction=Direction(seed=seed, life=life))
        behaviour = Behaviour(session, settings=settings, seed=seed, body=body)
        session.attach(got)
        serving = asyncio.create_task(session.run())
        await session.ready.wait()
        at = 0.0
        for when, cue in sorted(cues, key=lambda pair: pair[0]):
            await asyncio.sleep(when - at)
            at = when
            cue(session, behaviour)
        await asyncio.sleep(seconds - at)
        serving.cancel()
        return got

    return play(run())


def in_state(state: State) -> Story:
    return lambda _, behaviour: behaviour.state(state)


def made(gesture: str) -> Story:
    def story(_: Session, behaviour: Behaviour) -> None:
        behaviour.gesture(gesture)

    return story


@pytest.mark.parametrize("name", GESTURES)
def test_a_gesture_begins_and_ends_at_rest_moves_something_and_nothing_jumps(name: str):
    gesture, rows = Gesture(name, Random(5)), []
    while not gesture.over:
        row = zeros()
        gesture.step(row, 0.02)
        rows.append(row)
    track = np.array([zeros(), *rows])
    assert np.abs(track[-1]).max() < 0.01
    assert np.abs(track).max() > 0.05
    steps = np.abs(np.diff(track, axis=0)).max(axis=0)
    eyes = [AT[n] for n in ("gaze_yaw", "gaze_pitch", "attention")] + [
        AT[n] for n in PARTS if n.startswith("eyeBlink")
    ]
    assert np.delete(steps, eyes).max() < 0.16
    assert len(track) < 5 / 0.02


def test_no_two_gestures_are_alike_and_the_same_seed_gives_the_same():
    def rows(seed: int) -> Float32:
        return seen(3.0, (0.5, made("nod")), seed=seed, life=Life.off()).values

    np.testing.assert_array_equal(rows(1), rows(1))
    assert np.abs(rows(1)[:, PITCH].max() - rows(2)[:, PITCH].max()) > 1e-3


def test_a_nod_moves_the_head_and_not_the_gaze():
    quiet, nodding = seen(3.0).values, seen(3.0, (1.0, made("nod"))).values
    moved = (nodding - quiet)[:, PITCH]
    assert moved.max() > 0.1
    gaze = [values[:, PITCH] + values[:, FACE.index("leftEyePitch")] for values in (quiet, nodding)]
    np.testing.assert_allclose(gaze[1], gaze[0], atol=0.02)


def test_what_cannot_be_done_is_refused():
    def story(_: Session, behaviour: Behaviour) -> None:
        with pytest.raises(SettingError, match=r"a gesture must be one of: nod, .*got 'dance'"):
            behaviour.gesture("dance")
        with pytest.raises(SettingError, match=r"a state must be one of: idle, .*got 'asleep'"):
            behaviour.state("asleep")  # type: ignore[arg-type]

    seen(0.1, (0.05, story))


def test_settings_switch_off_what_they_name():
    off = Perform(gestures=False, listening=False, thinking=False, gaze=False)
    plain = seen(4.0, settings=off, body=False).values
    for cue in (made("wave"), in_state("listening"), in_state("thinking")):
        np.testing.assert_allclose(seen(4.0, (0.5, cue), settings=off, body=False).values, plain, atol=1e-6)
    assert np.abs(seen(4.0, (0.5, in_state("thinking"))).values - plain).max() > 0.05


def test_bones_are_those_of_vrm_of_unit_length_and_never_jump():
    got = seen(9.0, (0.5, made("wave")), (4.0, made("shrug")), (6.0, made("bow")))
    names = set().union(*(item.bones for item in got.items))
    assert names <= set(BONES)
    assert {"spine", "rightUpperArm", "leftLowerArm", "rightIndexProximal"} <= names
    for bone in names:
        turns = np.array([item.bones[bone] for item in got.items if bone in item.bones])
        np.testing.assert_allclose(np.linalg.norm(turns, axis=1), 1, atol=1e-6)
        near = np.abs((turns[1:] * turns[:-1]).sum(axis=1)).clip(0, 1)
        assert (2 * np.arccos(near)).max() < 0.3, bone
    assert not any(item.bones for item in seen(1.0, body=False).items)


def test_a_gesture_that_belongs_to_speech_begins_with_it_and_ends_with_it():
    def speak(session: Session, behaviour: Behaviour) -> None:
        session.perform(Speech("words", "text", lambda: LivingEngine().speak("5")))
        behaviour.gesture("wave", at=round(session.timeline.sample_at(4.0)))

    def stop(session: Session, behaviour: Behaviour) -> None:
        assert behaviour.gesturing == ("wave",)
        session.interrupt()

    raised = ["rightIndexProximal" in item.bones for item in seen(6.0, (1.0, speak), (4.2, stop)).items]
    assert 0.5 < sum(raised) / 50 < 2.0, "a whole wave takes 2.4 s at least"

    def early(session: Session, behaviour: Behaviour) -> None:
        session.interrupt()

    got = seen(6.0, (1.0, speak), (2.0, early))
    assert not any("rightIndexProximal" in item.bones for item in got.items)


def test_speech_goes_out_well_before_it_is_due_and_life_later():
    got: list[tuple[str, float]] = []

    def watch(session: Session, _: Behaviour) -> None:
        class Late:
            def offer(self, item: Item) -> None:
                if isinstance(item, CurvesItem):
                    now = asyncio.get_running_loop().time()
                    got.append((kind[0], session.timeline.time_of(item.start) - now))
                elif isinstance(item, BeginItem):
                    kind[0] = "speech"

            def interrupted(self, generation: int) -> None:
                pass

        session.attach(Late())

    kind = ["life"]
    speech = Speech("words", "text", lambda: LivingEngine().speak("4"))
    seen(5.0, (0.1, watch), (2.0, lambda session, _: session.perform(speech)))
    life = [ahead for what, ahead in got if what == "life"][10:]
    speech_ahead = [ahead for what, ahead in got if what == "speech"][100:]
    assert max(life) < 0.2
    assert 0.7 < np.median(speech_ahead) < 0.9


def windows_without_motion(values: Float32) -> list[int]:
    """Return the first curve frames of the seconds in which nothing moves that can be seen."""
    still = []
    for first in range(0, len(values) - 50, 10):
        window = values[first : first + 50]
        span = window.max(axis=0) - window.min(axis=0)
        # 0.15 degrees of the head, half a degree of an eye, 1 % of a weight
        seen_ = (span[[YAW, PITCH, ROLL]] > 0.0026).any() or (span[EYES] > 0.009).any()
        if not (seen_ or (span[: len(ARKIT)] > 0.01).any()):
            still.append(first)
    return still


def moves_for(state: State, seconds: float) -> None:
    text = str(seconds)
    cues: list[tuple[float, Story]] = [(0.1, in_state(state))]
    if state == "speaking":
        cues.append((0.2, lambda s, _: s.perform(Speech(text, "text", lambda: LivingEngine().speak(text)))))
    assert not windows_without_motion(seen(seconds, *cues).values)


@pytest.mark.parametrize("state", STATES)
def test_no_second_of_any_state_is_without_motion(state: State):
    moves_for(state, 20.0)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_no_second_of_minutes_is_without_motion(state: State):
    moves_for(state, 300.0)


def test_the_measure_of_stillness_can_fail():
    frozen = np.tile(seen(1.0).values[:1], (100, 1))
    assert windows_without_motion(frozen)


def gaze(values: Float32) -> Float32:
    """Return (T, 2) yaw and pitch of the gaze, radians from the listener."""
    eyes = values[:, EYES].reshape(-1, 2, 2).mean(axis=1)
    return np.asarray(eyes + values[:, [YAW, PITCH]])


def away(values: Float32) -> float:
    """Return the share of time in which the gaze leaves the listener's face."""
    return float((np.abs(gaze(values)) > 0.06).any(axis=1).mean())


def test_one_who_listens_looks_at_the_listener_one_who_thinks_does_not_and_comes_back():
    idle, listening = seen(25.0).values, seen(25.0, (0.0, in_state("listening"))).values
    assert away(listening[100:]) < 0.06 < away(idle[100:])
    thinking = seen(8.0, (1.0, in_state("thinking")), (5.0, in_state("speaking"))).values
    assert away(thinking[75:250]) > 0.8
    assert away(thinking[275:330]) < 0.1
    assert gaze(thinking[75:110])[:, 1].mean() < -0.08, "up"


def test_a_listener_nods_at_pauses_not_too_often_and_only_while_listening():
    def pauses(state: State) -> tuple[int, float]:
        nods: list[float] = []

        def pause(when: float) -> Story:
            def story(_: Session, behaviour: Behaviour) -> None:
                before = behaviour.gesturing
                behaviour.heard_pause()
                if len(behaviour.gesturing) > len(before):
                    nods.append(when)

            return story

        seen(30.0, (0.5, in_state(state)), *((k, pause(k)) for k in np.arange(2.0, 30.0, 1.3).tolist()))
        return len(nods), min(np.diff(nods), default=np.inf)

    count, apart = pauses("listening")
    assert 4 <= count <= 10
    assert apart >= 2.0
    assert pauses("speaking")[0] == 0


def spoken(seconds: float, *, rising: bool = False, rate: int = 16_000) -> Float32:
    """Return a hummed phrase, its pitch level or rising at the end."""
    t = np.arange(round(seconds * rate)) / rate
    f0 = 130 + (90 * np.clip((t - seconds + 0.35) / 0.3, 0, 1) if rising else -10 * t)
    phase = 2 * np.pi * np.cumsum(f0) / rate
    return np.asarray(0.2 * sum(np.sin(k * phase) / k for k in (1, 2, 3)), np.float32)


@pytest.mark.parametrize("rising", [False, True])
def test_phrases_of_the_person_are_heard_and_questions_raise_the_brows(rising: bool):
    told: list[str] = []
    sound = np.concatenate([spoken(1.6, rising=rising), np.zeros(8000, np.float32)])

    def story(_: Session, behaviour: Behaviour) -> None:
        behaviour.state("listening")
        behaviour.heard_pause = lambda: told.append("pause")  # type: ignore[method-assign]
        behaviour.question = lambda: told.append("question")  # type: ignore[method-assign]
        for first in range(0, len(sound), 333):
            behaviour.hear_person(sound[first : first + 333], 16_000)

    seen(0.3, (0.1, story))
    assert told == (["pause", "question"] if rising else ["pause"])


def test_levels_alone_tell_pauses_and_short_sounds_are_none():
    def pauses(*stretches: tuple[float, float]) -> int:
        told = []

        def story(_: Session, behaviour: Behaviour) -> None:
            behaviour.state("listening")
            behaviour.heard_pause = lambda: told.append(1)  # type: ignore[method-assign]
            now = 5.0
            behaviour.hear_level(-80, now)
            for seconds, level in stretches:
                for _step in range(round(seconds / 0.02)):
                    now += 0.02
                    behaviour.hear_level(level, now)

        seen(0.2, (0.1, story))
        return len(told)

    assert pauses((1.5, -20), (0.5, -70), (1.0, -22), (0.6, -70)) == 2
    assert pauses((0.2, -20), (1.0, -70)) == 0, "a cough"
    assert pauses((1.0, -20), (0.15, -70), (1.0, -20)) == 0, "a stop's closure"


def test_a_question_raises_the_brows_and_joy_is_mirrored_mildly():
    quiet = seen(3.0, (0.2, in_state("listening"))).values
    asked = seen(3.0, (0.2, in_state("listening")), (1.0, lambda _, b: b.question())).values
    assert (asked - quiet)[:, FACE.index("browInnerUp")].max() > 0.15
    glad = seen(3.0, (0.2, in_state("listening")), (1.0, lambda _, b: b.mirror(Emotion(joy=1.0)))).values
    smile = (glad - quiet)[:, FACE.index("mouthSmileLeft")].max()
    assert 0.08 < smile < 0.4


def test_lips_that_touch_while_speaking_stay_in_touch_under_any_gesture():
    shut = np.zeros(61, np.float32)
    shut[FACE.index("jawOpen")] = shut[FACE.index("mouthClose")] = 0.25
    wide = np.zeros(61, np.float32)
    wide[FACE.index("jawOpen")] = 0.3
    for name in GESTURES:
        gesture = Gesture(name, Random(1))
        while not gesture.over:
            row = zeros()
            gesture.step(row, 0.02)
            assert lip_gap(worn(shut, row, 0.0)[None, :52])[0] < CLOSED_GAP, name
            assert lip_gap(worn(wide, row, 0.0)[None, :52])[0] > CLOSED_GAP, name


def test_mixes_go_one_after_another_and_the_first_goes_first():
    class Stamp:
        def __init__(self, name: str) -> None:
            self.name = name

        def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
            order.append(self.name)
            return item

        def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
            order.append(f"{self.name} hears")

        def interrupted(self) -> None:
            order.append(f"{self.name} stops")

    order: list[str] = []
    mixes, capture, behaviour = Mixes(), Stamp("capture"), Stamp("behaviour")
    mixes.add(capture)
    mixes.add(behaviour, first=True, ahead_s=0.2, speech_s=0.8)
    assert mixes.ahead_s(speech=True) == 0.025
    mixes.mix(CurvesItem(0, 0, np.zeros((1, 61), np.float32)), 0.0, 0.0)
    mixes.hear(0, np.zeros(1, np.float32), 24_000)
    mixes.remove(capture)
    assert mixes.ahead_s(speech=False) == 0.2
    assert mixes.ahead_s(speech=True) == 0.8
    mixes.interrupted()
    assert order == ["behaviour", "capture", "behaviour hears", "capture hears", "behaviour stops"]
