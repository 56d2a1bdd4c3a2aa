"""Who owns which part of a face, sample by sample; and capture and speech together in a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from rhapsode.errors import SettingError
from rhapsode.live.capture.buffer import BLEND_S, GAP_S, MOST_DELAY_S, Buffer
from rhapsode.live.capture.calibration import Neutral, mirrored
from rhapsode.live.capture.capture import Capture
from rhapsode.live.capture.mixing import (
    APPEAR_S,
    GIVE_S,
    OWNS,
    TAKE_S,
    VANISH_S,
    Mixer,
    Own,
)
from rhapsode.live.capture.regions import PLACES, REGIONS, SPOKEN
from rhapsode.live.capture.voice import AFTER, BEFORE, Voice
from rhapsode.live.engine import Block
from rhapsode.live.items import BeginItem, EndItem, Item
from rhapsode.performance import Float32, Sound, Span, Words
from rhapsode.protocols.livelink import LiveLinkEncoder
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.lips import CLOSED_GAP, EFFECTS, lip_gap
from tests.live.fake import FakeEngine
from tests.live.phone import Phone, Studio, face, film, now

_SPOKEN = np.concatenate([PLACES[region] for region in SPOKEN])
_REST = np.concatenate([PLACES[region] for region in REGIONS if region not in SPOKEN])
OPEN = face(jawOpen=0.5, mouthFunnel=0.3, noseSneerLeft=0.8).values
CLOSED = face(mouthClose=0.02, jawOpen=0.02).values


def everywhere(value: float) -> Float32:
    return np.full(len(FACE), value, np.float32)


def settled(own: Own, captured: Float32, *, voice: bool = False, spoken: Float32 | None = None) -> Mixer:
    """Return a mixer in which the capture has been there for long."""
    mixer = Mixer(own)
    mixer.sees(captured)
    for _ in range(60):
        mixer.mix(spoken if spoken is not None else OPEN, captured, here=True, voice=voice)
    return mixer


def test_every_channel_is_in_one_region():
    places = np.concatenate([PLACES[region] for region in REGIONS])
    assert sorted(places) == list(range(len(FACE)))
    lips = set(EFFECTS)
    assert lips <= {FACE.channels[k] for region in ("mouth", "nose") for k in PLACES[region]}


@pytest.mark.parametrize("own", OWNS)
@pytest.mark.parametrize("voice", [False, True])
def test_the_rules(own: Own, voice: bool):
    spoken, captured = OPEN + 0.1, everywhere(0.7)
    made = settled(own, captured, voice=voice, spoken=spoken).mix(spoken, captured, here=True, voice=voice)
    np.testing.assert_allclose(made[_REST], captured[_REST], atol=1e-6)
    speech = own == "upper" or (own == "mouth" and voice)
    np.testing.assert_allclose(made[_SPOKEN], (spoken if speech else captured)[_SPOKEN], atol=1e-6)


def test_an_unknown_rule_is_refused():
    with pytest.raises(SettingError, match="one of: face, mouth, upper; got 'nose'"):
        Mixer("nose")  # type: ignore[arg-type]


def test_speech_moves_what_the_capture_lacks():
    captured = face(jawOpen=0.2, headYaw=0.1).values
    spoken = face(jawOpen=0.6, tongueOut=0.3, eyeBlinkLeft=0.9, browInnerUp=0.4).values
    mixer = settled("face", captured)
    made = mixer.mix(spoken, captured, here=True, voice=True)
    expected = face(jawOpen=0.2, headYaw=0.1, tongueOut=0.3, eyeBlinkLeft=0.9, browInnerUp=0.4).values
    np.testing.assert_allclose(made, expected, atol=1e-6)
    tongue = face(jawOpen=0.2, headYaw=0.1, tongueOut=0.8).values
    mixer.sees(tongue)
    steps = [mixer.mix(spoken, tongue, here=True, voice=True)[FACE.index("tongueOut")] for _ in range(20)]
    assert np.abs(np.diff([0.3, *steps])).max() < 0.05, "what it shows for the first time it takes softly"
    assert steps[-1] == pytest.approx(0.8, abs=1e-5)


def test_hand_overs_take_their_time_and_are_smooth():
    spoken, captured = everywhere(1.0), everywhere(0.0)
    captured[:] = 0.001
    captured[PLACES["mouth"]] = 0.2
    mixer = settled("mouth", captured, spoken=spoken)
    jaw = FACE.index("jawOpen")
    taking = [mixer.mix(spoken, captured, here=True, voice=True)[jaw] for _ in range(10)]
    giving = [mixer.mix(spoken, captured, here=True, voice=False)[jaw] for _ in range(15)]
    assert next(k for k, v in enumerate(taking) if v > 0.999) == round(TAKE_S * 50) - 1
    back = next(k for k, v in enumerate(giving) if v < 0.202)
    assert back == pytest.approx(GIVE_S * 50, abs=1)
    assert np.all(np.diff([0.2, *taking]) >= 0)
    assert np.all(np.diff([1.0, *giving]) <= 0)
    assert np.abs(np.diff([0.2, *taking, *giving])).max() < 0.8 * 0.45


def test_lips_that_speech_closes_are_never_parted():
    rng = np.random.default_rng(5)
    for own in ("mouth", "upper"):
        captured = rng.random(len(FACE)).astype(np.float32)
        mixer = Mixer(own)  # type: ignore[arg-type]
        closed = 0
        for k in range(3000):
            mixer.sees(captured)
            captured = np.clip(captured + rng.normal(0, 0.05, len(FACE)), 0, 1).astype(np.float32)
            spoken = (rng.random(len(FACE)) * rng.choice([0.02, 0.5])).astype(np.float32)
            voice, here = (k // 40) % 2 == 1, (k // 170) % 5 != 3
            made = mixer.mix(spoken, captured, here=here, voice=voice)
            gap, before = (float(lip_gap(v[None, : len(BLENDSHAPES)])[0]) for v in (made, spoken))
            if voice and before <= CLOSED_GAP:
                closed += 1
                assert gap <= CLOSED_GAP + 1e-4
        assert closed > 100


def test_a_voice_that_is_known_ahead_takes_an_open_mouth_softly():
    captured, rest = face(jawOpen=0.5).values, face().values
    mixer = settled("mouth", captured, spoken=rest)
    jaw = FACE.index("jawOpen")
    made = [mixer.mix(rest, captured, here=True, voice=False, coming=True)[jaw] for _ in range(BEFORE)]
    made += [mixer.mix(rest, captured, here=True, voice=True)[jaw] for _ in range(5)]
    assert made[BEFORE:] == [0] * 5, "closed when the voice sets in"
    assert np.abs(np.diff([0.5, *made])).max() < 0.3


def test_it_comes_and_goes_softly():
    spoken, captured = everywhere(0.0), everywhere(1.0)
    mixer = Mixer("face")
    mixer.sees(captured)
    coming = [mixer.mix(spoken, captured, here=True, voice=False)[0] for _ in range(40)]
    going = [mixer.mix(spoken, captured, here=False, voice=False)[0] for _ in range(40)]
    assert next(k for k, v in enumerate(coming) if v == 1) == round(APPEAR_S * 50) - 1
    assert next(k for k, v in enumerate(going) if v == 0) == round(VANISH_S * 50) - 1
    assert np.abs(np.diff([0, *coming, *going])).max() < 0.065
    assert mixer.presence == 0


def test_without_a_capture_nothing_is_changed():
    mixer = Mixer("face")
    np.testing.assert_array_equal(mixer.mix(OPEN, None, here=False, voice=True), OPEN)


class TestBuffer:
    def fed(self, arrivals: list[float]) -> tuple[Buffer, list[float]]:
        """A ramp of one unit a second; returns what is read every 20 ms."""
        buffer, read, k = Buffer(), [], 0
        for frame in range(round(arrivals[-1] * 50)):
            time = frame / 50
            while k < len(arrivals) and arrivals[k] <= time:
                buffer.push(everywhere(arrivals[k]), arrivals[k])
                k += 1
            values = buffer.at(time - buffer.delay_s)
            read.append(float(values[0]) if values is not None else np.nan)
        return buffer, read

    @pytest.mark.parametrize("rate", [24, 30, 50, 60, 120])
    def test_a_steady_pace_gives_an_even_ramp(self, rate: int):
        buffer, read = self.fed([k / rate for k in range(rate * 4)])
        np.testing.assert_allclose(np.diff(read[100:]), 0.02, atol=2e-3 if rate < 30 else 1e-4)
        assert buffer.delay_s <= MOST_DELAY_S
        assert buffer.delay_s == pytest.approx(min(1 / rate, MOST_DELAY_S), abs=1e-3)

    def test_a_burst_behind_a_stall_never_goes_back_nor_ahead(self):
        arrivals = [k / 60 if not 120 < k < 132 else 132 / 60 + 1e-6 * k for k in range(240)]
        _, read = self.fed(arrivals)
        assert np.all(np.diff(read[5:]) >= -1e-6)

    def test_a_gap_is_held_and_a_loss_blends(self):
        buffer = Buffer()
        for k in range(60):
            buffer.push(everywhere(0.2), k / 60)
        assert buffer.at(1.2)[0] == pytest.approx(0.2)  # type: ignore[index]
        buffer.push(everywhere(0.8), 1 + GAP_S + 0.1)
        read = [buffer.at(1.4 + k / 50)[0] for k in range(12)]  # type: ignore[index]
        assert read[0] == pytest.approx(0.2)
        assert read[round(BLEND_S * 50)] == pytest.approx(0.8)
        assert np.abs(np.diff(read)).max() <= 0.6 / (BLEND_S * 50) + 1e-6

    def test_it_is_empty_at_first(self):
        assert Buffer().at(3.0) is None


class TestVoice:
    def test_it_is_active_from_a_little_before_to_a_little_behind(self):
        voice, y = Voice(), np.zeros(48_000, np.float32)
        y[12_000:24_000] = 0.1 * np.sin(np.arange(12_000) * 0.1)
        for first in range(0, len(y), 137):
            voice.hear(first * 2 // 3, y[first : first + 137], 24_000)
        assert [k for k in range(100) if voice.active(k * 320)] == list(range(25, 50 + AFTER))
        assert [k for k in range(100) if voice.coming(k * 320)] == list(range(25 - BEFORE, 49))
        voice.forget()
        assert not voice.active(30 * 320)

    def test_noise_of_a_room_is_none_and_a_voice_in_it_is(self):
        rng = np.random.default_rng(0)
        noise = rng.normal(0, 10 ** (-50 / 20), 24_000 * 3).astype(np.float32)
        noise[48_000:60_000] += 0.1
        voice = Voice()
        voice.hear(0, noise, 24_000)
        active = [k for k in range(150) if voice.active(k * 320)]
        assert active == list(range(100, 125 + AFTER))

    def test_it_forgets_what_is_long_over(self):
        voice = Voice()
        for second in range(120):
            voice.hear(second * 16_000, np.full(16_000, 0.1, np.float32), 16_000)
        assert len(voice._energy) <= 800
        assert len(voice._loud) <= 800


def test_mirroring_twice_changes_nothing_and_sides_are_swapped():
    frame = face(
        mouthSmileLeft=0.3, jawRight=0.2, eyeLookInLeft=0.4, headYaw=0.1, headPitch=0.2, leftEyeYaw=0.3
    )
    turned = mirrored(frame)
    for channel, value in (
        ("mouthSmileRight", 0.3),
        ("jawLeft", 0.2),
        ("eyeLookInRight", 0.4),
        ("headYaw", -0.1),
        ("headPitch", 0.2),
        ("rightEyeYaw", -0.3),
    ):
        assert turned[channel] == pytest.approx(value)
    np.testing.assert_array_equal(mirrored(turned).values, frame.values)


def test_a_neutral_pose_is_rest_and_full_is_full():
    neutral = Neutral()
    rest = face(browInnerUp=0.2, headYaw=0.1, jawOpen=0.9).values
    assert not neutral.hear(rest, 0.0)
    neutral.take()
    assert [neutral.hear(rest, k / 10) for k in range(11)] == [False] * 10 + [True]
    made = neutral.apply(face(browInnerUp=1.0, headYaw=0.1, jawOpen=1.0).values)
    assert made[FACE.index("browInnerUp")] == pytest.approx(1)
    assert made[FACE.index("headYaw")] == pytest.approx(0)
    assert made[FACE.index("jawOpen")] == pytest.approx(1)
    assert neutral.apply(face().values).min() >= -0.1001
    neutral.forget()
    np.testing.assert_array_equal(neutral.apply(rest), rest)


class SpeakingEngine(FakeEngine):
    """A second of a tone between half a second of silence on both sides."""

    def speak(self, text: str) -> Iterator[Block]:
        y = np.zeros(2 * self.rate, np.float32)
        y[self.rate // 2 : 3 * self.rate // 2] = 0.5
        yield Sound(y, self.rate), Words((Span("la", 0.5, 1.5),))


class Told:
    """Remembers when a speech began and ended on the loop's time."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.begun = studio, 0.0
        self.ended = False
        studio.session.attach(self)

    def offer(self, item: Item) -> None:
        if isinstance(item, BeginItem):
            self.begun = self.studio.session.timeline.time_of(item.start)
        self.ended |= isinstance(item, EndItem)

    def interrupted(self, generation: int) -> None: ...


