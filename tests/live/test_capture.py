"""Captured faces from real UDP sockets through a session to a sink, in virtual time."""

from __future__ import annotations

import asyncio
import math
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rhapsode.errors import SettingError, SinkError
from rhapsode.live.capture.capture import Capture
from rhapsode.live.capture.registry import CAPTURES, open_capture
from rhapsode.protocols.facegood import FacegoodEncoder
from rhapsode.protocols.facegood_livelink import FgLiveLinkEncoder
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.ifacialmocap import IFacialMocapEncoder, asked_version
from rhapsode.protocols.livelink import LiveLinkEncoder
from rhapsode.protocols.vmc import VmcEncoder
from rhapsode.protocols.websocket_json import JsonEncoder
from rhapsode.rigs import FACE
from tests.live.phone import Phone, Studio, face, film, now
from tests.protocols.test_openseeface import packet

JAWS = face(jawOpen=0.5, browInnerUp=0.25, headYaw=0.2)
LOCAL = "127.0.0.1"


class OpenSeeFace:
    """The tracker's packets; features are what its decoder makes weights of."""

    def encode(self, frame: FaceFrame) -> list[bytes]:
        brows = frame["browInnerUp"]
        return [packet(mouth_open=frame["jawOpen"], eyebrow_updown_l=brows, eyebrow_updown_r=brows)]


ENCODERS: dict[str, Any] = {
    "vmc": VmcEncoder,
    "livelink": LiveLinkEncoder,
    "ifacialmocap": IFacialMocapEncoder,
    "openseeface": OpenSeeFace,
    "fglivelink": FgLiveLinkEncoder,
    "facegood": FacegoodEncoder,
    "json": JsonEncoder,
}


@pytest.mark.parametrize("scheme", list(CAPTURES))
def test_every_protocol_comes_in_and_out_of_a_sink_within_100_ms(scheme: str):
    step_at: list[float] = []

    def pose(at: float) -> FaceFrame:
        return JAWS if step_at and at >= step_at[0] else face(jawOpen=0.1, browInnerUp=0.05, headYaw=0.05)

    async def scene(studio: Studio) -> None:
        step_at.append(now() + 2)
        await Phone(ENCODERS[scheme](), studio.capture.port).perform(pose, 3)
        assert studio.capture.status.receiver.state == "receiving"
        assert studio.capture.status.receiver.rate_hz == pytest.approx(60, abs=2)

    capture = Capture(f"{scheme}://:0", own="face")
    sink = film(capture, scene).sink
    before, behind = sink.times < step_at[0], sink.times > step_at[0] + 0.1
    for channel, low, high in (("jawOpen", 0.1, 0.5), ("browInnerUp", 0.05, 0.25)):
        np.testing.assert_allclose(sink.of(channel)[before][-20:], low, atol=0.012)
        np.testing.assert_allclose(sink.of(channel)[behind], high, atol=0.012)
    if scheme not in ("openseeface", "facegood"):
        np.testing.assert_allclose(sink.of("headYaw")[behind], 0.2, atol=1e-3)


def wave(at: float) -> FaceFrame:
    """Half a swing a second."""
    return face(
        jawOpen=0.5 - 0.5 * math.cos(math.pi * at),
        browInnerUp=0.5 + 0.4 * math.sin(math.pi * at),
        headYaw=0.3 * math.sin(math.pi * at),
    )


def lag_and_error(studio: Studio, *, begin: float = 1.5) -> tuple[float, float]:
    """Return by how much later than it was sent the wave is shown, and its largest error beside that."""
    sink = studio.sink
    chosen = sink.times > begin
    times, shown = sink.times[chosen], sink.of("browInnerUp")[chosen]
    best = min(
        (float(np.abs(shown - (0.5 + 0.4 * np.sin(np.pi * (times - lag)))).max()), lag)
        for lag in np.arange(0, 0.15, 0.001)
    )
    return best[1], best[0]


