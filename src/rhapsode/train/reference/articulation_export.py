"""The trained articulation network as an ONNX graph with its manifest.

The graph takes new sub-frames, what the formant network made of earlier ones, and which of both make up the
image of each curve frame; it gives the shapes, and what to hand in again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rhapsode.face.features_lpc import HALF, ORDER, SUB_FRAMES
from rhapsode.face.reference.articulation_manifest import FEATURES, FORMAT, KIND
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.rigs.facegood import FACEGOOD
from rhapsode.train.reference.articulation import (
    EMOTION,
    TAPS_ALONG_FORMANTS,
    TAPS_ALONG_TIME,
    ArticulationNet,
)
from rhapsode.train.reference.articulation_loop import Trained

OPSET, IR = 17, 9

SOURCES = (
    {
        "name": "FACEGOOD-Audio2Face, takes 2_01 to 2_05 and 3_15",
        "licence": "MIT",
        "attribution": "Copyright FACEGOOD",
    },
)


def _weights(model: ArticulationNet, moving: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the graph's constants; the basis answers with 0 for shapes that do not move."""
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    made: dict[str, np.ndarray] = {}
    for part, taps in (("formant", TAPS_ALONG_FORMANTS), ("articulation", TAPS_ALONG_TIME)):
        for k, tap in enumerate(taps):
            weight = state[f"{part}.{k}.weight"]
            made[f"{part}{k}.w"] = weight.reshape(len(weight), tap, -1).transpose(0, 2, 1)
            made[f"{part}{k}.b"] = state[f"{part}.{k}.bias"]
    basis = np.zeros((len(FACEGOOD), state["basis.weight"].shape[1]))
    shift = np.zeros(len(FACEGOOD))
    basis[list(moving)], shift[list(moving)] = state["basis.weight"], state["basis.bias"]
    made["detail.w"], made["detail.b"] = state["detail.weight"].T, state["detail.bias"]
    made["basis.w"], made["basis.b"] = basis.T, shift
    return {name: np.ascontiguousarray(value, np.float32) for name, value in made.items()}


def graph(model: ArticulationNet, moving: Sequence[int]) -> onnx.ModelProto:
    """Return the network as ONNX.

    In: columns (M, 32), past (P, formants), images (T, 64) int64, emotion (T, 16). Out: shapes (T, 116), not
    clipped, and formants (P + M, formants).
    """
    nodes = []
    constants = _weights(model, moving)
    constants |= {"one": np.array([1]), "two": np.array([2]), "last": np.array([-1])}

    def add(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        nodes.append(helper.make_node(kind, list(inputs), list(outputs), **attributes))

    def layer(name: str, entering: str, tap: int) -> str:
        pads, stride = ([1, 1], 2) if tap == 3 else ([0, 0], tap)
        add("Conv", [entering, f"{name}.w", f"{name}.b"], [f"{name}.conv"], strides=[stride], pads=pads)
        add("Relu", [f"{name}.conv"], [name])
        return name

    add("Unsqueeze", ["columns", "one"], ["entering"])
    x = "entering"
    for k, tap in enumerate(TAPS_ALONG_FORMANTS):
        x = layer(f"formant{k}", x, tap)
    add("Squeeze", [x, "two"], ["fresh"])
    add("Concat", ["past", "fresh"], ["formants"], axis=0)
    add("Gather", ["formants", "images"], ["windows"], axis=0)
    add("Transpose", ["windows"], ["gathered"], perm=[0, 2, 1])
    add("Unsqueeze", ["emotion", "two"], ["beside"])
    x, places = "gathered", SUB_FRAMES
    for k, tap in enumerate(TAPS_ALONG_TIME):
        x = layer(f"articulation{k}", x, tap)
        places //= 2 if tap == 3 else tap
        constants[f"wide{k}"] = np.array([1, 1, places])
        add("Expand", ["beside", f"wide{k}"], [f"beside{k}"])
        add("Concat", [x, f"beside{k}"], [f"felt{k}"], axis=1)
        x = f"felt{k}"
    add("Flatten", [x], ["flat"], axis=1)
    add("Gemm", ["flat", "detail.w", "detail.b"], ["detail"])
    add("Gemm", ["detail", "basis.w", "basis.b"], ["shapes"])

    def value(name: str, kind: int, *dims: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, list(dims))

    wide = model.shape.formant[-1]
    inputs = [
        value("columns", TensorProto.FLOAT, "M", ORDER),
        value("past", TensorProto.FLOAT, "P", wide),
        value("images", TensorProto.INT64, "T", SUB_FRAMES),
        value("emotion", TensorProto.FLOAT, "T", EMOTION),
    ]
    outputs = [
        value("shapes", TensorProto.FLOAT, "T", len(FACEGOOD)),
        value("formants", TensorProto.FLOAT, "N", wide),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "articulation", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="rhapsode",
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def export(
    trained: Trained,
    folder: Path,
    name: str,
    *,
    emotions: Mapping[str, Float32],
    default_style: str,
    recipe: str = "recipes/face_articulation.py",
) -> Path:
    """Write ``name``.onnx and its manifest ``name``.json to ``folder``; return the manifest's path.

    Args:
        trained: network and moving shapes.
        folder: where to.
        name: of the engine.
        emotions: (16,) vector per style.
        default_style: one of ``emotions``.
        recipe: the script that made the weights.

    """
    assert default_style in emotions
    assert not trained.model.training
    content = graph(trained.model, trained.moving).SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    manifest = {
        "format": FORMAT,
        "kind": KIND,
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "sample_rate": CLOCK_HZ,
        "hop_length": HOP,
        "look_ahead_samples": HALF,
        "features": FEATURES,
        "rig": FACEGOOD.name,
        "channels": list(FACEGOOD.channels),
        "formants": trained.model.shape.formant[-1],
        "emotions": {style: [round(float(x), 5) for x in vector] for style, vector in emotions.items()},
        "default_style": default_style,
        "recipe": recipe,
        "data": list(SOURCES),
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path
