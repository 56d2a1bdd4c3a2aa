"""Live2D Cubism's motion3.json: the parameters of a face as curves of straight segments, out and in.

Each curve is ``[t0, v0, kind, ...]`` with kinds 0 linear, 1 Bezier, 2 stepped, 3 inverse stepped. The counts
in Meta must be right, and the file is indented: Cubism's parser refuses compact JSON. Source: "motion3.json"
of Live2D's CubismSpecs.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode import rigs
from rhapsode.formats.event_text import LONGEST_S, EventFile, short
from rhapsode.formats.live2d_model import STANDARD, Model, read_model, standard_id
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.spill import Spill
from rhapsode.formats.unity_anim import corners
from rhapsode.performance import Curves, Performance
from rhapsode.rigs.live2d import FACE_TO_LIVE2D, LIVE2D, LIVE2D_PARAMETERS, LIVE2D_TO_FACE, fit_ranges

Float64 = NDArray[np.float64]

_TOLERANCE = 0.0005
_DRIVEN = frozenset(
    name
    for name in LIVE2D.channels
    if not name.endswith(("Cheek", "Breath", "Form", "Angle", "BrowLX", "BrowRX"))
) | {"ParamMouthForm"}
"""What a face says; the others keep what other motions of the model give them."""

_MOST_FRAMES = 1_000_000
_FLOATS_BEHIND = {0: 2, 1: 6, 2: 2, 3: 2}


class MotionWriter:
    """Keeps the parameters on the disk and writes curve by curve at the end.

    See `rhapsode.formats.registry.Writer`.

    An avatar of another kind, which other files of the same performance may need, is left aside.

    Raises:
        AvatarError: the avatar is a .json file of no Live2D model.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        avatar = Path(options.avatar or "")
        self._model: Model = read_model(avatar) if avatar.suffix.lower() == ".json" else STANDARD
        self._path, self._loop, self._decimals = path, options.loop, min(options.precision, 6)
        self._rows = Spill(path.parent)
        self._rate = Fraction(30)

    def write(self, part: Performance) -> None:
        """Keep the parameters of ``part``."""
        self._rate = part.face.rate
        made = rigs.convert(part.face, FACE_TO_LIVE2D).values
        self._rows.append(fit_ranges(made, self._model.parameters))

    def close(self) -> None:
        """Write the file."""
        curves = [
            {
                "Target": "Parameter",
                "Id": self._model.ids[p.name],
                "Segments": self._segments(k, p.high - p.low),
            }
            for k, p in enumerate(self._model.parameters)
            if p.name in self._model.ids and p.name in _DRIVEN
        ]
        segments = sum((len(curve["Segments"]) - 2) // 3 for curve in curves)
        tree = {
            "Version": 3,
            "Meta": {
                "Duration": round(float(max(self._rows.rows - 1, 0) / self._rate), 6),
                "Fps": float(self._rate),
                "Loop": self._loop,
                "AreBeziersRestricted": True,
                "CurveCount": len(curves),
                "TotalSegmentCount": segments,
                "TotalPointCount": segments + len(curves),
                "UserDataCount": 0,
                "TotalUserDataSize": 0,
            },
            "Curves": curves,
        }
        self._path.write_text(json.dumps(tree, indent="\t") + "\n", encoding="utf-8", newline="\n")
        self.abort()

    def abort(self) -> None:
        """Let go of the rows on the disk."""
        self._rows.close()

    def _segments(self, column: int, reach: float) -> list[float]:
        blocks = [np.zeros(0), *(block[:, column].astype(np.float64) for block in self._rows.blocks())]
        values: Float64 = np.asarray(np.round(np.concatenate(blocks), self._decimals) + 0.0, np.float64)
        kept = list(corners(values, _TOLERANCE * reach)) or [0]
        # A curve has at least one segment.
        kept = [0, 0] if len(kept) == 1 else kept
        made: list[float] = []
        for frame in kept:
            value = float(values[frame]) if len(values) else 0.0
            made += [*([0] if made else []), round(float(frame / self._rate), 6), value]
        return made


def read(path: Path) -> Performance:
    """Read a motion: the face that gives the same standard parameters, in their standard ranges.

    Raises:
        FormatError: it is no motion, or it has no curve of a standard parameter.

    """
    file = EventFile(path, "Live2D motion", "export the motion again")
    documents = file.documents()
    tree = documents[0] if len(documents) == 1 else None
    meta = tree.get("Meta") if isinstance(tree, dict) else None
    curves = tree.get("Curves") if isinstance(tree, dict) else None
    if not isinstance(meta, dict) or not isinstance(curves, list):
        raise file.wrong("no Meta and Curves", "an object of version 3")
    fps = meta.get("Fps", 30)
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 1 <= fps <= 1000:
        raise file.wrong(f"Fps {short(fps)}", "a number of frames per second")
    rate, end_s = Fraction(fps).limit_denominator(1001), file.time_s(meta.get("Duration"), 1, "Duration")
    if end_s * rate > _MOST_FRAMES:
        raise file.wrong(
            f"{end_s:.0f} s at {float(rate):.0f} frames per second", f"{_MOST_FRAMES} frames or less"
        )
    times = np.arange(int(end_s * rate + Fraction(1, 1000)) + 1) / float(rate)
    values = np.tile(np.array([p.rest for p in LIVE2D_PARAMETERS], np.float32), (len(times), 1))
    found = 0
    for number, curve in enumerate(curves):
        if not isinstance(curve, dict):
            raise file.wrong(f"{short(curve)} for curve {number}", "an object")
        name = standard_id(str(curve.get("Id")))
        if curve.get("Target") == "Parameter" and name in LIVE2D.channels:
            values[:, LIVE2D.index(name)] = _sampled(file, curve.get("Segments"), times, number)
            found += 1
    if not found:
        raise file.wrong("no curve of a standard parameter", "such as ParamMouthOpenY")
    face = rigs.convert(Curves(LIVE2D.channels, values, rate), LIVE2D_TO_FACE)
    return Performance(face)


def _sampled(file: EventFile, segments: Any, times: Float64, number: int) -> Float64:
    """Return a curve's values at ``times``."""
    numbers = isinstance(segments, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e6 for v in segments
    )
    if not numbers or len(segments) < 2 or segments[0] > LONGEST_S:
        raise file.wrong(f"Segments {short(segments)} of curve {number}", "a list of numbers")
    when, what, at = [float(segments[0])], [float(segments[1])], 2
    while at < len(segments):
        kind = segments[at]
        size = _FLOATS_BEHIND.get(kind, 0)
        if not size or at + size >= len(segments) or segments[at + size - 1] < when[-1]:
            raise file.wrong(f"a broken segment at number {at} of curve {number}", "kind, times and values")
        points = [float(v) for v in segments[at + 1 : at + 1 + size]]
        if kind == 1:
            _bezier(when, what, points)
        elif kind in (2, 3):
            # A step is a line within a millionth of a second.
            when.append(points[0] - 1e-6 if kind == 2 else when[-1] + 1e-6)
            what.append(what[-1] if kind == 2 else points[1])
        when.append(points[-2])
        what.append(points[-1])
        at += size + 1
    return np.interp(times, when, what)


def _bezier(when: list[float], what: list[float], points: list[float]) -> None:
    """Append points on a cubic Bezier curve from the last point on."""
    xs, ys = [when[-1], *points[::2]], [what[-1], *points[1::2]]
    for step in np.linspace(0, 1, 17)[1:-1].tolist():
        rest = 1 - step
        weights = (rest**3, 3 * rest**2 * step, 3 * rest * step**2, step**3)
        time = sum(w * x for w, x in zip(weights, xs, strict=True))
        when.append(max(time, when[-1]))
        what.append(sum(w * y for w, y in zip(weights, ys, strict=True)))
