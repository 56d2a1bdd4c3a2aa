"""An `Audio2Exp` as a stateful ONNX graph with its manifest.

The graph takes any number of rows and the past: rows of the stem, keys and values of every layer, the two
states of the LSTM and two rows before smoothing. A whole file is one call from a past of zeros, a stream is
many. Every query gathers the keys of its own window, so that a long call costs as much per row as a short
one.
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

from rhapsode.face.contacts import Closure
from rhapsode.face.engine_frames import VISEMES
from rhapsode.face.engine_manifest import FEATURES
from rhapsode.face.reference.audio2exp_manifest import KIND
from rhapsode.face.reference.basis import SPEECH, Basis
from rhapsode.performance import CLOCK_HZ, HOP
from rhapsode.rigs import ARKIT
from rhapsode.train.reference.audio2exp import DELAY, SMOOTHING, Audio2Exp
from rhapsode.train.takes import MOVES
from rhapsode.train.teacher import CLASSES, OCULUS

OPSET, IR = 17, 9


class _Graph:
    """Nodes and constants of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> str:
        """Append a node; return its first output."""
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), **attributes))
        return outputs[0]

    def constant(self, name: str, value: Any, kind: Any = np.float32) -> str:
        """Keep a constant; return its name."""
        self.constants[name] = np.asarray(value, kind)
        return name

    def whole(self, name: str, value: Any) -> str:
        """Keep a constant of integers; return its name."""
        return self.constant(name, value, np.int64)


def state_shapes(model: Audio2Exp) -> list[list[int]]:
    """Return the shapes of past0, past1, ... in their order."""
    shape = model.shape
    layers = [[shape.window - 1, 2 * shape.width] for _ in range(shape.layers)]
    memory = [[1, 1, shape.width]] * 2
    return [[shape.stem - 1, shape.inputs], *layers, *memory, [len(SMOOTHING) - 1, shape.styles * SPEECH]]


def _keep(made: _Graph, past: int, new: str, rows: int) -> str:
    """Put the past before ``new``, keep the last ``rows`` of both as the next past; return both."""
    both = made.add("Concat", [f"past{past}", new], f"long{past}", axis=0)
    start = made.whole(f"oldest{past}", [-rows])
    made.add("Slice", [both, start, "end", "zero"], f"next{past}")
    return both


def _windows(made: _Graph, name: str, taps: int) -> str:
    """Return the name of (T, taps) row numbers: those that each answer sees in past and present."""
    return made.add("Add", ["column", made.whole(f"{name}.taps", np.arange(taps)[None])], f"{name}.index")


def _layer(made: _Graph, model: Audio2Exp, k: int, x: str, state: dict[str, np.ndarray]) -> str:
    """Add encoder layer ``k``; return the name of its output."""
    shape, prefix = model.shape, f"encoder.{k}."
    depth = shape.width // shape.attending

    def norm(of: str, which: str) -> str:
        weights = [made.constant(f"{prefix}{which}.{p}", state[f"{prefix}{which}.{p}"]) for p in _WB]
        return made.add("LayerNormalization", [of, *weights], f"{prefix}{which}", axis=-1, epsilon=1e-5)

    def product(of: str, which: str, scale: Any = 1.0) -> str:
        weight, bias = (state[f"{prefix}{which}.{p}"] for p in _WB)
        names = made.constant(f"{prefix}{which}.w", (weight.T * scale)), bias * scale
        inputs = [of, names[0], made.constant(f"{prefix}{which}.b", names[1])]
        return made.add("Gemm", inputs, f"{prefix}{which}")

    scale = np.ones(3 * shape.width)
    scale[: shape.width] = depth**-0.5
    asked = product(norm(x, "first_norm"), "attention.ask", scale)
    sizes = made.whole(f"{prefix}sizes", [shape.width, 2 * shape.width])
    made.add("Split", [asked, sizes], f"{prefix}query", f"{prefix}told", axis=1)
    long = _keep(made, 1 + k, f"{prefix}told", shape.window - 1)
    made.add("Gather", [long, "attention.index"], f"{prefix}windows", axis=0)
    made.add("Reshape", [f"{prefix}windows", "split.heads"], f"{prefix}parts")
    made.add("Split", [f"{prefix}parts"], f"{prefix}key", f"{prefix}value", axis=2)
    for part, order in (("key", (0, 2, 3, 4, 1)), ("value", (0, 2, 3, 1, 4))):
        made.add("Transpose", [f"{prefix}{part}"], f"{prefix}{part}.t", perm=order)
    made.add("Reshape", [f"{prefix}query", "query.heads"], f"{prefix}query.h")
    scores = made.add("MatMul", [f"{prefix}query.h", f"{prefix}key.t"], f"{prefix}scores")
    bias = state[f"{prefix}attention.bias"][:, ::-1][None, None, :, None]
    made.add("Add", [scores, made.constant(f"{prefix}bias", bias)], f"{prefix}biased")
    share = made.add("Softmax", [f"{prefix}biased"], f"{prefix}share", axis=-1)
    seen = made.add("MatMul", [share, f"{prefix}value.t"], f"{prefix}seen")
    flat = made.add("Reshape", [seen, "flat"], f"{prefix}flat")
    x = made.add("Add", [x, product(flat, "attention.leave")], f"{prefix}attended")
    wide = made.add("Relu", [product(norm(x, "second_norm"), "widen")], f"{prefix}relu")
    return made.add("Add", [x, product(wide, "narrow")], f"{prefix}out")


