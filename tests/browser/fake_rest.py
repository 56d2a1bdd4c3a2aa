"""The addresses of `tests.browser.fake_stage` beside its WebSocket."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse

if TYPE_CHECKING:
    from tests.browser.fake_stage import FakeStage

AVATARS = Path(__file__).parents[2] / "src" / "rhapsode" / "avatars" / "data"
_EMOTIONS = [
    "amazement",
    "anger",
    "cheekiness",
    "disgust",
    "fear",
    "grief",
    "joy",
    "outofbreath",
    "pain",
    "sadness",
]
_FORMATS = [
    (".npz", "npz", "Rhapsode's own file", True, True),
    (".glb", "glb", "glTF animation for the avatar", False, True),
    (".vrma", "vrma", "VRM animation", True, True),
    (".csv", "livelink", "Live Link Face CSV", True, True),
    (".srt", "srt", "Subtitles", False, True),
    (".textgrid", "textgrid", "Phones and words", True, False),
]
_SCHEMES = [
    ("vmc", "vmc://127.0.0.1:39539", "VMC (VSeeFace, Warudo, VRM tools)", True, None),
    ("livelink", "livelink://127.0.0.1:11111", "Live Link Face (Unreal)", True, None),
    ("vts", "vts://127.0.0.1:8001", "VTube Studio", True, None),
    ("rtmp", "rtmp://127.0.0.1/live/stage", "RTMP video", False, "needs pip install 'rhapsode[video]'"),
]


def add_rest(app: FastAPI, stage: FakeStage) -> None:
    """Add what a page reads over HTTP."""

    @app.get("/api/avatars")
    async def avatars() -> dict[str, Any]:
        names = sorted(path.stem for path in AVATARS.glob("*.vrm"))
        return {
            "avatars": [{"name": name, "url": f"/avatars/{name}.vrm"} for name in names],
            "default": "mira",
        }

    @app.get("/avatars/{name}.vrm")
    async def avatar(name: str) -> FileResponse:
        return FileResponse(AVATARS / f"{name}.vrm", media_type="model/gltf-binary")

    @app.post("/api/avatars")
    async def upload(name: str, request: Request) -> dict[str, Any]:
        stage.uploaded[name] = await request.body()
        report = {"found": ["jawOpen", "mouthFunnel"], "stood_in": ["mouthPucker"], "missing": ["tongueOut"]}
        return {"name": name, "url": f"/avatars/{name}", "report": report}

    @app.get("/api/styles")
    async def styles() -> list[str]:
        return ["natural", "serious", "lively", "cartoon"]

    @app.get("/api/emotions")
    async def emotions() -> list[str]:
        return _EMOTIONS

    @app.get("/api/samples")
    async def samples() -> list[dict[str, Any]]:
        rows = [("welcome", "Welcome", "欢迎"), ("moon", "The moon", "月亮"), ("plums", "Plums", "梅子")]
        return [{"name": name, "title": {"en": en, "zh": zh}, "text": f"{en} to the stage.", "words": []}
                for name, en, zh in rows]  # fmt: skip

    @app.get("/api/formats")
    async def formats() -> list[dict[str, Any]]:
        keys = ("extension", "name", "description", "reads", "writes")
        return [dict(zip(keys, row, strict=True)) for row in _FORMATS]

    @app.get("/api/sinks/schemes")
    async def schemes() -> list[dict[str, Any]]:
        keys = ("scheme", "example", "name", "available", "reason")
        return [dict(zip(keys, row, strict=True)) for row in _SCHEMES]

    @app.get("/api/doctor")
    async def doctor() -> dict[str, Any]:
        rows = [
            ("python", "ok", "Python 3.11", None),
            ("speed", "warning", "one second of speech takes 0.8 s", "close other programs"),
            ("video", "bad", "PyAV is not installed", "pip install 'rhapsode[video]'"),
        ]
        keys = ("name", "state", "message", "remedy")
        return {"checks": [dict(zip(keys, row, strict=True)) for row in rows]}

    _add_takes(app, stage)


def _add_takes(app: FastAPI, stage: FakeStage) -> None:
    def find(take: str) -> dict[str, Any]:
        for row in stage.takes:
            if row["id"] == take:
                return row
        raise HTTPException(404, f"no take '{take}'")

    @app.get("/api/takes")
    async def takes() -> list[dict[str, Any]]:
        return stage.takes

    @app.patch("/api/takes/{take}")
    async def rename(take: str, request: Request) -> dict[str, Any]:
        row = find(take)
        row["name"] = (await request.json())["name"]
        return row

    @app.delete("/api/takes/{take}")
    async def delete(take: str) -> dict[str, Any]:
        stage.takes.remove(find(take))
        return {}

    @app.get("/api/takes/{take}/curves")
    async def curves(take: str, names: str, points: int = 400) -> dict[str, Any]:
        row = find(take)
        wave = [abs(math.sin(k / 9)) * (0.4 + 0.6 * abs(math.sin(k / 41))) for k in range(points)]
        values = [[value * (0.7 - 0.2 * k) for value in wave] for k, _ in enumerate(names.split(","))]
        return {"seconds": row["seconds"], "names": names.split(","), "values": values, "peaks": wave}

    @app.get("/api/takes/{take}/export")
    async def export(take: str, request: Request) -> Response:
        row, asked = find(take), request.query_params
        stage.asked.append(str(request.url.query))
        if asked["format"] == ".vrma":
            raise HTTPException(400, "the avatar has no humanoid; choose another with avatar=")
        head = {"Content-Disposition": f'attachment; filename="{row["id"]}{asked["format"]}"'}
        return Response(b"a take", media_type="application/octet-stream", headers=head)
