"""Azure's own package, where it is installed, against a server that speaks as Azure's does."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rhapsode.performance import CURVE_HZ
from rhapsode.pipecat.frames import VoiceFrame
from rhapsode.pipecat.services import make_service
from tests.pipecat import azure_sdk
from tests.pipecat.faces import TEXT, shown, spoken, worst
from tests.pipecat.test_azure import from_file

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["visemes", "blendshapes"])
def test_its_events_reach_the_face(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str):
    pytest.importorskip("azure.cognitiveservices.speech", reason="Azure's package is not installed")
    from tests.pipecat import azure_server

    monkeypatch.setenv("AZURE_SPEECH_API_KEY", "0" * 32)
    with azure_server.served() as address:
        options: dict[str, Any] = {"private_endpoint": address, "face": kind}
        voice = partial(make_service, "pipecat:azure.tts:AzureTTSService", options, role="speak")
        frames = spoken(voice, real=True, seconds=2.5).all(VoiceFrame)
    assert "".join(frame.text for frame in frames) == TEXT
    assert b"".join(frame.audio for frame in frames) == azure_sdk.sound(TEXT).tobytes()
    animated = kind == "blendshapes"
    filed = from_file(tmp_path / "a.json", azure_sdk.visemes(TEXT, animated=animated), animated=animated)
    assert filed.rate == Fraction(CURVE_HZ)
    assert worst(shown(frames), filed, ("jawOpen", "mouthPucker", "mouthStretchLeft")) < 0.005
