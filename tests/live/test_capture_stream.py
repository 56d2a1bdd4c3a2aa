"""A capture through all that `rhapsode stream` runs, in real time: sockets in, files and packets out."""

from __future__ import annotations

import asyncio
import math
import socket
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.errors import RhapsodeError
from rhapsode.formats.registry import load
from rhapsode.live.capture.capture import Capture
from rhapsode.live.show import Show
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.livelink import LiveLinkEncoder
from rhapsode.protocols.vmc import VmcDecoder
from rhapsode.rigs import retarget
from tests.live.fake import FakeEngine
from tests.live.phone import Phone, face


def pose(seconds: float) -> FaceFrame:
    return face(browInnerUp=0.5 + 0.4 * math.sin(math.pi * seconds))


@pytest.mark.slow
def test_a_captured_face_alone_is_recorded_and_sent_on(tmp_path: Path):
    files = [tmp_path / f"take.{ending}" for ending in ("npz", "csv")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marionette:
        marionette.bind(("127.0.0.1", 0))
        marionette.setblocking(False)
        sink = f"vmc://127.0.0.1:{marionette.getsockname()[1]}"

        decoder, got = VmcDecoder(), [0.0]

        def hear() -> None:
            frame = decoder.decode(marionette.recv(65_536))
            got.append(frame["browInnerUp"] if frame else 0.0)

        async def scene() -> None:
            capture = Capture("livelink://:0", own="face")
            show = Show(FakeEngine(), [sink, *(f"file:{path}" for path in files)], capture=capture)
            running = asyncio.ensure_future(show.run(None))
            while not capture.port:
                await asyncio.sleep(0.01)
            phone = Phone(LiveLinkEncoder(), capture.port)
            asyncio.get_running_loop().add_reader(marionette, hear)
            await phone.perform(pose, 3)
            assert show.capture is not None
            assert show.capture.receiver.state == "receiving"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(scene())
    assert max(got) == pytest.approx(0.9, abs=0.02)
    for path in files:
        curves = retarget(load(path).face, "face")
        shown = curves.values[-95:-5, curves.names.index("browInnerUp")]
        times = np.arange(len(shown)) / 50
        waves = np.stack([np.sin(np.pi * times), np.cos(np.pi * times), np.ones_like(times)], axis=1)
        parts = np.linalg.lstsq(waves, shown, rcond=None)[0]
        assert len(shown) == 90
        assert np.hypot(parts[0], parts[1]) == pytest.approx(0.4, abs=0.1)
        # A sink with sound may shift by 30 ms where nothing is heard (CATCH_UP_S): 0.038 of this wave.
        assert np.median(np.abs(shown - waves @ parts)) < 0.06


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--own", "upper"], "--own and --neutral need a --capture, got none"),
        (["--capture", "kinect://"], "a capture must be one of: vmc, livelink"),
        (["--capture", "vmc://", "--own", "all"], "must be one of: face, mouth, upper; got 'all'"),
    ],
)
def test_what_cannot_be_captured_is_told(options: list[str], said: str):
    result = CliRunner().invoke(app, ["stream", "--to", "ws", *options])
    assert isinstance(result.exception, RhapsodeError) or result.exit_code == 2
    assert said in (str(result.exception) + result.output)


def test_captures_are_listed():
    result = CliRunner().invoke(app, ["stream", "--sinks"])
    assert result.exit_code == 0
    assert "openseeface://:11573" in result.output
