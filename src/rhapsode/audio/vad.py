"""Voice activity by Silero's network, as a stream (extra ``vad``: pipecat-ai carries the weights).

The engine hears the activity of a voice by itself; this is for rooms where music, keys or a television would
move the face.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.audio.resample import Resampler
from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.performance import Float32

RATE = 16_000
WINDOW = 512
"""Samples at 16 kHz that are judged at a time (32 ms)."""

_CONTEXT = 64


class SileroVad:
    """Tells how certain it is of a voice, window by window.

    Raises:
        MissingExtraError: pipecat-ai, which carries the weights, is not installed.

    """

    def __init__(self) -> None:
        self._network = _network()
        self._memory = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros((1, _CONTEXT), np.float32)
        self._waiting = np.zeros(0, np.float32)

    def push(self, y: Float32) -> Float32:
        """Take mono samples (n,) at 16 kHz; return the certainty in [0, 1] of each window completed."""
        waiting = np.concatenate([self._waiting, y])
        whole = len(waiting) - len(waiting) % WINDOW
        self._waiting = waiting[whole:]
        return np.array([self._judge(waiting[k : k + WINDOW]) for k in range(0, whole, WINDOW)], np.float32)

    def _judge(self, window: Float32) -> float:
        given = np.concatenate([self._context, window[None]], axis=1)
        rate = np.array(RATE, np.int64)
        judged, self._memory = self._network.run(None, {"input": given, "state": self._memory, "sr": rate})
        self._context = given[:, -_CONTEXT:]
        return float(judged[0, 0])


class VoiceGate:
    """Lets sound through while somebody speaks, and silence otherwise: as many samples as went in.

    Args:
        sample_rate: of what goes in and comes out, Hz.
        opens: certainty from which it opens.
        closes: certainty below which it closes, after ``hold_s``.
        hold_s: how long it stays open behind the last certain window, seconds.

    Raises:
        MissingExtraError: pipecat-ai, which carries the weights, is not installed.
        SettingError: the limits are out of order.

    Attributes:
        lag_s: how much later what goes in comes out, seconds: a window must be judged before it passes.
        open: whether it is open now.

    """

    def __init__(
        self, sample_rate: int, *, opens: float = 0.5, closes: float = 0.35, hold_s: float = 0.3
    ) -> None:
        if not 0 <= closes <= opens <= 1:
            raise SettingError(
                f"a voice gate needs 0 <= closes <= opens <= 1, got closes {closes:g}, opens {opens:g}"
            )
        self._vad, self._resampler = SileroVad(), Resampler(sample_rate, RATE)
        self._opens, self._closes = opens, closes
        self._hold = round(hold_s * RATE / WINDOW)
        self._since = self._hold
        self._lag = round(sample_rate * (WINDOW / RATE + 0.004))
        self.lag_s = self._lag / sample_rate
        self._held = np.zeros(self._lag, np.float32)
        self._gain = 0.0
        self._slope = 1 / (0.01 * sample_rate)
        self.open = False

    def __call__(self, y: Float32) -> Float32:
        """Take the next mono samples (n,); return n samples of `lag_s` ago, silent where nobody spoke."""
        for certainty in self._vad.push(self._resampler.push(y)):
            self._since = 0 if certainty >= (self._closes if self.open else self._opens) else self._since + 1
            self.open = self._since < self._hold
        held = np.concatenate([self._held, y])
        out, self._held = held[: len(y)], held[len(y) :]
        aim = 1.0 if self.open else 0.0
        ramp = self._gain + np.sign(aim - self._gain) * self._slope * np.arange(1, len(y) + 1)
        gain = np.clip(ramp, min(self._gain, aim), max(self._gain, aim)).astype(np.float32)
        self._gain = float(gain[-1]) if len(gain) else self._gain
        return np.asarray(out * gain, np.float32)


def _network() -> Any:
    import onnxruntime as ort

    found = find_spec("pipecat")
    folders = list(found.submodule_search_locations or []) if found else []
    path = Path(folders[0]) / "audio" / "vad" / "data" / "silero_vad.onnx" if folders else None
    if path is None or not path.is_file():
        raise MissingExtraError("Silero's voice activity network (in pipecat-ai)", "vad")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
