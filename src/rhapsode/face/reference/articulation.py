"""The reference engine `articulation`: FACEGOOD's networks with the emotion vector of Karras et al. (2017).

16 kHz sound in; FACEGOOD's 116 shapes out at 50 curve frames a second, and their ARKit weights for the
product. Curve frame k sees 260 ms of sound on each side of its sample 320 k. The mouth moves; the upper face
is not in the data. A style is an emotion vector, learned beside the network for every label frame of the
takes; styles mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SettingError, WeightsError
from rhapsode.face.engine_frames import EngineFrames
from rhapsode.face.features_lpc import ORDER, SUB_FRAMES
from rhapsode.face.manifests import SHIPPED, checked_bytes, load_once
from rhapsode.face.network import open_network
from rhapsode.face.reference.articulation_image import PER_FRAME, SPAN, SubFrameStream, windows
from rhapsode.face.reference.articulation_manifest import ArticulationManifest, read_manifest
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.facegood import FACEGOOD, FACEGOOD_TO_ARKIT

_BLOCK = 64_000
"""Clock samples that are worked on at once: bounds the memory of whole files."""


class ArticulationEngine:
    """Verified weights, ready to run; shared by any number of streams.

    Args:
        manifest: checked, as `articulation_manifest.read_manifest` returns it.
        weights: bytes of the ONNX file.

    Raises:
        WeightsError: the file is no network, or its inputs and outputs are not the manifest's.

    Example:
        >>> engine = ArticulationEngine.load()
        >>> stream = engine.stream()
        >>> frames = [stream.push(np.zeros(1600, np.float32)), stream.finish()]
        >>> sum(len(part) for part in frames)
        5

    """

    def __init__(self, manifest: ArticulationManifest, weights: bytes) -> None:
        self.manifest = manifest
        self._session = open_network(manifest, weights)
        self._check_shapes()

    @classmethod
    def load(cls, manifest_path: str | Path = SHIPPED / "articulation.json") -> ArticulationEngine:
        """Return the engine of a manifest, loaded once for as long as its files stay as they are.

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
        """Names of the emotion vectors that are offered."""
        return tuple(self.manifest.emotions)

    def emotion(self, mix: str | Mapping[str, float] | None = None) -> Float32:
        """Return the emotion vector of a style, or a mix of several, (E,) float32.

        Args:
            mix: a style, or how much of each style; None is the default one. A mix is the sum of the
                vectors' differences from the default style, each times its share.

        Raises:
            SettingError: a style is unknown or a share is not finite.

        """
        shares = {mix or self.manifest.default_style: 1.0} if not isinstance(mix, Mapping) else mix
        rest = self.manifest.emotions[self.manifest.default_style]
        made = rest.copy()
        for name, share in shares.items():
            if name not in self.manifest.emotions:
                raise SettingError(f"engine style must be one of {', '.join(self.styles)}, got {name!r}")
            if not np.isfinite(share):
                raise SettingError(f"share of engine style '{name}' must be a finite number, got {share!r}")
            made += np.float32(share) * (self.manifest.emotions[name] - rest)
        return made

    def stream(
        self, *, style: str | None = None, mix: Mapping[str, float] | None = None
    ) -> ArticulationStream:
        """Return a new stream at the beginning of a sound.

        Args:
            style: one of `styles`; None is the default of the weights.
            mix: how much of each style, instead of ``style``; see `emotion`.

        Raises:
            SettingError: a style is unknown.

        """
        return ArticulationStream(self, self.emotion(style if mix is None else mix))

    def run(
        self, columns: Float32, past: Float32, images: NDArray[np.int64], emotion: Float32
    ) -> tuple[Float32, Float32]:
        """Return the shapes of curve frames, (T, 116), and what the formant network made of all sub-frames.

        Args:
            columns: (M, 32) new sub-frames.
            past: (P, formants) what it made of those before.
            images: (T, 64) which of the P + M sub-frames make up each curve frame's image.
            emotion: (E,) or one row per curve frame, (T, E).

        """
        beside = np.broadcast_to(emotion, (len(images), emotion.shape[-1]))
        feed = {"columns": columns, "past": past, "images": images, "emotion": beside}
        shapes, formants = self._session.run(["shapes", "formants"], feed)
        return np.minimum(np.maximum(shapes, 0, out=shapes), 1, out=shapes), formants

    def _check_shapes(self) -> None:
        wide = self.manifest.formants
        (length,) = self.manifest.emotions[self.manifest.default_style].shape
        got = {node.name: tuple(node.shape) for node in self._session.get_inputs()}
        got |= {node.name: tuple(node.shape) for node in self._session.get_outputs()}
        expected = {"columns": ("M", ORDER), "past": ("P", wide), "images": ("T", SUB_FRAMES)}
        expected |= {"emotion": ("T", length), "shapes": ("T", len(FACEGOOD)), "formants": ("N", wide)}
        if got != expected:
            raise WeightsError(
                f"weights {self.manifest.weights} take and give {got}, expected {expected}; the manifest "
                "belongs to another file: reinstall rhapsode"
            )


