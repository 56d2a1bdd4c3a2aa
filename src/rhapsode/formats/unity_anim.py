"""Unity's animation clip (.anim): float curves of a SkinnedMeshRenderer's blend shapes, as YAML text.

Weights are 0 to 100 on ``blendShape.<name>``, under the path of the object that has the face. Keys that lie
on the line between their neighbours are left out; all tangents are linear, so that Unity plays what was
given, to a twentieth of a percent. Head and eye angles are not in it: they would turn objects whose names
and axes differ between models. Source: Unity Manual, "Format of text serialized files" and "AnimationClip".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from rhapsode.formats.options import WriteOptions
from rhapsode.formats.spill import Spill
from rhapsode.performance import Performance
from rhapsode.rigs import rig_named

Float64 = NDArray[np.float64]

_TOLERANCE = 0.05
_SKINNED_MESH_RENDERER = 137
_LINEAR = 1 | 2 << 1 | 2 << 5
"""Tangents broken, left and right linear."""

_HEAD = """%YAML 1.1
%TAG !u! tag:unity3d.com,2011:
--- !u!74 &7400000
AnimationClip:
  m_ObjectHideFlags: 0
  m_CorrespondingSourceObject: {{fileID: 0}}
  m_PrefabInstance: {{fileID: 0}}
  m_PrefabAsset: {{fileID: 0}}
  m_Name: {name}
  serializedVersion: 6
  m_Legacy: 0
  m_Compressed: 0
  m_UseHighQualityCurve: 1
  m_RotationCurves: []
  m_CompressedRotationCurves: []
  m_EulerCurves: []
  m_PositionCurves: []
  m_ScaleCurves: []
  m_FloatCurves:
"""
_CURVE_HEAD = """  - curve:
      serializedVersion: 2
      m_Curve:
"""
_KEY = """      - serializedVersion: 3
        time: {time}
        value: {value}
        inSlope: {before}
        outSlope: {after}
        tangentMode: {mode}
        weightedMode: 0
        inWeight: 0.33333334
        outWeight: 0.33333334
"""
_CURVE_END = """      m_PreInfinity: 2
      m_PostInfinity: 2
      m_RotationOrder: 4
    attribute: {attribute}
    path: {node}
    classID: {kind}
    script: {{fileID: 0}}
"""
_END = """  m_PPtrCurves: []
  m_SampleRate: {rate}
  m_WrapMode: 0
  m_Bounds:
    m_Center: {{x: 0, y: 0, z: 0}}
    m_Extent: {{x: 0, y: 0, z: 0}}
  m_ClipBindingConstant:
    genericBindings: []
    pptrCurveMapping: []
  m_AnimationClipSettings:
    serializedVersion: 2
    m_AdditiveReferencePoseClip: {{fileID: 0}}
    m_AdditiveReferencePoseTime: 0
    m_StartTime: 0
    m_StopTime: {stop}
    m_OrientationOffsetY: 0
    m_Level: 0
    m_CycleOffset: 0
    m_HasAdditiveReferencePose: 0
    m_LoopTime: {loop}
    m_LoopBlend: 0
    m_LoopBlendOrientation: 0
    m_LoopBlendPositionY: 0
    m_LoopBlendPositionXZ: 0
    m_KeepOriginalOrientation: 0
    m_KeepOriginalPositionY: 1
    m_KeepOriginalPositionXZ: 0
    m_HeightFromFeet: 0
    m_Mirror: 0
  m_EditorCurves: []
  m_EulerEditorCurves: []
  m_HasGenericRootTransform: 0
  m_HasMotionFloatCurves: 0
  m_Events: []
"""


class AnimWriter:
    """Keeps the weights on the disk and writes curve by curve at the end.

    See `rhapsode.formats.registry.Writer`.
    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path, self._options = path, options
        self._rows = Spill(path.parent)
        self._names: tuple[str, ...] = ()
        self._rate = Fraction(60)
        self._title = "Rhapsode"

    def write(self, part: Performance) -> None:
        """Keep the rows of ``part``."""
        angles = rig_named(self._options.rig).angles
        names = tuple(name for name in part.face.names if name not in angles)
        self._names, self._rate = names, part.face.rate
        self._title = Path(part.meta.get("source", "")).stem or self._title
        self._rows.append(part.face.select(names).values)

    def close(self) -> None:
        """Write the file."""
        with self._path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(_HEAD.format(name=_text(self._title)))
            for column, name in enumerate(self._names):
                self._curve(file, name, column)
            stop = _number(max(self._rows.rows - 1, 0) / self._rate)
            loop = int(self._options.loop)
            file.write(_END.format(rate=_number(self._rate), stop=stop, loop=loop))
        self.abort()

    def abort(self) -> None:
        """Let go of the rows on the disk."""
        self._rows.close()

    def _curve(self, file: TextIO, name: str, column: int) -> None:
        file.write(_CURVE_HEAD)
        values = 100.0 * np.concatenate([np.zeros(0), *(b[:, column].copy() for b in self._rows.blocks())])
        kept = np.array(list(corners(values, _TOLERANCE)), np.int64)
        slopes = np.diff(values[kept]) / (np.diff(kept) / float(self._rate))
        for k, frame in enumerate(kept.tolist()):
            near = max(k - 1, 0), min(k, len(slopes) - 1)
            before, after = (float(slopes[n]) if len(slopes) else 0.0 for n in near)
            file.write(
                _KEY.format(
                    time=_number(frame / self._rate),
                    value=_number(values[frame]),
                    before=_number(before),
                    after=_number(after),
                    mode=_LINEAR,
                )
            )
        file.write(
            _CURVE_END.format(
                attribute=_text(f"blendShape.{name}"),
                node=_text(self._options.node),
                kind=_SKINNED_MESH_RENDERER,
            )
        )


def corners(values: Float64, tolerance: float) -> Iterator[int]:
    """Yield the frames to keep so that lines between them pass every value within ``tolerance``.

    Greedy: each line goes as far as it can (Williams' cone, 1978).

    Args:
        values: (T,) one channel.
        tolerance: in the unit of the values.

    """
    if not len(values):
        return
    begin, lowest, highest = 0, -np.inf, np.inf
    yield 0
    steps = values.tolist()
    for now in range(1, len(steps)):
        slope = (steps[now] - steps[begin]) / (now - begin)
        if not lowest <= slope <= highest:
            begin, lowest, highest = now - 1, -np.inf, np.inf
            yield begin
        lowest = max(lowest, (steps[now] - tolerance - steps[begin]) / (now - begin))
        highest = min(highest, (steps[now] + tolerance - steps[begin]) / (now - begin))
    if len(steps) > 1:
        yield len(steps) - 1


def _number(value: float | Fraction) -> str:
    """Return a number as Unity writes it: up to seven digits behind the point, no minus zero."""
    text = f"{float(value):.7f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _text(value: str) -> str:
    """Return a text for YAML: plain where that is safe, else quoted."""
    plain = value.isascii() and value.replace("/", "").replace(".", "").replace("_", "").isalnum()
    safe = (
        plain
        and not value[:1].isdigit()
        and value.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    )
    return value if safe or not value else json.dumps(value)