@pytest.mark.parametrize("own", ["mouth", "upper", "face"])
def test_speech_that_is_made_ahead_is_mixed_with_the_face_of_its_own_moment(own: Own):
    told: list[Told] = []

    def pose(at: float):  # type: ignore[no-untyped-def]
        return face(jawOpen=0.3, browInnerUp=min(at / 10, 1.0), cheekPuff=0.1)

    async def scene(studio: Studio) -> None:
        told.append(Told(studio))
        sending = asyncio.ensure_future(Phone(LiveLinkEncoder(), studio.capture.port).perform(pose, 5.5))
        await asyncio.sleep(2)
        studio.session.say("la")
        await sending
        assert told[0].ended

    sink = film(Capture("livelink://:0", own=own), scene, SpeakingEngine()).sink
    since, jaw, brow = sink.times - told[0].begun, sink.of("jawOpen"), sink.of("browInnerUp")
    mixed = sink.times > 1
    off = np.abs(brow[mixed] - (sink.times[mixed] - 0.0417) / 10)
    assert np.median(off) < 1e-3
    assert off.max() < 5e-3, "only where a new performance begins and the face fades into it"
    voiced, quiet = (since > 0.55) & (since < 1.45), (since > 0.05) & (since < 0.38)
    after = (since > 2.0) & (since < 2.5)
    speech, capture = 0.5, 0.3
    np.testing.assert_allclose(jaw[voiced], capture if own == "face" else speech, atol=1e-3)
    np.testing.assert_allclose(jaw[quiet], 0.0 if own == "upper" else capture, atol=1e-3)
    np.testing.assert_allclose(jaw[after], 0.0 if own == "upper" else capture, atol=1e-3)


