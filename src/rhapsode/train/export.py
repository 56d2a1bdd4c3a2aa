"""The trained network as ONNX with its manifest, as `rhapsode.face.engine` loads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rhapsode.face.contacts import Closure
from rhapsode.face.engine_manifest import FEATURES, FORMAT
from rhapsode.performance import CLOCK_HZ, HOP
from rhapsode.rigs import ARKIT
from rhapsode.train.graph import graph
from rhapsode.train.loop import DELAY
from rhapsode.train.model import Articulator
from rhapsode.train.takes import MOVES

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


def export(
    model: Articulator,
    folder: Path,
    name: str,
    *,
    styles: Mapping[str, Sequence[Sequence[float]]],
    default_style: str,
    closure: Closure,
    bite: Sequence[float] = (0.5, 0.9),
    delay: int = DELAY,
    moves: Mapping[str, Sequence[str]] = MOVES,
    bits: int = 8,
    recipe: str = "recipes/face.py",
    sources: Sequence[Mapping[str, str]] = SOURCES,
) -> Path:
    """Write ``name``.onnx and its manifest ``name``.json to ``folder``; return the manifest's path.

    Args:
        model: trained, in evaluation mode.
        folder: where to.
        name: of the engine.
        styles: per style name a (styles, moves) table of how much of each head goes into each move.
        default_style: one of ``styles``.
        closure: how sure of touching lips the network must be.
        bite: certainty of a lower lip at the teeth at which it begins to go there, and at which it is there.
        delay: rows by which the network answers late.
        moves: columns of one head, each with the ARKit channels that it drives.
        bits: of a weight, 8 or 32.
        recipe: the script that made the weights.
        sources: data with name, licence and attribution.

    """
    assert default_style in styles
    assert not model.training
    content = graph(model, bits=bits).SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    manifest = {
        "format": FORMAT,
        "kind": "articulator",
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "sample_rate": CLOCK_HZ,
        "hop_length": HOP,
        "look_ahead_samples": (delay + 1) * HOP,
        "delay_rows": delay,
        "features": FEATURES,
        "channels": list(ARKIT.channels),
        "moves": {move: list(channels) for move, channels in moves.items()},
        "width": model.shape.width,
        "dilations": list(model.shape.dilations),
        "closure": closure.facts(),
        "bite": {"low": bite[0], "high": bite[1]},
        "styles": {style: [[round(float(x), 4) for x in head] for head in t] for style, t in styles.items()},
        "default_style": default_style,
        "recipe": recipe,
        "data": [dict(source) for source in sources],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path
