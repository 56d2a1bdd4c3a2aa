"""The real conversation behind the interfaces: script, recogniser, voice and face of the product."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from rhapsode.audio.resample import Resampler
from rhapsode.client import Client
from rhapsode.live.engine import ProductEngine
from rhapsode.performance import Float32
from rhapsode.server.settings import ServerSettings
from rhapsode.server.talking import NEEDED, Talking
from rhapsode.settings import Hear, Settings
from rhapsode.speech import speak
from tests.server.serve import serving_app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in (*NEEDED, "openai")), reason="needs the extra converse"
    ),
]

PATIENCE_S = 240
"""Loading everything takes long on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    talking = Talking(Settings(hear=Hear(language="en", emotion=False)))
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")))
    with serving_app(settings, ProductEngine("hibari"), talking) as (address, _):
        client = Client(address)
        with client.session() as session:
            until = time.monotonic() + PATIENCE_S
            while session.ask("Hello").source.get("kind") != "script":
                assert time.monotonic() < until
        yield address


def spoken(text: str) -> Float32:
    """Return half a second of silence, ``text``, and two more seconds, (n,) at 24 kHz."""
    line = speak(text).sound
    resampler = Resampler(line.sample_rate, 24_000)
    y = resampler.push(line.samples[:, 0])
    return np.concatenate([np.zeros(12_000, np.float32), y, resampler.finish(), np.zeros(48_000, np.float32)])


def test_a_question_over_rest_is_answered_from_the_script(url: str):
    with Client(url).session() as session:
        answer = session.ask("When are you open?")
        assert answer.source["kind"] == "script"
        assert answer.text == answer.meant
        assert not answer.interrupted
        assert [row["role"] for row in session.look()["turns"]] == ["user", "assistant"]


def test_a_microphone_of_the_python_client_is_understood(url: str):
    with Client(url).session() as session:
        events = session.events()
        session.listen([spoken("Where is the cafe?")], sample_rate=24_000)
        asked = next(event for event in events if event.name == "asked")
        assert "cafe" in asked.data["text"].lower().replace("é", "e")
        assert next(event for event in events if event.name == "answering").data["kind"] == "script"
        assert next(event for event in events if event.name == "latency").data["total_ms"] > 0


def test_the_stock_client_speaks_and_interrupts(url: str):
    async def scene() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        from openai import AsyncOpenAI

        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
        got: list[dict[str, Any]] = []
        async with client.realtime.connect(model="rhapsode") as connection, asyncio.timeout(PATIENCE_S):

            async def until(kind: str, count: int = 1) -> dict[str, Any]:
                while len(found := [event for event in got if event["type"] == kind]) < count:
                    got.append((await connection.recv()).to_dict())
                return found[count - 1]

            async def hear(y: Float32) -> None:
                for first in range(0, len(y), 2400):
                    raw = (y[first : first + 2400] * 32767).astype("<i2").tobytes()
                    await connection.input_audio_buffer.append(audio=base64.b64encode(raw).decode())

            await hear(spoken("Where is the cafe?"))
            await until("response.output_audio.delta")
            await hear(spoken("Stop, please, that is enough for me.")[:60_000])
            done = await until("response.done")
            item = done["response"]["output"][0]["id"]
            await connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=1500)
            await until("conversation.item.truncated")
            await connection.conversation.item.retrieve(item_id=item)
            kept = await until("conversation.item.retrieved")
        return got, kept["item"]

    got, kept = asyncio.run(scene())
    heard = next(e for e in got if e["type"].endswith("input_audio_transcription.completed"))
    assert "cafe" in heard["transcript"].lower().replace("é", "e")
    done = next(e["response"] for e in got if e["type"] == "response.done")
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    whole = "".join(e["delta"] for e in got if e["type"] == "response.output_audio_transcript.delta")
    part = kept["content"][0]["transcript"] or ""
    assert whole.startswith(part)
    assert len(part) < len(whole)
    faces = [e for e in got if e["type"] == "rhapsode.face"][1:]
    assert faces
    assert np.ptp([row for face in faces for row in face["values"]], axis=0).max() > 0.1


def test_what_is_committed_at_once_is_heard_to_its_last_word(url: str):
    async def scene() -> list[dict[str, Any]]:
        from openai import AsyncOpenAI

        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
        got: list[dict[str, Any]] = []
        async with client.realtime.connect(model="rhapsode") as connection, asyncio.timeout(PATIENCE_S):
            audio = {"input": {"turn_detection": None, "transcription": {"language": "en"}}}
            session: Any = {"type": "realtime", "audio": audio}
            await connection.session.update(session=session)
            y = spoken("I would like to know how much a ticket for two grown-ups and a child costs.")[
                :-48_000
            ]
            raw = (y * 32767).astype("<i2").tobytes()
            for first in range(0, len(raw), 96_000):
                piece = base64.b64encode(raw[first : first + 96_000]).decode()
                await connection.input_audio_buffer.append(audio=piece)
            await connection.input_audio_buffer.commit()
            await connection.response.create()
            while not got or got[-1]["type"] != "response.done":
                got.append((await connection.recv()).to_dict())
        return got

    got = asyncio.run(scene())
    heard = next(e for e in got if e["type"].endswith("input_audio_transcription.completed"))
    words = heard["transcript"].lower()
    assert "how much" in words
    assert words.rstrip(".?! ").endswith(("costs", "cost"))
    assert got[-1]["response"]["status"] == "completed"
    assert [e for e in got if e["type"] == "error"] == []