@pytest.mark.parametrize("offset_ms", [0, 60])
def test_a_mouth_that_is_captured_and_heard_moves_with_itself(offset_ms: int):
    """Brow of the phone and level of the microphone are one signal; both are shown at the same time."""
    rate, marks = 24_000, (3.0, 4.0, 5.0)

    def loud(at: float) -> bool:
        return any(mark <= at < mark + 0.4 for mark in marks)

    async def speak(studio: Studio) -> None:
        studio.session.listen(rate)
        while now() < 6:
            await asyncio.sleep(0.02)  # a chunk comes when it is full
            chunk = np.array([0.5 * loud(now() - 0.02 + k / rate) for k in range(480)], np.float32)
            studio.session.hear(chunk)

    async def scene(studio: Studio) -> None:
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        await asyncio.gather(
            phone.perform(lambda at: face(browInnerUp=0.1 + 0.8 * loud(at)), 6), speak(studio)
        )

    sink = film(Capture(f"livelink://:0?offset_ms={offset_ms}"), scene).sink
    late = []
    for mark in marks:
        near = (sink.times > mark - 0.2) & (sink.times < mark + 0.35)
        seen, heard = (
            float(np.interp(0.5, np.maximum.accumulate(sink.of(name)[near] / top), sink.times[near])) - mark
            for name, top in (("browInnerUp", 1.0), ("jawOpen", 0.5))
        )
        late.append((1000 * seen, 1000 * heard))
    for captured, heard in late:
        # The sound of a moment comes in with its chunk, 20 ms later than the face of the same moment.
        assert captured - heard == pytest.approx(offset_ms - 20, abs=8)
        assert heard <= 100
