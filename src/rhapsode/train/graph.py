"""An `Articulator` as ONNX: one row in, what is said about one row out.

The network always takes a single row, so that a stream and a file give the same numbers to the last bit. What
each convolution needs of the past comes in from outside as one input, and what it must remember goes out as
one output: half of the nodes of a graph that keeps its own past, and half of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rhapsode.face.engine_frames import VISEMES
from rhapsode.train.model import KERNEL, Articulator
from rhapsode.train.teacher import CLASSES, OCULUS

OPSET, IR = 17, 9

BLOCK = 32
"""Weights that share a scale in 8 bits."""


def folded(model: Articulator) -> dict[str, np.ndarray]:
    """Return the weights with every batch normalisation folded into the product before or after it."""
    state = {name: value.detach().double().cpu().numpy() for name, value in model.state_dict().items()}

    def scale_shift(prefix: str) -> tuple[np.ndarray, np.ndarray]:
        scale = state[f"{prefix}.weight"] / np.sqrt(state[f"{prefix}.running_var"] + 1e-5)
        return scale, state[f"{prefix}.bias"] - state[f"{prefix}.running_mean"] * scale

    scale, shift = scale_shift("enter_norm")
    enter = state["enter.weight"]
    made = {"enter.w": (enter * scale).T, "enter.b": state["enter.bias"] + enter @ shift}
    for k in range(len(model.shape.dilations)):
        scale, shift = scale_shift(f"blocks.{k}.norm")
        made[f"block{k}.w"] = (state[f"blocks.{k}.taps.weight"] * scale[:, None]).T
        made[f"block{k}.b"] = shift
    parts = ("heads", "sure", "heard")
    made["leave.w"] = np.concatenate([state[f"{part}.weight"] for part in parts]).T
    made["leave.b"] = np.concatenate([state[f"{part}.bias"] for part in parts])
    return {name: value.astype(np.float32) for name, value in made.items()}


def viseme_table() -> np.ndarray:
    """Return (classes, 15) float32: which viseme each class of phones is shown as."""
    table = np.zeros((len(CLASSES), len(VISEMES)), np.float32)
    for row, name in enumerate(CLASSES):
        table[row, VISEMES.index(OCULUS[name])] = 1
    return table


class _Graph:
    """Nodes and weights as they are collected."""

    def __init__(self, *, bits: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self._bits = bits

    def add(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), **attributes))

    def product(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray, out: str) -> None:
        """Add x @ weight + bias; in 8 bits where that is wanted and the rows fill whole blocks."""
        self.weights[f"{name}.b"] = bias
        if self._bits == 32 or len(weight) % BLOCK:
            self.weights[f"{name}.w"] = weight
            self.add("Gemm", [x, f"{name}.w", f"{name}.b"], [out])
            return
        rows, columns = weight.shape
        blocks = weight.T.reshape(columns, rows // BLOCK, BLOCK).astype(np.float64)
        scale = np.abs(blocks).max(axis=2) / 127 + 1e-12
        levels = np.clip(np.round(blocks / scale[:, :, None]), -127, 127) + 128
        self.weights[f"{name}.q"] = levels.astype(np.uint8)
        self.weights[f"{name}.s"] = scale.astype(np.float32)
        parts = [x, f"{name}.q", f"{name}.s", "", "", f"{name}.b"]
        settings = {"K": rows, "N": columns, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        self.add("MatMulNBits", parts, [out], domain="com.microsoft", **settings)


def graph(model: Articulator, *, bits: int = 32) -> onnx.ModelProto:
    """Return the network as ONNX.

    Inputs: ``row`` (1, inputs); ``taps`` (1, blocks * 2 * width), for each block in turn what entered it two
    dilations and one dilation ago. Outputs: ``moves`` (1, styles * moves); ``sure`` (1, 4), how surely the
    mouth moves, the lips touch, the lower lip is at the teeth, and how much the moment stands out;
    ``visemes`` (1, 15); ``kept`` (1, blocks * width), what entered each block now.

    Args:
        model: trained, in evaluation mode.
        bits: of a weight, 32 or 8.

    """
    shape, made = model.shape, _Graph(bits=bits)
    weights, blocks = folded(model), range(len(shape.dilations))
    past = (KERNEL - 1) * shape.width
    made.weights |= {"pasts": np.array([past] * len(blocks)), "visemes.w": viseme_table()}
    made.weights["parts"] = np.array([shape.styles * shape.moves, 4, len(CLASSES)])
    made.weights["gate"] = np.array([1, 3])
    made.product("row", "enter", weights["enter.w"], weights["enter.b"], "entered")
    made.add("Relu", ["entered"], ["x0"])
    made.add("Split", ["taps", "pasts"], [f"past{k}" for k in blocks], axis=1)
    for k in blocks:
        made.add("Concat", [f"past{k}", f"x{k}"], [f"rows{k}"], axis=1)
        made.product(f"rows{k}", f"block{k}", weights[f"block{k}.w"], weights[f"block{k}.b"], f"made{k}")
        made.add("Relu", [f"made{k}"], [f"relu{k}"])
        made.add("Add", [f"x{k}", f"relu{k}"], [f"x{k + 1}"])
    made.add("Concat", [f"x{k}" for k in blocks], ["kept"], axis=1)
    made.product(f"x{len(blocks)}", "leave", weights["leave.w"], weights["leave.b"], "left")
    made.add("Split", ["left", "parts"], ["heads", "logits", "heard"], axis=1)
    made.add("Sigmoid", ["logits"], ["sure"])
    made.add("Split", ["sure", "gate"], ["speaking", "others"], axis=1)
    made.add("Mul", ["heads", "speaking"], ["moves"])
    made.add("Softmax", ["heard"], ["phones"], axis=1)
    made.add("MatMul", ["phones", "visemes.w"], ["visemes"])

    def value(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])

    inputs = [value("row", shape.inputs), value("taps", past * len(blocks))]
    outputs = [value("moves", shape.styles * shape.moves), value("sure", 4), value("visemes", len(VISEMES))]
    outputs.append(value("kept", shape.width * len(blocks)))
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    network = helper.make_model(
        helper.make_graph(
            made.nodes,
            "articulator",
            inputs,
            outputs,
            [numpy_helper.from_array(array, name) for name, array in made.weights.items()],
        ),
        opset_imports=domains if bits == 8 else domains[:1],
        ir_version=IR,
        producer_name="rhapsode",
    )
    onnx.checker.check_model(network)
    return network
