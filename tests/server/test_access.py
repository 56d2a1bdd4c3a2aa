"""Who may ask: tokens, origins, host names, sizes, headers."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from rhapsode.server.access import COOKIE, Bucket
from rhapsode.server.app import create_app
from rhapsode.server.settings import ServerSettings, is_loopback
from tests.live.fake import FakeEngine
from tests.server.serve import serving

PAGE = "https://page.example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = tmp_path_factory.mktemp("data")
    return {"takes": str(path / "takes"), "avatars": str(path / "avatars")}


@pytest.fixture(scope="module")
def locked(folder: dict[str, Any]) -> Iterator[str]:
    with serving(ServerSettings(port=0, token="the-token", **folder)) as url:
        yield url


@pytest.fixture(scope="module")
def embedded(folder: dict[str, Any]) -> Iterator[str]:
    with serving(ServerSettings(port=0, embed_origins=(PAGE,), **folder)) as url:
        yield url


def connect(url: str, *, query: str = "", **options: Any) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with websockets.connect(f"{url.replace('http', 'ws')}/ws{query}", **options) as channel:
            await channel.send('{"type": "hello"}')
            first: dict[str, Any] = json.loads(await channel.recv())
            return first

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/takes", "/avatars/mira.vrm", "/assets/x.js"])
def test_without_the_token_nothing_is_told(locked: str, path: str):
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"cookie": f"{COOKIE}=wrong"},
        {"cookie": "\x01;=;"},
    ):
        answer = httpx.get(locked + path, headers=headers)
        assert answer.status_code == 401
        assert "?token=" in answer.json()["detail"]
    assert httpx.get(f"{locked}{path}?token=the-token2").status_code == 401


def test_each_way_of_knowing_the_token(locked: str):
    answer = httpx.get(locked + "/api/health?token=the-token")
    assert answer.status_code == 200
    assert answer.headers["set-cookie"] == f"{COOKIE}=the-token; HttpOnly; SameSite=Lax; Path=/"
    assert httpx.get(locked + "/api/health", headers={"authorization": "Bearer the-token"}).status_code == 200
    again = httpx.get(locked + "/api/health", cookies={COOKIE: "the-token"})
    assert again.status_code == 200
    assert "set-cookie" not in again.headers
    assert connect(locked, query="?token=the-token")["type"] == "ready"
    assert connect(locked, additional_headers={"Cookie": f"{COOKIE}=the-token"})["type"] == "ready"
    with pytest.raises(websockets.InvalidStatus):
        connect(locked)


def test_a_token_opens_other_names(locked: str, embedded: str):
    named = {"host": "stage.example"}
    assert httpx.get(locked + "/api/health?token=the-token", headers=named).status_code == 200
    refused = httpx.get(embedded + "/api/health", headers=named)
    assert refused.status_code == 403  # a name that was pointed at this machine from elsewhere
    assert "--token" in refused.json()["detail"]
    for host in ("localhost:1", "127.0.0.1", "[::1]:8420"):
        assert httpx.get(embedded + "/api/health", headers={"host": host}).status_code == 200


def test_beyond_this_machine_there_is_always_a_token():
    made = [create_app(ServerSettings(host="0.0.0.0"), engine=FakeEngine()).state.token for _ in range(2)]
    assert len(set(made)) == 2
    assert min(map(len, made)) >= 24
    assert create_app(ServerSettings(), engine=FakeEngine()).state.token == ""
    given = create_app(ServerSettings(host="0.0.0.0", token="mine"), engine=FakeEngine())
    assert given.state.token == "mine"


def test_pages_of_other_sites_change_nothing(embedded: str):
    other = {"origin": "https://elsewhere.example"}
    assert httpx.delete(embedded + "/api/takes/x", headers=other).status_code == 403
    assert httpx.post(embedded + "/api/rtc", json={}, headers=other).status_code == 403
    assert httpx.patch(embedded + "/api/takes/x", json={}, headers={"origin": "null"}).status_code == 403
    reading = httpx.get(embedded + "/api/health", headers=other)
    assert "access-control-allow-origin" not in reading.headers
    with pytest.raises(websockets.InvalidStatus):
        connect(embedded, origin="https://elsewhere.example")


def test_an_allowed_page_may_embed_the_stage(embedded: str):
    answer = httpx.get(embedded + "/api/health", headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "Origin"
    assert f"frame-ancestors 'self' {PAGE}" in answer.headers["content-security-policy"]
    asked = {"origin": PAGE, "access-control-request-method": "PATCH"}
    assert httpx.options(embedded + "/api/takes/x", headers=asked).status_code == 204
    assert connect(embedded, origin=PAGE)["type"] == "ready"
    assert httpx.delete(embedded + "/api/takes/x", headers={"origin": PAGE}).status_code == 404


def test_the_policy_lets_the_stage_load_what_it_needs_and_nothing_else(embedded: str):
    answer = httpx.get(embedded + "/")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "'wasm-unsafe-eval'" in policy["script-src"]
    assert "blob:" in policy["worker-src"]
    assert "blob:" in policy["media-src"]
    assert not any("http:" in value or "*" in value or "'unsafe-eval'" in value for value in policy.values())
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_bodies_are_limited(embedded: str):
    answer = httpx.patch(embedded + "/api/takes/x", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert "may hold 65536 bytes, got 70000" in answer.json()["detail"]
    plain = http.client.HTTPConnection(embedded.removeprefix("http://"))
    plain.putrequest("POST", "/api/avatars")
    plain.putheader("Content-Length", str(65 << 20))
    plain.endheaders()
    assert plain.getresponse().status == 413  # before anything of it is sent
    plain.close()

    def chunks() -> Iterator[bytes]:
        yield b"x"

    assert httpx.post(embedded + "/api/avatars", content=chunks()).status_code == 411


def test_a_bucket_refills():
    bucket = Bucket(2, 3)
    assert [bucket.take(0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(0.4) == pytest.approx(0.1)
    assert bucket.take(0.5) == 0
    assert [bucket.take(100) for _ in range(4)] == [0, 0, 0, 0.5]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_what_counts_as_this_machine(host: str, local: bool):
    assert is_loopback(host) is local


def test_where_data_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RHAPSODE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert ServerSettings().takes_folder == tmp_path / "rhapsode" / "takes"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert ServerSettings().takes_folder == Path.home() / ".local" / "share" / "rhapsode" / "takes"
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "own"))
    assert ServerSettings().takes_folder == tmp_path / "own" / "takes"
    assert ServerSettings().avatars_folder == tmp_path / "own" / "avatars"
    assert ServerSettings(takes="x").takes_folder == Path("x")
