"""Audio2Face-3D's service against NVIDIA's own client stubs, and against plain ones."""

from __future__ import annotations

import asyncio
import math
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rhapsode.face.controls import Controls
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import EMOTIONS, Emotion, Timeline
from rhapsode.face.stream import FaceStream
from rhapsode.performance import Float32, join
from rhapsode.rigs import ARKIT
from tests.server.a2f_client import (
    Heard,
    Wire,
    ask,
    clip,
    end,
    grpc,
    head,
    listen,
    part,
    pcm,
    samples,
    serving,
    talk,
    wire,
)
from tests.sounds import speechlike

SOUND = pcm(speechlike(1.3))
JAW, UPPER = ARKIT.index("jawOpen"), ARKIT.index("browInnerUp")


@pytest.fixture(params=["nvidia", "own"])
def client(request: pytest.FixtureRequest) -> Wire:
    return wire(request.param)


@pytest.fixture
def plain() -> Wire:
    return wire("own")


def played(sound: bytes, rate: int = 16_000, **direction: Any) -> Float32:
    """Return what the engine makes of ``sound`` at once, 30 times a second."""
    face = FaceStream(rate, direction=Direction(**{"emotion": "auto", **direction}))
    curves = join([face.push(samples(sound)), face.finish()])
    return curves.resample(30).values[:, : len(ARKIT)]


def test_weights_are_the_engines_at_exact_times_and_the_sound_comes_back(client: Wire):
    heard = ask(client, clip(client, SOUND))
    wanted = played(SOUND)
    np.testing.assert_array_equal(heard.weights, wanted)
    assert wanted[:, JAW].max() > 0.1
    assert heard.times == heard.sound_times == [k / 30 for k in range(math.ceil(1.3 * 30))]
    assert heard.names == [name[0].upper() + name[1:] for name in ARKIT.channels]
    assert heard.sound == SOUND
    assert heard.header.audio_header.samples_per_second == 16_000
    assert heard.header.start_time_code_since_epoch > 1.7e9
    assert heard.kinds == ["animation_data_stream_header", *["animation_data"] * 39, "event", "status"]
    assert (heard.code, heard.status.code) == ("OK", 0)


@pytest.mark.parametrize("size", [37, 1_067, len(SOUND)])
def test_buffers_of_any_size_bring_the_same(plain: Wire, size: int):
    heard = ask(plain, clip(plain, SOUND, size=size))
    np.testing.assert_array_equal(heard.weights, played(SOUND))
    assert heard.sound == SOUND


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_every_rate_keeps_its_sound_and_the_thirtieths(plain: Wire, rate: int):
    sound = pcm(speechlike(0.71, sample_rate=rate))
    heard = ask(plain, clip(plain, sound, rate))
    np.testing.assert_array_equal(heard.weights, played(sound, rate))
    assert (heard.sound, len(heard.times)) == (sound, math.ceil(0.71 * 30))


def test_two_channels_are_mixed_and_come_back_as_they_were(plain: Wire):
    both = np.repeat(np.frombuffer(SOUND, "<i2"), 2).tobytes()
    heard = ask(plain, [head(plain, channels=2), part(plain, both), end(plain)])
    np.testing.assert_array_equal(heard.weights, played(SOUND))
    assert heard.sound == both


def test_settings_of_the_face_become_controls_and_the_rest_is_told(client: Wire):
    first = head(client)
    settings = first.audio_stream_header
    settings.face_params.float_params.update(
        {"lowerFaceStrength": 0.5, "upperFaceSmoothing": 0.1, "skinStrength": 1.1, "squint": 3.0}
    )
    shapes = settings.blendshape_params
    shapes.bs_weight_multipliers.update({"JawOpen": 0.8, "TongueTipUp": 1.0, "TongueUp": 0.5, "MouthLeft": 9})
    shapes.bs_weight_offsets.update({"BrowInnerUp": 0.25, "TongueUp": 0.0})
    shapes.enable_clamping_bs_weight = False
    heard = ask(client, [first, part(client, SOUND), end(client)])
    turned = Controls(
        lower_strength=0.5,
        upper_smoothing=1.0,
        gains={"jawOpen": float(np.float32(0.8)), "mouthLeft": 4.0},
        offsets={"browInnerUp": 0.25},
    )
    np.testing.assert_array_equal(heard.weights, played(SOUND, controls=turned))
    assert heard.weights[:, UPPER].min() >= 0.2
    said = heard.status.message
    assert heard.status.code == 0
    for name in ("skinStrength", "squint", "gains of tongueUp", "gains of mouthLeft beyond 0 to 4"):
        assert name in said
    assert "enable_clamping_bs_weight" in said
    assert "lowerFaceStrength" not in said
    assert "TipUp" not in said


