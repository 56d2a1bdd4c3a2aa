"""The articulation engine: 16 kHz sound in, ARKit weights of the mouth out, whole or streamed.

Curve frame k belongs to clock sample 320 k and depends on clock samples below 320 k + the declared
look-ahead only (`live`: 640, 40 ms, the analysis window included). The engine moves jaw, lips and cheeks;
eyes, brows and head rest at 0 and are the work of `rhapsode.face.life`. From the same pass come speech
activity, the fifteen Oculus visemes and the stress of the moment.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rhapsode.errors import SettingError
from rhapsode.face.contacts import Contacts
from rhapsode.face.engine_frames import VISEMES, EngineFrames, joined
from rhapsode.face.engine_manifest import Manifest, read_manifest
from rhapsode.face.features_level import PER_ROW_DB, EngineFeatures
from rhapsode.face.manifests import checked_bytes, find, load_once
from rhapsode.face.network import NetworkMemory, session
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT

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
        >>> frames = joined([stream.push(np.zeros(1600, np.float32)), stream.finish()])
        >>> frames.weights.shape
        (5, 52)

    """

    def __init__(self, manifest: Manifest, weights: bytes) -> None:
        self.manifest = manifest
        self._network = session(manifest, weights)

    @classmethod
    def load(cls, name_or_path: str | Path = "live") -> Engine:
        """Return a shipped engine by name, or one from the path of a manifest.

        Raises:
            WeightsError: there is none, or it fails its check.

        """
        return load_once(find(name_or_path), _load)

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

    def memory(self) -> NetworkMemory:
        """Return the network's memory at the beginning of a sound."""
        return NetworkMemory(self._network, self.manifest)


class EngineStream:
    """One sound on its way through an engine. State: features, the network's memory, contacts, rows to skip.

    Args:
        engine: shared weights.
        routing: (heads * moves, 52), from `Manifest.routing`.

    """

    def __init__(self, engine: Engine, routing: Float32) -> None:
        manifest = engine.manifest
        self._routing = routing
        self._features = EngineFeatures()
        self._memory = engine.memory()
        self._contacts = Contacts(manifest.closure, manifest.bite)
        self._delay = self._skip = manifest.delay_rows

    def push(self, y: Float32) -> EngineFrames:
        """Take the next samples, (n,) float32 at 16 kHz, n >= 0; return the curve frames they complete."""
        if len(y) <= _BLOCK:
            return self._answer(self._features.push(y))
        parts = [self._answer(self._features.push(y[k : k + _BLOCK])) for k in range(0, len(y), _BLOCK)]
        return joined(parts)

    def finish(self) -> EngineFrames:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return self._answer(self._features.finish(self._delay))

    def _answer(self, rows: Float32) -> EngineFrames:
        if not len(rows):
            return _NONE
        moves, sure, visemes = self._memory.run(rows)
        if self._skip:
            skipped = min(self._skip, len(rows))
            self._skip -= skipped
            rows, moves, sure, visemes = rows[skipped:], moves[skipped:], sure[skipped:], visemes[skipped:]
        weights: Float32 = moves @ self._routing
        np.minimum(np.maximum(weights, 0, out=weights), 1, out=weights)
        self._contacts.make(weights, sure[:, 1], sure[:, 2], visemes, rows[:, -1] * PER_ROW_DB)
        return EngineFrames(weights, 1 - visemes[:, 0], visemes.copy(), sure[:, 3].copy())


_NONE = EngineFrames(
    np.zeros((0, len(ARKIT)), np.float32),
    np.zeros(0, np.float32),
    np.zeros((0, len(VISEMES)), np.float32),
    np.zeros(0, np.float32),
)


def _load(path: Path) -> Engine:
    manifest = read_manifest(path)
    return Engine(manifest, checked_bytes(manifest))