_WB = ("weight", "bias")


def _lstm(made: _Graph, model: Audio2Exp, x: str, state: dict[str, np.ndarray]) -> str:
    """Add the recurrent layer; torch orders its gates i f g o, ONNX i o f c."""
    first = 1 + model.shape.layers

    def ordered(value: np.ndarray) -> np.ndarray:
        i, f, g, o = np.split(value, 4)
        return np.concatenate([i, o, f, g])[None]

    weights = [made.constant(f"memory.{p}", ordered(state[f"memory.weight_{p}_l0"])) for p in ("ih", "hh")]
    bias = np.concatenate([ordered(state[f"memory.bias_{p}_l0"]) for p in ("ih", "hh")], axis=1)
    rows = made.add("Unsqueeze", [x, made.whole("one", [1])], "memory.in")
    inputs = [rows, *weights, made.constant("memory.b", bias), "", f"past{first}", f"past{first + 1}"]
    outputs = ("memory.out", f"next{first}", f"next{first + 1}")
    made.add("LSTM", inputs, *outputs, hidden_size=model.shape.width)
    return made.add("Reshape", ["memory.out", "flat"], "remembered")


def graph(model: Audio2Exp) -> onnx.ModelProto:
    """Return the network as ONNX: rows (T, inputs) and past0 ... in; coefficients (T, styles * 15), speaking,
    closed and bitten (T, 1), visemes (T, 15) and next0 ... out.
    """
    shape, made = model.shape, _Graph()
    state = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}
    depth = shape.width // shape.attending
    for name, value in {
        "zero": [0],
        "end": [2**31],
        "flat": [-1, shape.width],
        "split.heads": [-1, shape.window, 2, shape.attending, depth],
        "query.heads": [-1, 1, shape.attending, 1, depth],
        "stem.flat": [-1, shape.stem * shape.inputs],
    }.items():
        made.whole(name, value)
    made.whole("start", 0)
    made.whole("step", 1)
    made.add("Shape", ["rows"], "rows.shape")
    made.add("Gather", ["rows.shape", "start"], "count", axis=0)
    made.add("Range", ["start", "count", "step"], "numbers")
    made.add("Unsqueeze", ["numbers", made.whole("last", [1])], "column")
    _windows(made, "stem", shape.stem)
    _windows(made, "attention", shape.window)
    made.add("Gather", [_keep(made, 0, "rows", shape.stem - 1), "stem.index"], "stem.windows", axis=0)
    made.add("Reshape", ["stem.windows", "stem.flat"], "stem.rows")
    stem = state["stem.weight"].transpose(2, 1, 0).reshape(-1, shape.width)
    inputs = ["stem.rows", made.constant("stem.w", stem), made.constant("stem.b", state["stem.bias"])]
    made.add("Gemm", inputs, "stem.out")
    x = made.add("Relu", ["stem.out"], "entered")
    for k in range(shape.layers):
        x = _layer(made, model, k, x, state)
    weights = [made.constant(f"norm.{p}", state[f"norm.{p}"]) for p in _WB]
    x = made.add("LayerNormalization", [x, *weights], "normed", axis=-1, epsilon=1e-5)
    x = made.add("Add", [x, _lstm(made, model, x, state)], "x")
    _leave(made, model, x, state)
    return _finished(made, model)


