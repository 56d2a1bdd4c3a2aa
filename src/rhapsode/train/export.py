"""The trained network as a stateful ONNX graph with its manifest.

The graph takes any number of rows and, per residual convolution, the past that it looks back on; it
returns the moves and the new past. A whole file is one call from a zero past, a stream is many. A
convolution is written as one matrix product over its three taps side by side: for a single row that is
the fastest form the runtime has.
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

from rhapsode.face import features, features_level
from rhapsode.performance import CLOCK_HZ, HOP
from rhapsode.rigs import ARKIT
from rhapsode.train.loop import DELAY
from rhapsode.train.model import Articulator
from rhapsode.train.takes import MOVES

OPSET, IR = 17, 9

SOURCES = (
    {
        "name": "GRID audio-visual corpus, speaker s1; curves by MediaPipe Face Landmarker",
        "licence": "CC BY 4.0",
        "attribution": "M. Cooke, J. Barker, S. Cunningham, X. Shao, 'An audio-visual corpus for speech "
        "perception and automatic speech recognition', JASA 120 (2006)",
    },
    {
        "name": "FACEGOOD-Audio2Face takes 2_01 to 2_05 and 3_15",
        "licence": "MIT",
        "attribution": "Copyright FACEGOOD",
    },
    {
        "name": "Speech synthesised with Kokoro-82M and hibari-tts 0.2.1 in seven languages; "
        "phone times, and curves by the articulation teacher",
        "licence": "Apache-2.0",
        "attribution": "Kokoro-82M by hexgrad; hibari-tts",
    },
)


def _fold(model: Articulator) -> dict[str, np.ndarray]:
    """Return the weights with every batch normalisation folded into the product before or after it."""
    state = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}

    def scale_shift(prefix: str) -> tuple[np.ndarray, np.ndarray]:
        scale = state[f"{prefix}.weight"] / np.sqrt(state[f"{prefix}.running_var"] + 1e-5)
        return scale, state[f"{prefix}.bias"] - state[f"{prefix}.running_mean"] * scale

    scale, shift = scale_shift("enter_norm")
    enter = state["enter.weight"][:, :, 0]
    folded = {"enter.w": (enter * scale).T, "enter.b": state["enter.bias"] + enter @ shift}
    for k in range(len(model.shape.dilations)):
        scale, shift = scale_shift(f"blocks.{k}.norm")
        taps = state[f"blocks.{k}.conv.weight"] * scale[:, None, None]
        folded[f"block{k}.w"] = taps.transpose(2, 1, 0).reshape(-1, taps.shape[0])
        folded[f"block{k}.b"] = shift
    parts = ("heads", "speaking", "closed", "bitten")
    folded["leave.w"] = np.concatenate([state[f"{part}.weight"][:, :, 0] for part in parts]).T
    folded["leave.b"] = np.concatenate([state[f"{part}.bias"] for part in parts])
    return {name: value.astype(np.float32) for name, value in folded.items()}


def _constants(model: Articulator) -> dict[str, np.ndarray]:
    fixed = {"parts": np.array([model.shape.styles * model.shape.moves, 1, 1, 1])}
    fixed |= {"zero": np.array([0]), "end": np.array([2**31])}
    for k, dilation in enumerate(model.shape.dilations):
        fixed |= {f"oldest{k}": np.array([-2 * dilation]), f"middle{k}": np.array([dilation])}
        fixed |= {f"last{k}": np.array([-dilation])}
    return fixed


def graph(model: Articulator) -> onnx.ModelProto:
    """Return the network as ONNX: rows (T, inputs) and past0 ... in; moves (T, styles * moves),
    speaking, closed and bitten (T, 1) and next0 ... out.
    """
    shape, nodes = model.shape, []

    def add(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        nodes.append(helper.make_node(kind, list(inputs), list(outputs), **attributes))

    add("Gemm", ["rows", "enter.w", "enter.b"], ["entered"])
    add("Relu", ["entered"], ["x0"])
    for k in range(len(shape.dilations)):
        add("Concat", [f"past{k}", f"x{k}"], [f"long{k}"], axis=0)
        add("Slice", [f"long{k}", f"oldest{k}", "end", "zero"], [f"next{k}"])
        add("Slice", [f"long{k}", "zero", f"oldest{k}", "zero"], [f"tap0.{k}"])
        add("Slice", [f"long{k}", f"middle{k}", f"last{k}", "zero"], [f"tap1.{k}"])
        add("Concat", [f"tap0.{k}", f"tap1.{k}", f"x{k}"], [f"taps{k}"], axis=1)
        add("Gemm", [f"taps{k}", f"block{k}.w", f"block{k}.b"], [f"conv{k}"])
        add("Relu", [f"conv{k}"], [f"relu{k}"])
        add("Add", [f"x{k}", f"relu{k}"], [f"x{k + 1}"])
    add("Gemm", [f"x{len(shape.dilations)}", "leave.w", "leave.b"], ["left"])
    add("Split", ["left", "parts"], ["heads", "speaking.logit", "closed.logit", "bitten.logit"], axis=1)
    add("Sigmoid", ["speaking.logit"], ["speaking"])
    add("Sigmoid", ["closed.logit"], ["closed"])
    add("Sigmoid", ["bitten.logit"], ["bitten"])
    add("Mul", ["heads", "speaking"], ["moves"])

    def value(name: str, *dims: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))

    pasts = {k: (2 * dilation, shape.width) for k, dilation in enumerate(shape.dilations)}
    inputs = [value("rows", "T", shape.inputs), *(value(f"past{k}", *dims) for k, dims in pasts.items())]
    outputs = [
        value("moves", "T", shape.styles * shape.moves),
        value("speaking", "T", 1),
        value("closed", "T", 1),
        value("bitten", "T", 1),
    ]
    outputs += [value(f"next{k}", *dims) for k, dims in pasts.items()]
    weights = [numpy_helper.from_array(v, n) for n, v in {**_fold(model), **_constants(model)}.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "articulator", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="rhapsode",
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def export(
    model: Articulator,
    folder: Path,
    name: str,
    *,
    styles: Mapping[str, Sequence[Sequence[float]]],
    default_style: str,
    closure: tuple[float, float],
    bite: tuple[float, float] = (0.5, 0.9),
    recipe: str = "recipes/face_live.py",
    commit: str = "",
) -> Path:
    """Write ``name``.onnx and its manifest ``name``.json to ``folder``; return the manifest's path.

    Args:
        model: trained, in evaluation mode.
        folder: where to.
        name: of the engine.
        styles: per style name a (styles, moves) table of how much of each head goes into each move.
        default_style: one of ``styles``.
        closure: certainty of touching lips at which they begin to close, and at which they are closed.
        bite: the same for the lower lip and the upper teeth.
        recipe: the script that made the weights.
        commit: of the source that made them.

    """
    assert default_style in styles
    assert not model.training
    content = graph(model).SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    manifest = {
        "format": 1,
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "sample_rate": CLOCK_HZ,
        "hop_length": HOP,
        "look_ahead_samples": (DELAY + 1) * HOP,
        "delay_rows": DELAY,
        "features": {
            "kind": "level-free log-mel",
            "n_mels": features.N_MELS,
            "win_length": features.WIN_LENGTH,
            "hop_length": features.HOP_LENGTH,
            "n_fft": features.N_FFT,
            "ahead": features.AHEAD,
            "width": features_level.WIDTH,
        },
        "channels": list(ARKIT.channels),
        "moves": {move: list(channels) for move, channels in MOVES.items()},
        "state": [[2 * dilation, model.shape.width] for dilation in model.shape.dilations],
        "closure": {"low": closure[0], "high": closure[1]},
        "bite": {"low": bite[0], "high": bite[1]},
        "styles": {style: [[round(float(x), 4) for x in head] for head in t] for style, t in styles.items()},
        "default_style": default_style,
        "recipe": recipe,
        "commit": commit,
        "data": list(SOURCES),
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path
