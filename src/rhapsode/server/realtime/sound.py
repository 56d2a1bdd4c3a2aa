"""Sound of the Realtime API: base64 of 16-bit PCM at 24 kHz, or of G.711 at 8 kHz, one channel."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rhapsode.audio.resample import Resampler
from rhapsode.errors import AudioError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.performance import Float32

Format = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

RATES: dict[Format, int] = {"audio/pcm": 24_000, "audio/pcmu": 8_000, "audio/pcma": 8_000}

BETA_NAMES: dict[Format, str] = {
    "audio/pcm": "pcm16",
    "audio/pcmu": "g711_ulaw",
    "audio/pcma": "g711_alaw",
}
"""How the beta of the API calls the formats."""


def read(data: str, form: Format) -> Float32:
    """Return the sound of a base64 text, (n,) float32 at the rate of the format.

    Raises:
        AudioError: it is no base64, or half a sample.

    """
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AudioError(f"audio must be base64, which this is not: {error}") from None
    if form != "audio/pcm":
        return _TABLES[form][np.frombuffer(raw, np.uint8)]
    if len(raw) % 2:
        raise AudioError(f"audio must hold 16-bit samples, got {len(raw)} bytes; send whole samples")
    return (np.frombuffer(raw, "<i2") / 32768.0).astype(np.float32)


class Writer:
    """Writes sound at `SAMPLE_RATE` as base64 texts.

    Args:
        form: of what is written.

    """

    def __init__(self, form: Format) -> None:
        self._form = form
        self._resampler = None if RATES[form] == SAMPLE_RATE else Resampler(SAMPLE_RATE, RATES[form])

    def push(self, samples: Float32) -> str:
        """Return the base64 of the next ``samples``, (n,); it may be empty."""
        y = samples if self._resampler is None else self._resampler.push(samples)
        return base64.b64encode(self._bytes(y)).decode("ascii")

    def finish(self) -> str:
        """Return what is left."""
        if self._resampler is None:
            return ""
        return base64.b64encode(self._bytes(self._resampler.finish())).decode("ascii")

    def _bytes(self, y: Float32) -> bytes:
        whole = np.rint(np.clip(y, -1.0, 1.0) * 32767.0).astype(np.int32)
        if self._form == "audio/pcm":
            return bytes(whole.astype("<i2").data)
        return bytes(_CODES[self._form][(whole + 32768) >> 2].data)


def _ulaw(code: NDArray[np.int64]) -> Float32:
    """Decode mu-law (ITU-T G.711, table 2a)."""
    flipped = ~code & 0xFF
    exponent, mantissa = (flipped >> 4) & 7, flipped & 15
    size = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return (np.where(flipped & 0x80, -size, size) / 32768.0).astype(np.float32)


def _alaw(code: NDArray[np.int64]) -> Float32:
    """Decode A-law (ITU-T G.711, table 1a)."""
    flipped = code ^ 0x55
    exponent, mantissa = (flipped >> 4) & 7, flipped & 15
    size = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return (np.where(flipped & 0x80, size, -size) / 32768.0).astype(np.float32)


def _nearest(levels: Float32) -> NDArray[np.uint8]:
    """Return the code of the nearest level for each fourth 16-bit value from -32768 on."""
    order = np.argsort(levels, kind="stable")
    ranked = levels[order]
    values = (np.arange(1 << 14) * 4 - 32768) / 32768.0
    above = np.clip(np.searchsorted(ranked, values), 1, len(ranked) - 1)
    nearer = np.where(values - ranked[above - 1] <= ranked[above] - values, above - 1, above)
    codes: NDArray[np.uint8] = order[nearer].astype(np.uint8)
    return codes


_ALL = np.arange(256)
_TABLES: dict[Format, Float32] = {"audio/pcmu": _ulaw(_ALL), "audio/pcma": _alaw(_ALL)}
_CODES: dict[Format, NDArray[np.uint8]] = {form: _nearest(levels) for form, levels in _TABLES.items()}