class ArticulationStream:
    """One sound on its way through the engine. State: sub-frames, and what the formant network made of them.

    Args:
        engine: shared weights.
        emotion: (E,) the vector that the face follows.

    """

    def __init__(self, engine: ArticulationEngine, emotion: Float32) -> None:
        self._engine = engine
        self._image = SubFrameStream()
        self._columns = np.zeros((0, ORDER), np.float32)
        self._past = np.zeros((0, engine.manifest.formants), np.float32)
        self._first = 0
        self._made = 0
        self._seen = 0
        self.emotion = emotion

    @property
    def emotion(self) -> Float32:
        """The vector that the curve frames to come follow, (E,) float32; it may be set at any time."""
        return self._emotion

    @emotion.setter
    def emotion(self, vector: Float32) -> None:
        default = self._engine.manifest.emotions[self._engine.manifest.default_style]
        if np.shape(vector) != default.shape or not np.isfinite(vector).all():
            raise SettingError(
                f"emotion vector must be {len(default)} finite numbers, got shape {np.shape(vector)}; "
                "see ArticulationEngine.emotion"
            )
        self._emotion = as_float32(vector)

    def push(self, y: Float32) -> EngineFrames:
        """Take the next samples, (n,) float32 at 16 kHz, n >= 0; return the curve frames they complete."""
        return _mapped(self.push_shapes(y))

    def finish(self) -> EngineFrames:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return _mapped(self.finish_shapes())

    def push_shapes(self, y: Float32) -> Float32:
        """Do as `push` does, but return FACEGOOD's shapes: (T, 116) float32 in [0, 1]."""
        parts = [np.zeros((0, len(FACEGOOD)), np.float32)]
        for begin in range(0, len(y), _BLOCK):
            piece = y[begin : begin + _BLOCK]
            self._seen += len(piece)
            parts.append(self._answer(self._image.push(piece)))
        return np.concatenate(parts)

    def finish_shapes(self) -> Float32:
        """Do as `finish` does, but return FACEGOOD's shapes: (T, 116) float32 in [0, 1]."""
        made = self._answer(self._image.finish())
        assert self._made == -(-self._seen // HOP)
        return made

    def _answer(self, columns: Float32) -> Float32:
        self._columns = np.concatenate([self._columns, columns])
        until = self._first + len(self._past) + len(self._columns)
        count = max((until - SPAN) // PER_FRAME + 1 - self._made, 0)
        if not count:
            return np.zeros((0, len(FACEGOOD)), np.float32)
        images = windows(self._made, count) - self._first
        shapes, formants = self._engine.run(self._columns, self._past, images, self._emotion)
        self._columns = self._columns[:0]
        self._made += count
        done = self._made * PER_FRAME - self._first
        self._past, self._first = formants[done:], self._first + done
        return shapes


def _mapped(shapes: Float32) -> EngineFrames:
    return EngineFrames(FACEGOOD_TO_ARKIT.apply(shapes))


def _load(path: Path) -> ArticulationEngine:
    manifest = read_manifest(path)
    return ArticulationEngine(manifest, checked_bytes(manifest))
