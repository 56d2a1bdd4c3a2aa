"""The end of a training: the engine written, all files or none, and measured as it was written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rhapsode.errors import InputError
from rhapsode.evaluate.measures import channel_correlations
from rhapsode.face.contacts import Closure
from rhapsode.face.engine_manifest import bite_of
from rhapsode.performance import Float32, as_float32
from rhapsode.train.export import SOURCES, export
from rhapsode.train.model import Articulator
from rhapsode.train.own.columns import Columns
from rhapsode.train.own.package import rig_path, write_rig
from rhapsode.train.own.play import OwnStream
from rhapsode.train.own.takes import OwnTake
from rhapsode.train.own.tune import STYLE
from rhapsode.train.restore import Restored


def write_engine(
    model: Articulator,
    folder: Path,
    base: Restored,
    columns: Columns,
    rest: Float32,
    takes: Sequence[OwnTake],
    *,
    scratch: bool,
) -> Path:
    """Write an engine aside and put it in its place.

    Args:
        model: in evaluation mode.
        folder: that takes it.
        base: what it began as.
        columns: of its answer.
        rest: (C,) the rest pose, as fractions of the rig's ranges.
        takes: that it has learned from.
        scratch: whether nothing of ``base`` is in it.

    Returns:
        The path of the manifest.

    Raises:
        InputError: the folder takes no files.

    """
    minutes = sum(take.duration_s for take in takes) / 60
    names = ", ".join(take.name for take in takes)[:200]
    mine = {
        "name": f"own takes ({len(takes)}, {minutes:.1f} minutes): {names}",
        "licence": "the owner's",
        "attribution": "",
    }
    sources = [mine] if scratch else [*base.manifest.get("data", SOURCES), mine]
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in columns.rig.name) or "own"
    try:
        with TemporaryDirectory(dir=folder, prefix=".own-") as aside:
            made = export(
                model,
                Path(aside),
                name,
                styles={STYLE: [[1.0] * len(columns)]},
                default_style=STYLE,
                closure=Closure.of(base.manifest["closure"]),
                bite=bite_of(base.manifest["bite"]),
                delay=base.delay,
                moves=columns.moves,
                recipe="rhapsode train face",
                sources=sources,
            )
            sha256 = json.loads(made.read_text("utf-8"))["sha256"]
            write_rig(columns, rest, rig_path(made), sha256=sha256)
            for path in (made.with_suffix(".onnx"), rig_path(made), made):
                os.replace(path, folder / path.name)
            return folder / made.name
    except OSError as error:
        raise InputError(
            f"the engine could not be written to '{folder}' ({error.strerror or error}); "
            "the training is kept: make room and run the command again"
        ) from error


def measure(manifest: Path, held: Sequence[OwnTake], columns: Columns) -> dict[str, float]:
    """Return the correlation of each learned channel as the written engine plays the held-out takes.

    Channels that do not move in them are left out.
    """
    made, true = [], []
    places = [columns.rig.names.index(name) for name in columns.own]
    for take in held:
        stream = OwnStream(manifest)
        played = np.concatenate([stream.push(take.y), stream.finish()])
        made.append(played[: len(take.unit)][:, places])
        true.append(take.unit[:, places])
    return channel_correlations(as_float32(np.concatenate(made)), np.concatenate(true), columns.own)


def jaw_of(scores: dict[str, float], columns: Columns) -> float | None:
    """Return the score of the channel that opens the jaw; None if there is none."""
    drives = {channel.name: dict(channel.arkit).get("jawOpen", 0) for channel in columns.rig.channels}
    jaws = [name for name in scores if drives[name] > 0.5]
    return scores[max(jaws, key=lambda name: drives[name])] if jaws else None