@pytest.mark.parametrize(
    ("rate", "jitter_s", "lose", "latest", "worst"),
    [
        (60, 0.0, 0.0, 0.048, 0.004),  # measured: 43 ms
        (30, 0.0, 0.0, 0.066, 0.004),  # 60 ms
        (60, 0.012, 0.0, 0.072, 0.02),
        (60, 0.0, 0.05, 0.06, 0.04),
        (30, 0.02, 0.02, 0.09, 0.08),
        (90, 0.008, 0.0, 0.06, 0.02),
    ],
)
def test_motion_is_smooth_at_any_rate_with_jitter_and_loss(
    rate: float, jitter_s: float, lose: float, latest: float, worst: float
):
    async def scene(studio: Studio) -> None:
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        await phone.perform(wave, 6, rate=rate, jitter_s=jitter_s, lose=lose)
        assert studio.capture.status.delay_ms <= 65.1

    lag, error = lag_and_error(film(Capture("livelink://:0", own="face"), scene))
    print(f"{rate} Hz, jitter {jitter_s}, loss {lose}: lag {1000 * lag:.0f} ms, error {error:.4f}")
    assert lag <= latest
    assert error <= worst


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_a_sink_with_a_rate_of_its_own_moves_as_evenly(rate: int):
    async def scene(studio: Studio) -> None:
        await Phone(LiveLinkEncoder(), studio.capture.port).perform(wave, 4)

    sink = film(Capture("livelink://:0", own="face"), scene, rate=rate).sink
    yaw = sink.of("headYaw")[(sink.times > 1.5) & (sink.times < 4)]
    assert len(yaw) == pytest.approx(2.5 * rate, abs=1)
    steps = np.diff(yaw, 2)
    assert np.abs(steps).max() < 0.3 * (np.pi / rate) ** 2 + 1e-3, "no step is left out or doubled"


def test_what_is_recorded_is_what_was_sent():
    rng = np.random.default_rng(3)
    knots = rng.random((40, 52)).astype(np.float32) * 0.8

    def pose(at: float) -> FaceFrame:
        k, part = divmod(at / 0.2, 1.0)
        values = np.zeros(len(FACE), np.float32)
        values[:52] = knots[int(k) % 40] * (1 - part) + knots[(int(k) + 1) % 40] * part
        return FaceFrame(0, values)

    async def scene(studio: Studio) -> None:
        await Phone(LiveLinkEncoder(), studio.capture.port).perform(pose, 4)

    studio = film(Capture("livelink://:0", own="face"), scene)
    delay = AHEAD_MS / 1000
    late = [
        np.abs(frame.weights - pose(at - delay).weights).max()
        for at, frame in studio.sink.frames
        if 1.5 < at < 4
    ]
    assert len(late) > 120
    assert np.median(late) < 0.02
    assert max(late) < 0.12, "only where a corner lies between two packets"


AHEAD_MS = 41.7
"""25 ms before it is due a frame is mixed, from faces 1/60 s old."""


def test_a_loss_is_held_then_life_comes_back_and_the_capture_again():
    pose = replace(face(headYaw=0.3, browInnerUp=0.6))
    spans: dict[str, float] = {}

    async def scene(studio: Studio) -> None:
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        await phone.perform(lambda at: pose, 2)
        spans["short"] = now()
        await asyncio.sleep(0.25)
        await phone.perform(lambda at: pose, 1)
        spans["long"] = now()
        await asyncio.sleep(3)
        assert studio.capture.status.receiver.state == "lost"
        assert studio.capture.status.presence == 0
        spans["again"] = now()
        await phone.perform(lambda at: pose, 1.5)
        assert studio.capture.status.presence == 1

    sink = film(Capture("livelink://:0"), scene).sink
    yaw, times = sink.of("headYaw"), sink.times
    np.testing.assert_allclose(yaw[(times > 1) & (times < spans["long"] + 0.28)], 0.3, atol=1e-4)
    gone = times > spans["long"] + 0.95
    np.testing.assert_allclose(yaw[gone & (times < spans["again"])], 0, atol=1e-5)
    np.testing.assert_allclose(yaw[times > spans["again"] + 0.7], 0.3, atol=1e-4)
    assert np.abs(np.diff(yaw)).max() < 0.3 * 0.07, "it fades both ways"


