"""Audio2Face-3D's service and clients that ask for what cannot be done, or should not come in."""

from __future__ import annotations

import asyncio
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.errors import SettingError, SinkError
from rhapsode.live.sources.audio2face_grpc import Audio2FaceServer, Door
from rhapsode.protocols.audio2face import MAX_MESSAGE
from rhapsode.protocols.audio2face_schema import HEALTH, SERVING, message
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
    serving,
    talk,
    wire,
)
from tests.sounds import speechlike

SOUND = pcm(speechlike(1.3))


@pytest.fixture
def plain() -> Wire:
    return wire("own")


def bad(client: Wire) -> dict[str, tuple[list[Any], str]]:
    """Return streams that cannot be served, and what is said about them."""
    nan, past = head(client), part(client, b"", {-1.0: {"joy": 1.0}})
    nan.audio_stream_header.face_params.float_params["lowerFaceStrength"] = math.nan
    many = part(client, b"", {float(k): {} for k in range(10_001)})
    big = part(client, bytes(MAX_MESSAGE))
    return {
        "no header": ([part(client, SOUND)], "got sound; send the header first"),
        "nothing": ([client.request()], "holds no header, no sound and no end; send one"),
        "bits": ([head(client, bits=24)], "got format 0 of 24 bits; convert it first"),
        "rate": ([head(client, rate=4_000)], "8000 to 192000, got 4000; try 16000"),
        "channels": ([head(client, channels=0)], "channel_count must lie in 1 to 8, got 0; send 1"),
        "nan": ([nan], "face_params 'lowerFaceStrength' must be a number, got nan; leave it out"),
        "twice": ([head(client), head(client)], "one header, got a second one; open a stream for each"),
        "odd": ([head(client), part(client, SOUND + b"x"), end(client)], "check bits and channels"),
        "past": ([head(client), past], "must be 0 or more seconds, got -1.0; count from the start"),
        "ahead": ([head(client), many], "10000 emotions may lie ahead, got 10001"),
        "big": ([head(client), big], f"may hold {MAX_MESSAGE} bytes"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", list(bad(wire("own"))))
def test_faults_are_told_with_a_remedy_and_leave_nothing(plain: Wire, case: str):
    requests, said = bad(plain)[case]

    async def scene() -> tuple[Heard, int, Heard]:
        async with serving() as (server, channel):
            heard = await talk(plain, channel, requests)
            left = server.streams
            return heard, left, await talk(plain, channel, clip(plain, SOUND))

    heard, left, after = asyncio.run(scene())
    assert heard.code == "INVALID_ARGUMENT"
    assert said in heard.details
    assert (heard.status.code, heard.status.message) == (3, heard.details)
    assert left == 0
    assert after.status.code == 0


def test_bytes_that_are_no_message_are_told():
    async def scene() -> Any:
        async with serving() as (_, channel):
            service = "nvidia_ace.services.a2f_controller.v1.A2FControllerService"
            stream = channel.stream_stream(f"/{service}/ProcessAudioStream")()
            await stream.write(b"\xff\xff\xff")
            await stream.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stream.read()
            return caught.value

    error = asyncio.run(scene())
    assert "no AudioStream" in error.details()


def test_a_client_that_says_nothing_is_let_go(plain: Wire):
    heard = ask(plain, [head(plain), part(plain, SOUND)], idle_s=0.3)
    assert heard.code == "DEADLINE_EXCEEDED"
    assert "nothing came for 0.3 s; send sound, or end_of_audio" in heard.details


@pytest.mark.slow
def test_a_client_that_takes_nothing_is_let_go(plain: Wire):
    loud = bytes(48_000 * 2 * 60)

    async def scene() -> Heard:
        async with serving(idle_s=1.5) as (server, channel):  # 0.3 s may pass between two parts
            stream = plain.open(channel)
            for request in clip(plain, loud, 48_000, size=480_000):
                await stream.write(request)
            while server.streams:
                await asyncio.sleep(0.05)
            return await listen(plain, stream)

    heard = asyncio.run(scene())
    assert heard.code == "DEADLINE_EXCEEDED"
    assert "nobody took the answers for 1.5 s; read them while you send" in heard.details
    assert 0 < len(heard.times) < 1_800


def test_more_streams_than_are_allowed_are_refused_until_one_is_over(plain: Wire):
    async def scene() -> tuple[Heard, Heard]:
        async with serving(max_streams=1) as (server, channel):
            first = plain.open(channel)
            await first.write(head(plain))
            await first.read()
            refused = await talk(plain, channel, clip(plain, SOUND))
            first.cancel()
            while server.streams:
                await asyncio.sleep(0.01)
            return refused, await talk(plain, channel, clip(plain, SOUND))

    refused, served = asyncio.run(scene())
    assert (refused.code, "all are taken; try again later" in refused.details) == ("RESOURCE_EXHAUSTED", True)
    assert served.status.code == 0


def test_a_hundred_clients_at_once_are_served_or_told(plain: Wire):
    async def scene() -> tuple[list[Heard], int]:
        async with serving(max_streams=10) as (server, channel):
            calls = (talk(plain, channel, clip(plain, SOUND)) for _ in range(100))
            return await asyncio.gather(*calls), server.streams

    heard, left = asyncio.run(scene())
    assert {one.code for one in heard} == {"OK", "RESOURCE_EXHAUSTED"}
    served = [one for one in heard if one.code == "OK"]
    assert len(served) >= 10
    assert all(one.sound == SOUND for one in served)
    assert left == 0


def test_a_client_gone_in_the_middle_leaves_nothing_behind(plain: Wire):
    def tasks() -> list[str]:
        names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
        return [name for name in names if name.startswith(("Line.", "Audio2Face"))]

    async def scene() -> list[str]:
        async with serving() as (server, channel):
            for _ in range(5):
                stream = plain.open(channel)
                for request in [*clip(plain, SOUND)][:3]:
                    await stream.write(request)
                await stream.read()
                assert tasks() == ["Line._fill"]
                stream.cancel()
                while server.streams:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            return tasks()

    assert asyncio.run(scene()) == []


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def test_a_token_is_asked_for(plain: Wire):
    async def scene() -> list[Heard]:
        async with serving(door=Door(port=0, token="s3cret")) as (_, channel):
            return [
                await talk(plain, channel, clip(plain, SOUND), metadata=metadata)
                for metadata in (None, bearer("x"), bearer("s3cret"))
            ]

    none, wrong, right = asyncio.run(scene())
    assert none.code == wrong.code == "UNAUTHENTICATED"
    assert "authorization: Bearer TOKEN" in none.details
    assert right.status.code == 0


def test_health_is_told(plain: Wire):
    async def scene() -> int:
        async with serving() as (_, channel):
            check = channel.unary_unary("/{}/{}".format(*HEALTH))
            return int(message("HealthResponse").FromString(await check(b"")).status)

    assert asyncio.run(scene()) == SERVING


def test_a_port_that_is_taken_is_told():
    async def scene() -> None:
        async with serving() as (server, _):
            with pytest.raises(SinkError, match="choose another port"):
                await Audio2FaceServer(Door(port=server.port), _nobody).start()

    asyncio.run(scene())


async def _nobody(line: Any) -> None:
    raise AssertionError


def test_strangers_without_a_certificate_stay_outside(plain: Wire, tmp_path: Path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed; get it with: apt-get install openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    alone = "-addext subjectAltName=IP:127.0.0.1"
    command = [openssl, *made.split(), *alone.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    root, own = cert.read_bytes(), key.read_bytes()

    async def scene() -> list[Heard]:
        door = Door(port=0, certificate=cert, key=key, client_ca=cert)
        async with serving(door=door) as (server, _):
            heard = []
            for credentials in (
                grpc.ssl_channel_credentials(root, own, root),
                grpc.ssl_channel_credentials(root),
            ):
                async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", credentials) as channel:
                    heard.append(await talk(plain, channel, clip(plain, SOUND)))
            return heard

    known, stranger = asyncio.run(scene())
    assert (known.status.code, len(known.times)) == (0, 39)
    assert (stranger.code, stranger.kinds) == ("UNAVAILABLE", [])


def test_other_machines_need_a_token_and_tls_needs_both_files(tmp_path: Path):
    result = CliRunner().invoke(app, ["audio2face", "--host", "0.0.0.0", "--port", "0"])
    assert isinstance(result.exception, SettingError)
    assert "lets other machines in" in str(result.exception)
    with pytest.raises(SettingError, match="give both"):
        Door(certificate=tmp_path / "x.pem")
    missing = Door(port=0, certificate=tmp_path / "x.pem", key=tmp_path / "y.pem")
    with pytest.raises(SettingError, match=r"y\.pem' cannot be read"):
        asyncio.run(Audio2FaceServer(missing, _nobody).start())
