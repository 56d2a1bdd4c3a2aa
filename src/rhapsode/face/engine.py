"""The articulation engine: 16 kHz sound in, ARKit weights of the mouth out, whole or streamed.

Curve frame k belongs to clock sample 320 k and depends on clock samples below 320 k + 640 only (40 ms,
the analysis window included). The engine moves jaw, lips and cheeks; eyes, brows and head rest at 0 and
are the work of `rhapsode.face.life`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime

from rhapsode.errors import SettingError, WeightsError
from rhapsode.face.engine_manifest import Manifest, checked_bytes, find, read_manifest
from rhapsode.face.features_level import WIDTH, EngineFeatures
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT

_JAW, _CLOSE = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")
_PARTING = [
    ARKIT.index(f"mouth{part}{side}") for part in ("LowerDown", "UpperUp") for side in ("Left", "Right")
]
_PARTING.append(ARKIT.index("mouthFunnel"))

_LOWERED = [ARKIT.index(name) for name in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthFunnel")]
_BITTEN = {"mouthRollLower": 0.3, "mouthShrugLower": 0.1, "mouthUpperUpLeft": 0.26, "mouthUpperUpRight": 0.26}
"""What the lips do when the lower one is at the upper teeth: it rolls in, the upper one clears the teeth."""

_BITTEN_COLUMNS = [ARKIT.index(name) for name in _BITTEN]
_BITTEN_LEAST = np.array([*_BITTEN.values()], np.float32)
_LIFT, _ROLLED = 0.93, 0.07
"""mouthClose that brings the lower lip up to the teeth, per jawOpen, and what its roll saves of it."""

_BLOCK = 160_000
"""Clock samples that are worked on at once: bounds the memory of whole files."""


class Engine:
    """Verified weights, ready to run; shared by any number of streams.

    Args:
        manifest: checked, as `engine_manifest.read_manifest` returns it.
        weights: bytes of the ONNX file.

    Raises:
        WeightsError: the file is no network, or its inputs and outputs are not the manifest's.

    Example:
        >>> engine = Engine.load("live")
        >>> stream = engine.stream()
        >>> frames = [stream.push(np.zeros(1600, np.float32)), stream.finish()]
        >>> np.concatenate(frames).shape
        (5, 52)

    """

    def __init__(self, manifest: Manifest, weights: bytes) -> None:
        self.manifest = manifest
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise WeightsError(
                f"weights {manifest.weights} are no ONNX network ({error}); reinstall rhapsode"
            ) from error
        self._check_shapes()

    @classmethod
    def load(cls, name_or_path: str | Path = "live") -> Engine:
        """Return a shipped engine by name, or one from the path of a manifest.

        Raises:
            WeightsError: there is none, or it fails its check.

        """
        path = find(name_or_path)
        stamps = (path.stat().st_mtime_ns, path.stat().st_size)
        return _load(path.resolve(), stamps, _weights_stamp(path))

    @property
    def look_ahead_samples(self) -> int:
        """Curve frame k depends on clock samples below 320 k + this."""
        return self.manifest.look_ahead_samples

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the output columns: ARKit-52 in canonical order."""
        return ARKIT.channels

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the label styles that `stream` knows."""
        return tuple(self.manifest.styles)

    def stream(self, *, style: str | None = None) -> EngineStream:
        """Return a new stream at the beginning of a sound.

        Args:
            style: one of `styles`; None is the default of the weights.

        Raises:
            SettingError: the style is unknown.

        """
        style = style or self.manifest.default_style
        if style not in self.manifest.styles:
            raise SettingError(f"engine style must be one of {', '.join(self.styles)}, got {style!r}")
        return EngineStream(self, self.manifest.routing(style))

    def run(self, rows: Float32, past: list[Float32]) -> tuple[Float32, Float32, Float32, list[Float32]]:
        """Return the network's moves for ``rows``, (T, heads * moves), how surely the lips touch, (T, 1) in
        [0, 1], the same of the lower lip and the upper teeth, and the new past.
        """
        feed = {"rows": rows} | {f"past{k}": value for k, value in enumerate(past)}
        moves, closed, bitten, *following = self._session.run(self._wanted, feed)
        return moves, closed, bitten, following

    def memory(self) -> NetworkMemory:
        """Return the network's memory at the beginning of a sound."""
        return NetworkMemory(self, self._session)

    def _check_shapes(self) -> None:
        count = len(self.manifest.state)
        self._wanted = ["moves", "closed", "bitten", *(f"next{k}" for k in range(count))]
        got = {node.name: tuple(node.shape) for node in self._session.get_inputs()}
        expected = {"rows": ("T", WIDTH)} | {f"past{k}": dims for k, dims in enumerate(self.manifest.state)}
        answers = {node.name: node.shape for node in self._session.get_outputs()}
        tables = {table.size for table in self.manifest.styles.values()}
        if got != expected or not set(self._wanted) <= set(answers) or tables != {answers["moves"][1]}:
            raise WeightsError(
                f"weights {self.manifest.weights} take {got} and give {answers}, expected {expected} and "
                f"moves of {sorted(tables)}; the manifest belongs to another file: reinstall rhapsode"
            )