def test_emotions_are_felt_from_their_times_on_and_reported(client: Wire):
    first = head(client)
    after = first.audio_stream_header.emotion_post_processing_params
    after.emotion_strength, after.preferred_emotion_strength = 0.75, 1.0
    given = {0.25: {"joy": 1.0, "boredom": 1.0}, 0.7: {"sadness": 0.5}}
    heard = ask(client, [first, part(client, SOUND, given), end(client)])
    keys = Timeline([(0.25, Emotion(joy=0.75)), (0.7, Emotion(sadness=0.375))])
    np.testing.assert_array_equal(heard.weights, played(SOUND, emotion=keys))
    assert [dict(row.emotion) for row in heard.emotions[0].input_emotions] == [
        {"joy": 1.0},
        {"sadness": 0.5},
    ]
    shown = [row.a2f_smoothed_output[0] for row in heard.emotions]
    assert [row.time_code for row in shown] == heard.times
    assert set(shown[0].emotion) == set(EMOTIONS)
    assert shown[0].emotion["joy"] == 0 < max(row.emotion["joy"] for row in shown) <= 0.75
    assert "emotion 'boredom'" in heard.status.message


def test_emotions_with_every_buffer_are_felt_as_if_they_had_come_at_once(plain: Wire):
    first = head(plain)
    sound, step = pcm(speechlike(3.0)), 3_200  # 0.1 s
    places = range(0, len(sound), step)
    levels = {k / 10 + 1.2: {"joy": (k % 4) / 4} for k in range(len(places))}
    parts = [
        part(plain, sound[at : at + step], {second: levels[second]})
        for at, second in zip(places, levels, strict=True)
    ]
    heard = ask(plain, [first, part(plain, b"", {0.0: {}}), *parts, end(plain)])
    keys = Timeline([(0.0, Emotion()), *((at, Emotion(levels[at]) * 0.3) for at in levels)])
    np.testing.assert_allclose(heard.weights, played(sound, emotion=keys), atol=1e-6)


def test_emotions_come_from_the_voice_where_a_client_switches_its_own_off(plain: Wire):
    first = head(plain)
    first.audio_stream_header.emotion_post_processing_params.enable_preferred_emotion = False
    heard = ask(plain, [first, part(plain, SOUND, {0.0: {"joy": 1.0}}), end(plain)])
    np.testing.assert_array_equal(heard.weights, played(SOUND, emotion="auto"))


def test_settings_of_the_server_hold_where_a_client_says_nothing(plain: Wire):
    first = head(plain)
    first.audio_stream_header.face_params.float_params["lowerFaceStrength"] = 0.5
    direction = Direction(style="lively", controls={"upper_strength": 0.3, "lower_strength": 2.0})
    heard = ask(plain, [first, part(plain, SOUND), end(plain)], direction)
    turned = {"upper_strength": 0.3, "lower_strength": 0.5}
    np.testing.assert_array_equal(heard.weights, played(SOUND, style="lively", controls=turned))


def test_no_sound_at_all_is_a_stream_too(plain: Wire):
    heard = ask(plain, [head(plain), end(plain)])
    assert (heard.kinds, heard.status.code) == (["animation_data_stream_header", "event", "status"], 0)


def test_closing_its_side_ends_the_sound(plain: Wire):
    async def scene() -> Heard:
        async with serving() as (_, channel):
            stream = plain.open(channel)
            for request in [*clip(plain, SOUND)][:-1]:
                await stream.write(request)
            await stream.done_writing()
            return await listen(plain, stream)

    heard = asyncio.run(scene())
    assert (heard.status.code, len(heard.times)) == (0, 39)


def test_who_sends_all_before_reading_anything_is_served(plain: Wire):
    sound = np.zeros(48_000 * 40, "<i2").tobytes()

    async def scene() -> Heard:
        async with serving() as (_, channel):
            stream = plain.open(channel)
            for request in clip(plain, sound, 48_000, size=96_000):
                await stream.write(request)
            return await listen(plain, stream)

    heard = asyncio.run(scene())
    assert (len(heard.times), heard.sound == sound) == (1200, True)


def test_streams_side_by_side_do_not_mix(plain: Wire):
    sounds = [pcm(speechlike(1.0, seed=seed)) for seed in range(5)]

    async def scene() -> list[Heard]:
        async with serving() as (_, channel):
            return await asyncio.gather(*(talk(plain, channel, clip(plain, one)) for one in sounds))

    for sound, heard in zip(sounds, asyncio.run(scene()), strict=True):
        np.testing.assert_array_equal(heard.weights, played(sound))


@pytest.mark.slow
def test_the_command_serves_until_it_is_ended(client: Wire):
    command = [sys.executable, "-m", "rhapsode", "audio2face", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found, said

        async def scene() -> Heard:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{found.group(1)}") as channel:
                return await talk(client, channel, clip(client, SOUND))

        heard = asyncio.run(scene())
        process.terminate()
        assert process.wait(20) == 0
    assert (heard.status.code, heard.sound == SOUND) == (0, True)