def _leave(made: _Graph, model: Audio2Exp, x: str, state: dict[str, np.ndarray]) -> None:
    """Add the heads, the speech gate, smoothing, contacts and visemes."""
    width = model.shape.styles * SPEECH
    parts = ("heads", "contacts", "heard")
    weight = np.concatenate([state[f"{part}.weight"] for part in parts]).T
    bias = np.concatenate([state[f"{part}.bias"] for part in parts])
    made.add("Gemm", [x, made.constant("leave.w", weight), made.constant("leave.b", bias)], "left")
    sizes = made.whole("left.sizes", [width, 1, 1, 1, len(CLASSES)])
    logits = [f"{name}.logit" for name in ("speaking", "closed", "bitten")]
    made.add("Split", ["left", sizes], "raw", *logits, "heard.logit", axis=1)
    for logit in logits:
        made.add("Sigmoid", [logit], logit.removesuffix(".logit"))
    gated = made.add("Mul", ["raw", "speaking"], "gated")
    past = 3 + model.shape.layers
    taps = len(SMOOTHING)
    long = _keep(made, past, gated, taps - 1)
    shifted = []
    for k, share in enumerate(SMOOTHING[::-1]):
        begin = made.whole(f"smooth.begin{k}", [k])
        end = made.whole(f"smooth.end{k}", [k - taps + 1 if k < taps - 1 else 2**31])
        cut = made.add("Slice", [long, begin, end, "zero"], f"smooth.cut{k}")
        shifted.append(made.add("Mul", [cut, made.constant(f"smooth.share{k}", share)], f"smooth.part{k}"))
    made.add("Sum", shifted, "coefficients")
    heard = made.add("Softmax", ["heard.logit"], "heard", axis=-1)
    table = np.zeros((len(CLASSES), len(VISEMES)))
    for row, name in enumerate(CLASSES):
        table[row, VISEMES.index(OCULUS[name])] = 1
    made.add("MatMul", [heard, made.constant("oculus", table)], "visemes")


def _finished(made: _Graph, model: Audio2Exp) -> onnx.ModelProto:
    def value(name: str, *dims: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))

    pasts = state_shapes(model)
    widths = {"coefficients": model.shape.styles * SPEECH, "visemes": len(VISEMES)}
    widths |= dict.fromkeys(("speaking", "closed", "bitten"), 1)
    built = helper.make_model(
        helper.make_graph(
            made.nodes,
            "audio2exp",
            [value("rows", "T", model.shape.inputs), *(value(f"past{k}", *s) for k, s in enumerate(pasts))],
            [
                *(value(name, "T", width) for name, width in widths.items()),
                *(value(f"next{k}", *s) for k, s in enumerate(pasts)),
            ],
            [numpy_helper.from_array(array, name) for name, array in made.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="rhapsode",
    )
    onnx.checker.check_model(built, full_check=True)
    return built


def export(
    model: Audio2Exp,
    folder: Path,
    *,
    basis: Basis,
    styles: Mapping[str, Sequence[Sequence[float]]],
    default_style: str,
    closure: Closure,
    bite: tuple[float, float],
    sources: Sequence[Mapping[str, str]],
    name: str = KIND,
    recipe: str = "recipes/face_audio2exp.py",
    commit: str = "",
) -> Path:
    """Write ``name``.onnx and its manifest ``name``.json to ``folder``; return the manifest's path.

    Args:
        model: trained, in evaluation mode.
        folder: where to.
        basis: of the coefficients.
        styles: per style name a (styles, moves) table of how much of each head goes into each move.
        default_style: one of ``styles``.
        closure: how sure of touching lips the network must be.
        bite: certainty of a lower lip at the teeth at which it begins to go there, and at which it is there.
        sources: of the data, with licences.
        name: of the engine.
        recipe: the script that made the weights.
        commit: of the source that made them.

    """
    assert default_style in styles
    assert not model.training
    content = graph(model).SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    manifest = {
        "format": 1,
        "kind": KIND,
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "sample_rate": CLOCK_HZ,
        "hop_length": HOP,
        "look_ahead_samples": (DELAY + 1) * HOP,
        "delay_rows": DELAY,
        "features": FEATURES,
        "channels": list(ARKIT.channels),
        "basis": {"name": "expression50", "sha256": basis.sha256, "driven": SPEECH},
        "moves": {move: list(channels) for move, channels in MOVES.items()},
        "state": state_shapes(model),
        "smoothing": list(SMOOTHING),
        "closure": closure.facts(),
        "bite": {"low": bite[0], "high": bite[1]},
        "styles": {style: [[round(float(x), 4) for x in head] for head in t] for style, t in styles.items()},
        "default_style": default_style,
        "recipe": recipe,
        "commit": commit,
        "data": [dict(source) for source in sources],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path
