"""A shipped network back as one that can learn on, without the checkpoint that it came from.

The exported file holds every batch normalisation folded into the product beside it. Here each of them
becomes the identity, but for the shift of the blocks, so that the network answers as the file does for as
long as its norms are frozen. Width, blocks and outputs are read from the file; weights of 8 bits come back
as the numbers that they stand for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

from rhapsode.errors import WeightsError
from rhapsode.face.manifests import find
from rhapsode.train.model import Articulator, Shape

_EPS = 1e-5
_SURE = ("speaking", "closed", "bitten", "stress")


@dataclass(frozen=True, eq=False)
class Restored:
    """A shipped engine as something to learn on.

    Args:
        model: in evaluation mode, norms the identity; freeze them while it trains.
        manifest: as the file beside the weights says it.
        delay: rows by which the network answers late.
        outputs: what the file could say: "heads", "speaking", "closed", "bitten", "stress", "heard".

    """

    model: Articulator
    manifest: Mapping[str, Any]
    delay: int
    outputs: frozenset[str]


def load(name_or_path: str | Path) -> Restored:
    """Return a shipped engine by name, or one from the path of a manifest.

    Raises:
        WeightsError: there is none, its checksum differs, or it is of another family.

    """
    path = find(name_or_path)
    try:
        manifest = json.loads(path.read_text("utf-8"))
        content = (path.parent / manifest["file"]).read_bytes()
        wanted, moves, delay = manifest["sha256"], len(manifest["moves"]), int(manifest["delay_rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"engine {path} cannot be trained on ({error}); expected the manifest of an articulator; "
            "start from live or studio"
        ) from error
    if hashlib.sha256(content).hexdigest() != wanted:
        raise WeightsError(f"weights of {path} are not the ones that it names; reinstall rhapsode")
    model, outputs = restore(content, moves=moves, dilations=manifest.get("dilations"), title=str(path))
    return Restored(model, manifest, delay, outputs)


def restore(
    content: bytes, *, moves: int, dilations: list[int] | None = None, title: str = "the network"
) -> tuple[Articulator, frozenset[str]]:
    """Return a network that answers as the file does, in evaluation mode, with identity norms.

    Outputs that the file does not have begin at random; what it does have is returned beside it.

    Args:
        content: of the ONNX file.
        moves: columns of one head of it.
        dilations: of its blocks; None reads them from the shapes of its past.
        title: for messages.

    Raises:
        WeightsError: it is no network of this family.

    """
    try:
        graph = onnx.load_model_from_string(content)
        weights = _weights(graph)
        leaver = next(n for n in graph.graph.node if any(i.startswith("leave.") for i in n.input))
        split = next(n for n in graph.graph.node if n.op_type == "Split" and n.input[0] == leaver.output[0])
        sizes = weights[split.input[1]]
        leave = np.split(weights["leave.w"].T, np.cumsum(sizes)[:-1])
        bias = np.split(weights["leave.b"], np.cumsum(sizes)[:-1])
        parts = dict(
            zip((name.split(".")[0] for name in split.output), zip(leave, bias, strict=True), strict=True)
        )
        inputs, width = weights["enter.w"].shape
        blocks = tuple(dilations or _dilations(graph))
        model = Articulator(Shape(inputs, moves, len(parts["heads"][0]) // moves, width, blocks))
        with torch.no_grad():
            _fill(model, weights, parts)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"{title} is no network that can be trained on ({reason}); start from live or studio"
        ) from error
    model.eval()
    known = set(parts) - {"logits"} | (set(_SURE) if "logits" in parts else set())
    return model, frozenset(known)


def _weights(graph: ModelProto) -> dict[str, NDArray]:
    """Return the initialisers by name; a product in 8 bits, .q and .s, as .w."""
    weights = {item.name: numpy_helper.to_array(item) for item in graph.graph.initializer}
    for name in [name.removesuffix(".q") for name in weights if name.endswith(".q")]:
        levels, scale = weights[f"{name}.q"].astype(np.float64) - 128, weights[f"{name}.s"]
        values = levels * scale.reshape(*levels.shape[:2], 1)
        weights[f"{name}.w"] = values.reshape(len(levels), -1).T
    return weights


def _dilations(graph: ModelProto) -> list[int]:
    rows = {item.name: item.type.tensor_type.shape.dim[0].dim_value for item in graph.graph.input}
    return [rows[f"past{k}"] // 2 for k in range(sum(name.startswith("past") for name in rows))]


def _fill(model: Articulator, weights: dict[str, NDArray], parts: dict[str, tuple[NDArray, NDArray]]) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.zero_()
            module.running_var.fill_(1)
            module.weight.fill_(float(np.sqrt(1 + _EPS)))
            module.bias.zero_()
    _copy(model.enter, weights["enter.w"].T, weights["enter.b"])
    for k, block in enumerate(model.blocks):
        _put(block.taps.weight, weights[f"block{k}.w"].T)
        _put(block.norm.bias, weights[f"block{k}.b"])
    _copy(model.heads, *parts["heads"])
    for row, name in enumerate(_SURE):
        if name in parts:
            weight, offset = parts[name]
            _put(model.sure.weight[row : row + 1], weight)
            _put(model.sure.bias[row : row + 1], offset)
    if "logits" in parts:
        _copy(model.sure, *parts["logits"])
    if "heard" in parts:
        _copy(model.heard, *parts["heard"])


def _copy(layer: nn.Linear, weight: NDArray, bias: NDArray) -> None:
    _put(layer.weight, weight)
    _put(layer.bias, bias)


def _put(target: Tensor, source: NDArray) -> None:
    if tuple(target.shape) != source.shape:
        raise ValueError(f"a layer has shape {source.shape}, expected {tuple(target.shape)}")
    target.copy_(torch.from_numpy(np.array(source, np.float32)))


def with_fresh_head(start: Articulator, moves: int) -> Articulator:
    """Return ``start`` with one head of ``moves`` columns in place of its own, all zero."""
    model = Articulator(replace(start.shape, styles=1, moves=moves))
    kept = {name: value for name, value in start.state_dict().items() if not name.startswith("heads.")}
    model.load_state_dict(kept, strict=False)
    with torch.no_grad():
        model.heads.weight.zero_()
        model.heads.bias.zero_()
    model.eval()
    return model


def inside(model: Articulator, rows: Tensor) -> Tensor:
    """Return what the last layer sees, (B, T, width), of rows (B, T, inputs)."""
    x: Tensor = model.enter(model.enter_norm(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])).relu()
    for block in model.blocks:
        x = block(x)
    return x
