"""The settings of `tests.browser.fake_stage`: the real sections, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request
from pydantic import ValidationError

from rhapsode.settings.sections import Settings

if TYPE_CHECKING:
    from tests.browser.fake_stage import FakeStage

PRESETS = {
    "offline-en": ("Answers from the script in English, without a network.", {"think": {"kind": "script"}}),
    "offline-zh": ("Answers from the script in Chinese, without a network.", {"hear": {"language": "zh"}}),
    "ollama": (
        "A language model on this machine, served by Ollama.",
        {"think": {"kind": "both", "model": "qwen3"}},
    ),
    "vendor": ("A vendor's model; the key comes from the environment.", {"think": {"kind": "model"}}),
}


def add_settings(app: FastAPI, stage: FakeStage) -> None:
    """Add the addresses of settings, voices and scripts."""

    def shown() -> dict[str, Any]:
        return {
            "settings": stage.settings.model_dump(mode="json"),
            "schema": Settings.model_json_schema(),
            "presets": [{"name": name, "about": about} for name, (about, _) in PRESETS.items()],
            "file": "~/.config/rhapsode/rhapsode.toml",
            "origins": {"think.base_url": "environment", "speak.rate": "flag", "think.kind": "preset"},
            "editable": stage.editable,
        }

    @app.get("/api/settings")
    async def read() -> dict[str, Any]:
        return shown()

    @app.patch("/api/settings")
    async def change(request: Request) -> dict[str, Any]:
        wanted = await request.json()
        stage.changes.append(wanted)
        if not stage.editable:
            raise HTTPException(403, "settings can be changed on the server's own machine only")
        if "preset" in wanted:
            wanted = PRESETS[wanted["preset"]][1]
        values = stage.settings.model_dump()
        for section, fields in wanted.items():
            values[section].update(fields)
        try:
            stage.settings = Settings.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"][:2]))
            raise HTTPException(
                422, f"{key}: {first['msg'].lower()}, got {first['input']!r}; see docs/settings.md"
            ) from error
        return shown()

    @app.get("/api/voices")
    async def voices() -> list[dict[str, Any]]:
        rows = [("hibari", ["en"], "clear, with phone times"), ("kokoro", ["en", "zh"], "many voices")]
        return [{"name": name, "language": tongues[0], "languages": tongues, "about": about,
                 "available": True, "why": None} for name, tongues, about in rows]  # fmt: skip

    @app.get("/api/scripts")
    async def scripts() -> list[dict[str, Any]]:
        return [{"name": name, "about": about, "languages": ["en", "zh"], "entries": 42}
                for name, about in (("museum", "a museum guide"), ("bank", "a bank desk"))]  # fmt: skip
