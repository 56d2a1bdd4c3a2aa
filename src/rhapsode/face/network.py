"""The network of an engine and what it remembers of one sound."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rhapsode.errors import WeightsError
from rhapsode.face.engine_frames import VISEMES
from rhapsode.face.engine_manifest import Manifest
from rhapsode.face.features_level import WIDTH
from rhapsode.face.manifests import Weighed
from rhapsode.performance import Float32

SURE = 4
"""Moving mouth, touching lips, lip at the teeth, stress."""


class Said(NamedTuple):
    """What the network says about T rows.

    Args:
        moves: (T, heads * moves).
        sure: (T, 4) in [0, 1]: that the mouth moves, that the lips touch, that the lower lip is at the
            teeth, and how much the moment stands out.
        visemes: (T, 15), every row adding up to 1.

    """

    moves: Float32
    sure: Float32
    visemes: Float32


def open_network(manifest: Weighed, weights: bytes) -> onnxruntime.InferenceSession:
    """Return the network of an engine of any kind, on one thread.

    Raises:
        WeightsError: the file is no network.

    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WeightsError(
            f"weights {manifest.weights} are no ONNX network ({error}); reinstall rhapsode"
        ) from error


def session(manifest: Manifest, weights: bytes) -> onnxruntime.InferenceSession:
    """Return the network, checked against its manifest.

    Raises:
        WeightsError: the file is no network, or its inputs and outputs are not the manifest's.

    """
    made = open_network(manifest, weights)
    got = {node.name: tuple(node.shape) for node in (*made.get_inputs(), *made.get_outputs())}
    blocks, tables = len(manifest.dilations), {table.size for table in manifest.styles.values()}
    expected = {"row": (1, WIDTH), "taps": (1, 2 * blocks * manifest.width), "sure": (1, SURE)}
    expected |= {
        "moves": (1, max(tables)),
        "visemes": (1, len(VISEMES)),
        "kept": (1, blocks * manifest.width),
    }
    if got != expected or len(tables) != 1:
        raise WeightsError(
            f"weights {manifest.weights} take and give {got}, expected {expected} and moves of "
            f"{sorted(tables)}; the manifest belongs to another file: reinstall rhapsode"
        )
    return made


class NetworkMemory:
    """The network at one place in one sound: row after row, always one at a time.

    Each convolution looks back one and two dilations. What entered it lies in a ring, one for each, all of
    the same length; the rows it needs are taken from there before each step and its new one put there after.
    The runtime knows the addresses of all arrays, so that a step hands nothing over.

    Args:
        network: from `session`; shared by any number of memories.
        manifest: of the engine.

    """

    def __init__(self, network: onnxruntime.InferenceSession, manifest: Manifest) -> None:
        self._network = network
        length, blocks = 2 * max(manifest.dilations) + 1, len(manifest.dilations)
        self._ring = np.zeros((blocks * length, manifest.width), np.float32)
        self._from, self._into = _places(manifest.dilations, length)
        self._at, self._length = 0, length
        self._row = np.zeros((1, WIDTH), np.float32)
        self._taps = np.zeros((2 * blocks, manifest.width), np.float32)
        self._kept = np.zeros((blocks, manifest.width), np.float32)
        moves = manifest.styles[manifest.default_style].size
        self._said = Said(*(np.zeros((1, width), np.float32) for width in (moves, SURE, len(VISEMES))))
        self._binding = network.io_binding()
        for name, array in (("row", self._row), ("taps", self._taps)):
            shape = (1, array.size)
            self._binding.bind_input(name, "cpu", 0, np.float32, shape, array.ctypes.data)
        for name, array in (*self._said._asdict().items(), ("kept", self._kept)):
            shape = (1, array.size)
            self._binding.bind_output(name, "cpu", 0, np.float32, shape, array.ctypes.data)

    def run(self, rows: Float32) -> Said:
        """Return what the network says about ``rows``, (T, 166) float32, T > 0, which follow the last ones.

        The arrays are valid until the next call.
        """
        if len(rows) == 1:
            return self._step(rows)
        made = Said(*(np.empty((len(rows), part.shape[1]), np.float32) for part in self._said))
        for k, row in enumerate(rows):
            self._step(row)
            for kept, part in zip(made, self._said, strict=True):
                kept[k] = part[0]
        return made

    def _step(self, row: Float32) -> Said:
        at = self._at
        self._row[:] = row
        np.take(self._ring, self._from[at], axis=0, out=self._taps, mode="clip")
        self._network.run_with_iobinding(self._binding)
        self._ring[self._into[at]] = self._kept
        self._at = at + 1 if at + 1 < self._length else 0
        return self._said


def _places(dilations: tuple[int, ...], length: int) -> tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """Return, for each place in the rings, the rows that are read there and the ones that are written."""
    back = np.array([steps for dilation in dilations for steps in (2 * dilation, dilation)])
    ring = np.arange(len(dilations)) * length
    taps = np.repeat(ring, 2)
    return [taps + (at - back) % length for at in range(length)], [ring + at for at in range(length)]
