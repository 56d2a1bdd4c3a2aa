"""OBS as a stand-in that speaks obs-websocket 5: greeting, password, scenes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import msgpack
import pytest
from websockets.asyncio.server import serve
from websockets.typing import Subprotocol

from rhapsode.errors import SettingError, SinkError
from rhapsode.live.obs import put_on_stage
from rhapsode.protocols.obs import BrowserSource


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class FakeObs:
    """One scene, some sources; asks for a password if it has one."""

    def __init__(self, password: str = "", *, refuses: str = "") -> None:
        self.password, self.refuses = password, refuses
        self.inputs: dict[str, dict[str, Any]] = {}
        self.items: list[str] = ["Desktop"]

    async def talk(self, channel: Any) -> None:
        hello: dict[str, Any] = {"obsWebSocketVersion": "5.5.0", "rpcVersion": 1}
        if self.password:
            hello["authentication"] = {"challenge": "c", "salt": "s"}
        await channel.send(msgpack.packb({"op": 0, "d": hello}))
        async for message in channel:
            said = msgpack.unpackb(message)
            if said["op"] == 1:
                if self.password and said["d"].get("authentication") != _digest(
                    _digest(self.password + "s") + "c"
                ):
                    await channel.close(4009, "Authentication failed.")
                    return
                await channel.send(msgpack.packb({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
            elif said["op"] == 6:
                await channel.send(msgpack.packb({"op": 7, "d": self._answer(said["d"])}))

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        kind, data = asked["requestType"], asked.get("requestData", {})
        head = {"requestType": kind, "requestId": asked["requestId"]}
        if kind == self.refuses:
            return {**head, "requestStatus": {"result": False, "code": 600, "comment": "no such scene"}}
        made: dict[str, Any] = {}
        if kind == "GetCurrentProgramScene":
            made = {"currentProgramSceneName": "Show"}
        elif kind == "GetInputList":
            made = {"inputs": [{"inputName": name} for name in self.inputs]}
        elif kind == "GetSceneItemList":
            made = {"sceneItems": [{"sourceName": name} for name in self.items]}
        elif kind == "CreateInput":
            self.inputs[data["inputName"]] = data["inputSettings"]
            self.items.append(data["inputName"])
        elif kind == "SetInputSettings":
            self.inputs[data["inputName"]] |= data["inputSettings"]
        return {**head, "requestStatus": {"result": True, "code": 100}, "responseData": made}


def told(obs: FakeObs, source: BrowserSource, **options: str) -> str:
    async def run() -> str:
        async with serve(
            obs.talk, "127.0.0.1", 0, subprotocols=[Subprotocol("obswebsocket.msgpack")]
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            return await put_on_stage(source, f"ws://127.0.0.1:{port}", **options)

    return asyncio.run(run())


def test_the_stage_becomes_a_source_once_and_is_brought_up_to_date():
    obs = FakeObs()
    assert told(obs, BrowserSource("http://127.0.0.1:8420")) == "Show"
    assert told(obs, BrowserSource("http://127.0.0.1:9000", fps=30)) == "Show"
    assert obs.items == ["Desktop", "Rhapsode"]
    assert obs.inputs["Rhapsode"]["url"] == "http://127.0.0.1:9000/?obs=1"
    assert obs.inputs["Rhapsode"]["fps"] == 30


def test_a_password_opens_and_a_wrong_one_is_told(monkeypatch):
    monkeypatch.setattr("rhapsode.live.obs.ANSWER_S", 1)
    obs = FakeObs("sesame")
    assert told(obs, BrowserSource("http://127.0.0.1:8420"), password="sesame", scene="Show") == "Show"
    with pytest.raises(SinkError):
        told(obs, BrowserSource("http://127.0.0.1:8420"), password="open")


def test_what_obs_refuses_is_told():
    with pytest.raises(SinkError, match="OBS refused GetSceneItemList: no such scene"):
        told(FakeObs(refuses="GetSceneItemList"), BrowserSource("http://127.0.0.1:8420"), scene="None")


def test_obs_that_is_not_there_is_told():
    with pytest.raises(SinkError, match=r"OBS does not answer at ws://127.0.0.1:9; start it"):
        asyncio.run(put_on_stage(BrowserSource("http://127.0.0.1:8420"), "ws://127.0.0.1:9"))
    with pytest.raises(SettingError, match="must begin with http"):
        BrowserSource("file:///page.html")