def test_the_first_sender_holds_the_port_until_it_is_silent():
    async def scene(studio: Studio) -> None:
        one, two = (Phone(LiveLinkEncoder(name), studio.capture.port) for name in ("one", "two"))
        both = asyncio.gather(
            one.perform(lambda at: face(browInnerUp=0.2), 3),
            two.perform(lambda at: face(browInnerUp=0.9), 8, rate=30),
        )
        await asyncio.sleep(2.5)
        status = studio.capture.status.receiver
        assert status.sender == one.name
        assert status.rate_hz == pytest.approx(60, abs=2)
        assert status.ignored >= 60
        assert "left out" in status.text
        await both
        assert studio.capture.status.receiver.sender == two.name

    sink = film(Capture("livelink://:0"), scene).sink
    shown = sink.of("browInnerUp")
    np.testing.assert_allclose(shown[(sink.times > 1) & (sink.times < 3.3)], 0.2, atol=1e-4)
    np.testing.assert_allclose(shown[sink.times > 6.5], 0.9, atol=1e-4)


def test_garbage_is_counted_and_harms_nothing():
    rng = np.random.default_rng(1)
    good = LiveLinkEncoder().encode(face(browInnerUp=0.4))[0]
    nan = good[:-244] + np.full(61, np.nan, ">f4").tobytes()

    async def throw(port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for k in range(300):
                thrown = [b"", nan, good[: rng.integers(len(good))], rng.bytes(int(rng.integers(1, 1500)))][
                    k % 4
                ]
                stranger.sendto(thrown, (LOCAL, port))
                await asyncio.sleep(0.005)

    async def scene(studio: Studio) -> None:
        await throw(studio.capture.port)
        status = studio.capture.status.receiver
        assert (status.state, status.sender, status.received) == ("waiting", None, 0)
        assert status.malformed >= 250
        assert status.error is not None
        assert "unreadable" in status.text
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        await asyncio.gather(throw(studio.capture.port), phone.perform(lambda at: face(browInnerUp=0.4), 3))
        assert studio.capture.status.receiver.sender == phone.name

    sink = film(Capture("livelink://:0"), scene).sink
    assert all(np.isfinite(frame.values).all() for _, frame in sink.frames)
    np.testing.assert_allclose(sink.of("browInnerUp")[sink.times > 3], 0.4, atol=1e-4)


def test_numbers_that_no_face_has_are_refused():
    async def scene(studio: Studio) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            text = b'{"weights": {"jawOpen": 0.5}, "angles": {"headYaw": 1e20}}'
            stranger.sendto(text, (LOCAL, studio.capture.port))
        await asyncio.sleep(0.1)
        assert studio.capture.status.receiver.malformed == 1
        assert "numbers below" in (studio.capture.status.receiver.error or "")

    film(Capture("json://:0"), scene)


def test_a_phone_is_greeted_until_it_sends_and_again_when_it_is_lost():
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.bind((LOCAL, 0))
    phone.setblocking(False)
    greeted: list[tuple[float, int | None]] = []

    async def scene(studio: Studio) -> None:
        async def wait(seconds: float, *, answer: bool) -> None:
            until = now() + seconds
            while now() < until:
                await asyncio.sleep(1 / 60)
                try:
                    data, who = phone.recvfrom(1000)
                    greeted.append((now(), asked_version(data)))
                    assert who[1] == studio.capture.port
                except BlockingIOError:
                    pass
                if answer:
                    for sent in IFacialMocapEncoder().encode(face(browInnerUp=0.5)):
                        phone.sendto(sent, (LOCAL, studio.capture.port))

        await wait(5, answer=False)
        assert len(greeted) in (2, 3)
        await wait(6, answer=True)
        assert len(greeted) in (2, 3), "a phone that sends is not greeted"
        assert studio.capture.status.receiver.state == "receiving"
        await wait(6, answer=False)
        assert len(greeted) >= 4

    port = phone.getsockname()[1]
    sink = film(Capture(f"ifacialmocap://{LOCAL}:{port}?listen=0"), scene).sink
    phone.close()
    assert {version for _, version in greeted} == {2}
    assert sink.of("browInnerUp").max() == pytest.approx(0.5, abs=0.01)


def test_only_the_phone_that_is_named_is_heard():
    receiver, _ = open_capture("ifacialmocap://192.0.2.7?listen=0")

    async def scene() -> None:
        task = asyncio.ensure_future(receiver.run(lambda frame, at: pytest.fail("it was not the phone")))
        await asyncio.sleep(0.1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(IFacialMocapEncoder().encode(JAWS)[0], (LOCAL, receiver.port))
        await asyncio.sleep(0.2)
        assert receiver.status.ignored == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())


def test_neutral_gain_and_mirror():
    rest = face(browInnerUp=0.2, mouthSmileLeft=0.1, headPitch=0.1, eyeBlinkLeft=0.2)
    pose = face(browInnerUp=0.6, mouthSmileLeft=0.325, headPitch=0.3, headYaw=0.2, eyeBlinkLeft=0.6)

    async def scene(studio: Studio) -> None:
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        assert studio.capture.status.calibrating
        await phone.perform(lambda at: rest, 2)
        assert not studio.capture.status.calibrating
        await phone.perform(lambda at: pose, 1)

    shown = film(Capture("livelink://:0?gain=1.5&mirror=yes", own="face", neutral=True), scene).sink.frames
    resting = next(frame for at, frame in shown if at > 1.8)
    np.testing.assert_allclose(resting.values, 0, atol=1e-4)
    last = shown[-1][1]
    assert last["browInnerUp"] == pytest.approx(0.5 * 1.5, abs=1e-3)
    assert last["mouthSmileRight"] == pytest.approx(0.25 * 1.5, abs=1e-3)
    assert last["eyeBlinkRight"] == pytest.approx(0.5, abs=1e-3), "eyelids have no gain"
    assert last["headPitch"] == pytest.approx(0.2, abs=1e-3)
    assert last["headYaw"] == pytest.approx(-0.2, abs=1e-3)


def test_bones_of_a_body_go_through_and_fade_with_the_capture():
    half = math.sqrt(0.5)
    pose = replace(face(jawOpen=0.3), bones={"spine": (0.0, half, 0.0, half), "head": (half, 0.0, 0.0, half)})

    async def scene(studio: Studio) -> None:
        await Phone(VmcEncoder(), studio.capture.port).perform(lambda at: pose, 2)
        await asyncio.sleep(1.5)

    frames = film(Capture("vmc://:0"), scene).sink.frames
    there = next(frame for at, frame in frames if at > 1.8)
    assert there.bones["spine"] == pytest.approx((0, half, 0, half), abs=1e-4)
    assert "head" not in there.bones, "the head is angles, which are mixed"
    assert there["headPitch"] == pytest.approx(math.pi / 2, abs=1e-3)
    assert not frames[-1][1].bones


def test_a_face_that_the_tracker_loses_counts_as_lost():
    async def scene(studio: Studio) -> None:
        phone = Phone(LiveLinkEncoder(), studio.capture.port)
        await phone.perform(lambda at: face(browInnerUp=0.5), 2)
        await phone.perform(lambda at: replace(face(), found=False), 2)
        status = studio.capture.status
        assert (status.presence, status.receiver.state, status.receiver.found) == (0, "receiving", False)
        assert "sees no face" in status.receiver.text

    film(Capture("livelink://:0"), scene)


def test_a_taken_port_is_told():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOCAL, 0))
        port = other.getsockname()[1]

        async def scene(studio: Studio) -> None:
            await asyncio.sleep(0.1)

        with pytest.raises(SinkError, match=rf"cannot listen on 127.0.0.1:{port} .*choose another one"):
            film(Capture(f"livelink://:{port}"), scene)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("kinect://", "a capture must be one of: vmc, .*got 'kinect://'; write it like vmc://:39539"),
        ("vmc://:39539?speed=1", "unknown option 'speed' .* valid: gain, mirror, offset_ms"),
        ("vmc://:99999", "a port must lie in 0 to 65535"),
        ("vmc://?gain=9", "gain must lie in 0 to 4, got '9'"),
        ("vmc://?offset_ms=9000", "offset_ms must lie in -500 to 500"),
        ("vmc://?gain=nan", "gain must lie in 0 to 4"),
        ("vmc://?mirror=perhaps", "mirror must be yes or no"),
        ("ifacialmocap://10.0.0.2?version=3", "version must lie in 1 to 2"),
        ("openseeface://?face=x", "face must lie in 0 to 1000"),
    ],
)
def test_wrong_addresses_are_refused(url: str, said: str):
    with pytest.raises(SettingError, match=said):
        open_capture(url)


def test_only_this_machine_is_listened_to_unless_told_otherwise():
    hosts = {url: open_capture(url)[0]._host for url in ("vmc://", "vmc://:1", "vmc://0.0.0.0:1")}
    assert hosts == {"vmc://": LOCAL, "vmc://:1": LOCAL, "vmc://0.0.0.0:1": "0.0.0.0"}
    assert open_capture("ifacialmocap://:1")[0]._host == LOCAL
