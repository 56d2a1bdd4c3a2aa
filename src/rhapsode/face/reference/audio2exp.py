"""The reference engine audio2exp: mel, light Transformer encoder, LSTM, 50 expression coefficients.

    rows of log-mel -> network (ONNX, state in and out) -> style -> range of the basis -> decode -> contacts

The network speaks in the published basis (`rhapsode.face.reference.basis`): `encode` of the weights that
come out gives the coefficients of every curve frame. Speech moves the first 15 of them; the other 35 stay 0
and belong to the life and emotion stages. Curve frame k belongs to clock sample 320 k and depends on clock
samples below 320 k + 960 (60 ms, the analysis window included).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rhapsode.errors import SettingError, WeightsError
from rhapsode.face.contacts import Contacts
from rhapsode.face.engine_frames import VISEMES, EngineFrames, joined
from rhapsode.face.features_level import PER_ROW_DB, WIDTH, EngineFeatures
from rhapsode.face.manifests import SHIPPED, checked_bytes, load_once
from rhapsode.face.network import open_network
from rhapsode.face.reference.audio2exp_manifest import Audio2ExpManifest, read_manifest
from rhapsode.face.reference.basis import SPEECH, Basis, published
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT

_BLOCK = 160_000
"""Clock samples that are worked on at once: bounds the memory of whole files."""

_ROWS = 64
"""Rows that go through the network at once."""

_WANTED = ("coefficients", "speaking", "closed", "bitten", "visemes")


class Answer(NamedTuple):
    """What the network says about T rows.

    Args:
        coefficients: (T, heads * 15), speech coefficients of each head.
        speaking: (T, 1) in [0, 1].
        closed: (T, 1) in [0, 1], how surely the lips touch.
        bitten: (T, 1) in [0, 1], the same of the lower lip and the upper teeth.
        visemes: (T, 15).

    """

    coefficients: Float32
    speaking: Float32
    closed: Float32
    bitten: Float32
    visemes: Float32


class Audio2ExpEngine:
    """Verified weights, ready to run; shared by any number of streams.

    Args:
        manifest: checked, as `audio2exp_manifest.read_manifest` returns it.
        weights: bytes of the ONNX file.
        basis: what the coefficients mean.

    Raises:
        WeightsError: the file is no network, its inputs and outputs are not the manifest's, or it speaks
            in another basis.

    Example:
        >>> engine = Audio2ExpEngine.load()
        >>> stream = engine.stream()
        >>> frames = [stream.push(np.zeros(1600, np.float32)), stream.finish()]
        >>> joined(frames).weights.shape
        (5, 52)

    """

    def __init__(self, manifest: Audio2ExpManifest, weights: bytes, basis: Basis | None = None) -> None:
        self.manifest, self.basis = manifest, basis or published()
        if self.basis.sha256 != manifest.basis_sha256:
            raise WeightsError(
                f"weights {manifest.weights} speak in a basis with sha256 {manifest.basis_sha256}, got "
                f"{self.basis.sha256}; the basis belongs to another version: reinstall rhapsode"
            )
        self._session = open_network(manifest, weights)
        self._check_shapes()

    @classmethod
    def load(cls, manifest_path: Path = SHIPPED / "audio2exp.json") -> Audio2ExpEngine:
        """Return the engine of a manifest, once for as long as its files stay as they are.

        Raises:
            WeightsError: the manifest or its weights are absent or fail their check.

        """
        return load_once(Path(manifest_path), _load)

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

    def stream(self, *, style: str | None = None) -> Audio2ExpStream:
        """Return a new stream at the beginning of a sound.

        Args:
            style: one of `styles`; None is the default of the weights.

        Raises:
            SettingError: the style is unknown.

        """
        style = style or self.manifest.default_style
        if style not in self.manifest.styles:
            raise SettingError(f"engine style must be one of {', '.join(self.styles)}, got {style!r}")
        return Audio2ExpStream(self, style)

    def run(self, rows: Float32, past: list[Float32]) -> tuple[Answer, list[Float32]]:
        """Return what the network says about ``rows``, (T, 166), T > 0, and the new past."""
        feed = {"rows": rows} | {f"past{k}": value for k, value in enumerate(past)}
        made = self._session.run(self._wanted, feed)
        return Answer(*made[: len(_WANTED)]), made[len(_WANTED) :]

    def _check_shapes(self) -> None:
        states = self.manifest.state
        self._wanted = [*_WANTED, *(f"next{k}" for k in range(len(states)))]
        got = {node.name: tuple(node.shape) for node in self._session.get_inputs()}
        expected = {"rows": ("T", WIDTH)} | {f"past{k}": dims for k, dims in enumerate(states)}
        answers = {node.name: node.shape for node in self._session.get_outputs()}
        heads = {len(table) * SPEECH for table in self.manifest.styles.values()}
        given = {answers[name][1] for name in ("coefficients",) if name in answers}
        if got != expected or not set(self._wanted) <= set(answers) or heads != given:
            raise WeightsError(
                f"weights {self.manifest.weights} take {got} and give {answers}, expected {expected} and "
                f"{sorted(heads)} coefficients; the manifest belongs to another file: reinstall rhapsode"
            )


class Audio2ExpStream:
    """One sound on its way through an engine. State: features, the network's past, contacts, rows to skip.

    Args:
        engine: shared weights.
        style: one of the engine's.

    """

    def __init__(self, engine: Audio2ExpEngine, style: str) -> None:
        self._engine = engine
        self._mix = engine.manifest.mix(style, engine.basis)
        self._contacts = Contacts(engine.manifest.closure, engine.manifest.bite)
        self._features = EngineFeatures()
        self._past = [np.zeros(dims, np.float32) for dims in engine.manifest.state]
        self._skip = engine.manifest.delay_rows

    def push(self, y: Float32) -> EngineFrames:
        """Take the next samples, (n,) float32 at 16 kHz, n >= 0; return the curve frames they complete."""
        if len(y) <= _BLOCK:
            return self._answer(self._features.push(y))
        return joined(
            [self._answer(self._features.push(y[k : k + _BLOCK])) for k in range(0, len(y), _BLOCK)]
        )

    def finish(self) -> EngineFrames:
        """Return the curve frames up to the end of the sound, ceil(N / 320) in all; the stream ends here."""
        return self._answer(self._features.finish(self._engine.manifest.delay_rows))

    def _answer(self, rows: Float32) -> EngineFrames:
        if not len(rows):
            return _nothing()
        parts = [self._some(rows[k : k + _ROWS]) for k in range(0, len(rows), _ROWS)]
        return parts[0] if len(parts) == 1 else joined(parts)

    def _some(self, rows: Float32) -> EngineFrames:
        answer, self._past = self._engine.run(rows, self._past)
        skipped, self._skip = min(self._skip, len(rows)), max(self._skip - len(rows), 0)
        if skipped == len(rows):
            return _nothing()
        coefficients, speaking, closed, bitten, visemes = (part[skipped:] for part in answer)
        basis = self._engine.basis
        weights = basis.decode(basis.clamp(coefficients @ self._mix))
        self._contacts.make(weights, closed[:, 0], bitten[:, 0], visemes, rows[skipped:, -1] * PER_ROW_DB)
        return EngineFrames(weights, speaking[:, 0], visemes)


def _nothing() -> EngineFrames:
    none = np.zeros(0, np.float32)
    return EngineFrames(none.reshape(0, len(ARKIT)), none, none.reshape(0, len(VISEMES)))


def _load(path: Path) -> Audio2ExpEngine:
    manifest = read_manifest(path)
    return Audio2ExpEngine(manifest, checked_bytes(manifest))
