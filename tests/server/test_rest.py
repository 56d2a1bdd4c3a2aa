"""Avatars, takes and tables over HTTP."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from rhapsode.formats import save
from rhapsode.formats.registry import FORMATS
from rhapsode.performance import Curves, Performance, Sound
from rhapsode.rigs import FACE
from rhapsode.server.settings import ServerSettings
from tests.avatars.make import head, write
from tests.live.fake import JAW
from tests.server.serve import serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    settings = ServerSettings(
        port=0, takes=str(folder / "takes"), avatars=str(folder / "avatars"), max_avatars=3
    )
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="module")
def hero(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("avatar") / "hero.vrm", head()).read_bytes()


@pytest.fixture
def take(folder: Path) -> str:
    values = np.zeros((50, len(FACE)), np.float32)
    values[:, JAW] = 0.5
    (folder / "takes").mkdir(exist_ok=True)
    performance = Performance(Curves(FACE.channels, values), Sound(np.full(24_000, 0.1, np.float32), 24_000))
    save(performance, folder / "takes" / "one.npz")
    return "one"


def test_an_avatar_is_brought_reported_listed_and_served(url: str, hero: bytes, folder: Path):
    answer = httpx.post(url + "/api/avatars?name=My%20Hero!.vrm", content=hero)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["name"], made["url"]) == ("My Hero", "/avatars/My Hero.vrm")
    assert {"found", "stood_in", "missing"} <= set(made["report"])
    assert httpx.get(url + made["url"]).content == hero
    assert httpx.get(f"{url}/api/avatars/{made['name']}/report").json() == made["report"]
    rows = httpx.get(url + "/api/avatars").json()["avatars"]
    assert {"name": "My Hero", "url": made["url"], "brought": True} in rows
    # The same file again is the same avatar; a server that starts anew still has it.
    assert httpx.post(url + "/api/avatars?name=other.vrm", content=hero).json()["name"] == "My Hero"
    assert len(list((folder / "avatars").glob("*.vrm"))) == 1
    with serving(ServerSettings(port=0, avatars=str(folder / "avatars"))) as again:
        assert httpx.get(again + made["url"]).content == hero


def glb(tree: dict[str, Any]) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "must be a .vrm or .glb file"),
        (b"no avatar at all", "must be a .vrm or .glb file"),
        (b"glTF" + b"\xff" * 100, "avatar"),
        (glb({"asset": {"version": "2.0"}}), "avatar"),
        (
            glb({"asset": {"version": "2.0"}, "images": [{"uri": "../../secret.png"}]}),
            "needs '../../secret.png'",
        ),
        (glb({"asset": {"version": "2.0"}, "buffers": [{"uri": "/etc/passwd"}]}), "needs '/etc/passwd'"),
    ],
)
def test_what_is_no_avatar_is_refused_and_not_kept(url: str, folder: Path, data: bytes, said: str):
    before = sorted((folder / "avatars").glob("*")) if (folder / "avatars").exists() else []
    answer = httpx.post(url + "/api/avatars?name=x.vrm", content=data)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert "part-" not in answer.json()["detail"]
    after = sorted((folder / "avatars").glob("*"))
    assert [path for path in after if path not in before] == []


def test_brought_avatars_are_limited(tmp_path: Path, hero: bytes):
    with serving(ServerSettings(port=0, avatars=str(tmp_path), max_avatars=0)) as url:
        answer = httpx.post(url + "/api/avatars?name=x.vrm", content=hero)
    assert answer.status_code == 400
    assert "keeps 0 brought avatars at most" in answer.json()["detail"]


def test_avatars_that_are_not_there(url: str):
    assert httpx.get(url + "/api/avatars/nobody/report").status_code == 404
    assert httpx.get(url + "/avatars/nobody.vrm").status_code == 404
    assert httpx.get(url + "/avatars/..%2F..%2Fsettings.py").status_code == 404


def test_takes_over_http(url: str, take: str):
    (row,) = httpx.get(url + "/api/takes").json()
    assert set(row) == {"id", "name", "seconds", "created", "has_sound", "text"}
    assert (row["id"], row["seconds"], row["has_sound"]) == ("one", 1.0, True)
    assert httpx.patch(f"{url}/api/takes/{take}", json={"name": "Zwei"}).json()["name"] == "Zwei"
    plot = httpx.get(f"{url}/api/takes/{take}/curves?names=jawOpen,mouthClose&points=5").json()
    assert plot == {
        "seconds": 1.0,
        "names": ["jawOpen", "mouthClose"],
        "values": [[0.5] * 5, [0.0] * 5],
        "peaks": [0.1] * 5,
    }
    assert httpx.delete(f"{url}/api/takes/{take}").json() == {}
    assert httpx.get(url + "/api/takes").json() == []


def test_a_take_is_exported_cut_and_on_an_avatar(url: str, take: str):
    httpx.patch(f"{url}/api/takes/{take}", json={"name": 'a "name" / with\nmore'})
    answer = httpx.get(f"{url}/api/takes/{take}/export?format=.json&start_s=0.2&end_s=0.6")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="a--name----with-more.json"'
    assert len(answer.json()["weightMat"]) == 20
    made = httpx.get(f"{url}/api/takes/{take}/export?format=glb&avatar=mira", timeout=30)
    assert made.content[:4] == b"glTF"
    archive = np.load(io.BytesIO(httpx.get(f"{url}/api/takes/{take}/export?format=npz").content))
    assert archive["face_values"].shape == (50, 61)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/takes/none/curves", 404, "no take 'none'"),
        ("/api/takes/..%2F..%2Fx/curves", 404, ""),
        ("/api/takes/one/curves?names=nose", 400, "unknown channel 'nose'"),
        ("/api/takes/one/curves?points=9999999", 400, "points must lie in"),
        ("/api/takes/one/curves?points=x", 422, "points"),
        ("/api/takes/one/export", 422, "format"),
        ("/api/takes/one/export?format=.exe", 400, "cannot write"),
        ("/api/takes/one/export?format=.json&start_s=5", 400, "the part of a take must lie in"),
        ("/api/takes/one/export?format=.glb&avatar=..%2Fx", 404, "no avatar '../x'"),
        ("/api/takes/one/export?format=..%2F..%2Fx.json", 422, "format"),
    ],
)
def test_wishes_that_cannot_be_met_are_said(url: str, take: str, path: str, status: int, said: str):
    answer = httpx.get(url + path)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


def test_names_that_cannot_be_are_refused(url: str, take: str):
    for body in ({"name": ""}, {"name": "x" * 201}, {"title": "x"}, {}, {"name": 3}):
        assert httpx.patch(f"{url}/api/takes/{take}", json=body).status_code in (400, 422)
    assert httpx.patch(url + "/api/takes/none", json={"name": "x"}).status_code == 404


def test_the_tables(url: str):
    rows = {row["extension"]: row for row in httpx.get(url + "/api/formats").json()}
    assert set(rows) == set(FORMATS)
    assert rows[".npz"]["reads"]
    assert rows[".npz"]["writes"]
    schemes = httpx.get(url + "/api/sinks/schemes").json()
    vmc = next(row for row in schemes if row["scheme"] == "vmc")
    assert (vmc["available"], vmc["reason"]) == (True, None)
    assert all(row["available"] is not bool(row["reason"]) for row in schemes)


def test_the_doctor_over_http(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rhapsode.server.doctor.SPEED_S", 0.02)
    checks = {row["name"]: row for row in httpx.get(url + "/api/doctor", timeout=30).json()["checks"]}
    assert checks["websocket"]["state"] == "ok"
    assert checks["origin"]["state"] == "ok"
    assert checks["speed"]["state"] == "ok"
    assert httpx.get(url + "/api/health").json()["sessions"] == 0
