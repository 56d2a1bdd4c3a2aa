"""Backgrounds that a page plays itself: what it is told of them, and their sound."""

from __future__ import annotations

import io
import secrets
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
import soundfile
from fastapi import APIRouter, HTTPException, Response

from rhapsode.audio.bed import Bed
from rhapsode.audio.underlay import SWELL_DB

PEAK = 0.98
"""Of the sound that is sent; its gain makes good for it."""

_KEYS: WeakKeyDictionary[Bed, str] = WeakKeyDictionary()
_BEDS: WeakValueDictionary[str, Bed] = WeakValueDictionary()


def key_of(bed: Bed) -> str:
    """Return the unguessable name under which ``bed`` can be had as long as it is in use."""
    key = _KEYS.setdefault(bed, secrets.token_urlsafe(16))
    _BEDS[key] = bed
    return key


def background_message(bed: Bed | None, now: float) -> dict[str, Any]:
    """Return what a page is told: where the sound is, its gain, and what is heard of it at ``now``.

    Args:
        bed: that runs; None for none.
        now: seconds of the loop.

    """
    if bed is None:
        return {"type": "background", "path": None}
    return {
        "type": "background",
        "path": f"/api/backgrounds/{key_of(bed)}",
        "gain": round(bed.level * bed.peak / PEAK, 5),
        "swell_db": SWELL_DB,
        "at_s": round(now % bed.seconds, 3),
    }


def backgrounds() -> APIRouter:
    """Return the route of their sound: a WAV file that loops."""
    router = APIRouter(prefix="/api/backgrounds")

    @router.get("/{key}")
    def sound(key: str) -> Response:
        bed = _BEDS.get(key)
        if bed is None:
            raise HTTPException(404, "there is no such background any more; the next message names another")
        y = np.round(bed.at(0, bed.samples) * (PEAK * 32767 / bed.peak)).astype(np.int16)
        file = io.BytesIO()
        soundfile.write(file, y, bed.sample_rate, "PCM_16", format="WAV")
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        return Response(file.getvalue(), media_type="audio/wav", headers=headers)

    return router
