"""ONNX graphs with inner results marked as outputs, made once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rhapsode.speech.cache import cached_bytes


def marked_graph(
    source: bytes, *outputs: str, name: str, change: Callable[[Any], None] | None = None, version: int = 0
) -> Path | bytes:
    """Return the graph ``source`` with ``outputs`` as further outputs, as a file of the user's cache.

    Args:
        source: a serialised ONNX model.
        outputs: names of tensors in it.
        name: begins the name of the cached file.
        change: makes further changes to the loaded model.
        version: of ``change``; another one makes another file.

    Returns:
        The file, or the graph itself where the cache cannot be written.

    """

    def mark() -> bytes:
        import onnx

        model = onnx.load_from_string(source)
        if change is not None:
            change(model)
        for output in outputs:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(output))
        return bytes(model.SerializeToString())

    tail = f"-{version}" if version else ""
    return cached_bytes(f"{name}-timed-{hashlib.sha256(source).hexdigest()}{tail}.onnx", mark)