class NetworkMemory:
    """What the network remembers of one sound, and the way to run it on the rows that follow.

    A live sound comes one row at a time, and then handing ten arrays in and ten out costs as much as a
    third of the network. So the past lies in two sets of arrays that stay where they are, the runtime
    knows the addresses of both, and each single row reads the one set and writes the other.

    Args:
        engine: shared weights.
        session: of the engine.

    """

    def __init__(self, engine: Engine, session: onnxruntime.InferenceSession) -> None:
        self._engine, self._session = engine, session
        manifest = engine.manifest
        one, other = ([np.zeros(dims, np.float32) for dims in manifest.state] for _ in range(2))
        self._past, self._next = one, other
        self._row = np.zeros((1, WIDTH), np.float32)
        self._moves = np.zeros((1, manifest.styles[manifest.default_style].size), np.float32)
        self._closed, self._bitten = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
        self._binding, self._next_binding = self._bind(one, other), self._bind(other, one)

    def run(self, rows: Float32) -> tuple[Float32, Float32, Float32]:
        """Return what `Engine.run` does but for the past; the arrays are valid until the next call.

        Args:
            rows: (T, 166) float32, T > 0, those that follow the rows of the last call.

        """
        if len(rows) > 1:
            moves, closed, bitten, following = self._engine.run(rows, self._past)
            for kept, new in zip(self._past, following, strict=True):
                kept[:] = new
            return moves, closed, bitten
        self._row[:] = rows
        self._session.run_with_iobinding(self._binding)
        self._past, self._next = self._next, self._past
        self._binding, self._next_binding = self._next_binding, self._binding
        return self._moves, self._closed, self._bitten

    def _bind(self, past: list[Float32], following: list[Float32]) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        given = {"rows": self._row} | {f"past{k}": value for k, value in enumerate(past)}
        for name, array in given.items():
            binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        made = {"moves": self._moves, "closed": self._closed, "bitten": self._bitten}
        for name, array in (made | {f"next{k}": value for k, value in enumerate(following)}).items():
            binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding


class EngineStream:
    """One sound on its way through an engine. State: features, the network's memory, rows to skip.

    Args:
        engine: shared weights.
        routing: (heads * moves, 52), from `Manifest.routing`.

    """

    def __init__(self, engine: Engine, routing: Float32) -> None:
        self._engine = engine
        self._routing = routing
        self._features = EngineFeatures()
        self._memory = engine.memory()
        self._skip = engine.manifest.delay_rows

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32 at 16 kHz, n >= 0; return the curve frames they complete.

        Returns:
            (T, 52) float32 in [0, 1], ARKit order.

        """
        if len(y) <= _BLOCK:
            return self._answer(self._features.push(y))
        parts = [self._answer(self._features.push(y[k : k + _BLOCK])) for k in range(0, len(y), _BLOCK)]
        return np.concatenate(parts)

    def finish(self) -> Float32:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return self._answer(self._features.finish(self._engine.manifest.delay_rows))

    def _answer(self, rows: Float32) -> Float32:
        if not len(rows):
            return np.zeros((0, len(ARKIT)), np.float32)
        moves, closed, bitten = self._memory.run(rows)
        skipped, self._skip = min(self._skip, len(rows)), max(self._skip - len(rows), 0)
        weights: Float32 = moves[skipped:] @ self._routing
        self._bite(weights, bitten[skipped:, 0])
        self._touch(weights, closed[skipped:, 0])
        return np.minimum(np.maximum(weights, 0, out=weights), 1, out=weights)

    def _touch(self, weights: Float32, closed: Float32) -> None:
        """Bring the lips together in place, as far as the network is sure that they touch.

        On ARKit heads mouthClose seals the lips where it equals jawOpen.
        """
        touching = _ramp(closed, self._engine.manifest.closure)
        if touching is None:
            return
        weights[:, _PARTING] *= (1 - touching)[:, None]
        weights[:, _CLOSE] = np.maximum(weights[:, _CLOSE], touching * weights[:, _JAW])

    def _bite(self, weights: Float32, bitten: Float32) -> None:
        """Bring the lower lip to the upper teeth in place, as far as the network is sure of an f or v."""
        touching = _ramp(bitten, self._engine.manifest.bite)
        if touching is None:
            return
        weights[:, _LOWERED] *= (1 - touching)[:, None]
        least = touching[:, None] * _BITTEN_LEAST
        weights[:, _BITTEN_COLUMNS] = np.maximum(weights[:, _BITTEN_COLUMNS], least)
        lift = touching * (_LIFT * weights[:, _JAW] - _ROLLED)
        weights[:, _CLOSE] = np.maximum(weights[:, _CLOSE], lift)


def _ramp(certainty: Float32, limits: tuple[float, float]) -> Float32 | None:
    """Return 0 at the lower limit, 1 at the upper one, (T,); None if all of it is 0."""
    low, high = limits
    if not len(certainty) or certainty.max() <= low:
        return None
    ramp: Float32 = np.minimum(np.maximum((certainty - low) / (high - low), 0), 1)
    return ramp


def _weights_stamp(manifest_path: Path) -> tuple[int, int]:
    try:
        stat = manifest_path.with_suffix(".onnx").stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _load(path: Path, manifest_stamp: tuple[int, int], weights_stamp: tuple[int, int]) -> Engine:
    """Load an engine once for as long as its files stay as they are."""
    manifest = read_manifest(path)
    return Engine(manifest, checked_bytes(manifest))
