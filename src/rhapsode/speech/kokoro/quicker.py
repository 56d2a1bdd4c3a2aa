"""The network of Kokoro twice as fast, to the same sample: its convolutions as products of matrices.

onnxruntime has faster kernels for products of uint8 and int8, made of the dot products of today's processors
(measured with AMX), than for convolutions of uint8. All is sums of integers, so that nothing else changes. A
processor that lacks them rounds off where signed and unsigned numbers meet; `exact` finds that out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FAR = 2**40
_OPSET, _IR = 20, 10


def exact() -> bool:
    """Tell whether products of uint8 and int8 are exact on this processor, and so are worth being used."""
    import onnxruntime
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])],
        "probe",
        [
            helper.make_tensor_value_info("a", TensorProto.UINT8, [8, 256]),
            helper.make_tensor_value_info("b", TensorProto.INT8, [256, 64]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [8, 64])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    feed = {"a": np.full((8, 256), 255, np.uint8), "b": np.full((256, 64), 127, np.int8)}
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (y,) = session.run(None, feed)
    except Exception:  # this build of onnxruntime has no kernel for such a product
        return False
    return bool((np.asarray(y) == 255 * 127 * 256).all())


def quicken(model: Any) -> int:
    """Rewrite the convolutions of a loaded ONNX ``model``; return how many.

    Those over time, of uint8 with constant weights, one group and no stride are rewritten, others stay.
    """
    from onnx import numpy_helper

    graph = model.graph
    held = {one.name: one for one in graph.initializer}
    constants, nodes, count = _Constants(graph), [], 0
    for node in graph.node:
        weights = held.get(node.input[1]) if _fits(node) else None
        array = numpy_helper.to_array(weights) if weights is not None else None
        if array is None or array.dtype != np.uint8 or array.ndim != 3:
            nodes.append(node)
            continue
        nodes += _product(node, array, constants)
        count += 1
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return count


class _Constants:
    """Constants of a graph, each value once."""

    def __init__(self, graph: Any) -> None:
        self._graph, self._names = graph, set[str]()

    def __call__(self, name: str, value: NDArray[Any]) -> str:
        """Return the full name of a constant, added to the graph now if it is not there yet."""
        from onnx import numpy_helper

        name = f"quick/{name}"
        if name not in self._names:
            self._names.add(name)
            self._graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _fits(node: Any) -> bool:
    if node.op_type != "ConvInteger" or len(node.input) != 4:
        return False
    told = {one.name: one for one in node.attribute}
    plain = "auto_pad" not in told or told["auto_pad"].s == b"NOTSET"
    grouped = "group" in told and told["group"].i != 1
    strided = "strides" in told and list(told["strides"].ints) != [1]
    return plain and not grouped and not strided


def _product(node: Any, weights: NDArray[np.uint8], constant: _Constants) -> list[Any]:
    """Return nodes that stand for a convolution.

    Args:
        node: the convolution, of (1, channels, time).
        weights: (outputs, channels, taps).
        constant: gives names to constants.

    """
    from onnx import TensorProto, helper

    told = {one.name: list(one.ints) for one in node.attribute}
    taps, step = weights.shape[2], told.get("dilations", [1])[0]
    before, behind = told.get("pads", [0, 0])
    x, _, zero, weights_zero = node.input
    name, nodes = f"quick/{node.output[0]}", []

    def add(kind: str, inputs: list[str], what: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"{name}/{what}"], **attributes))
        return f"{name}/{what}"

    high = constant("high", np.asarray(128, np.uint8))  # uint8 with its highest bit turned is int8, less 128
    seen = add("Cast", [add("BitwiseXor", [x, high], "turned")], "signed", to=TensorProto.INT8)
    least = add("Cast", [add("BitwiseXor", [zero, high], "turned zero")], "zero", to=TensorProto.INT8)
    if before or behind:
        ends = constant(f"pads {before} {behind}", np.asarray([0, 0, before, 0, 0, behind], np.int64))
        seen = add("Pad", [seen, ends, least], "padded")
    if taps > 1:
        axis, shifted = constant("axis", np.asarray([2], np.int64)), []
        for k in range(taps):
            left = (taps - 1 - k) * step
            begin = constant(f"begin {k * step}", np.asarray([k * step], np.int64))
            end = constant(f"end {left}", np.asarray([-left if left else _FAR], np.int64))
            shifted.append(add("Slice", [seen, begin, end, axis], f"tap {k}"))
        seen = add("Concat", shifted, "taps", axis=1)
    flat = weights.transpose(0, 2, 1).reshape(len(weights), -1)
    kernel = constant(f"weights of {node.input[1]}", flat)
    nodes.append(helper.make_node("MatMulInteger", [kernel, seen, weights_zero, least], list(node.output)))
    return nodes
