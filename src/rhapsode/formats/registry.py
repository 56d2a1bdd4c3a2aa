"""The table of file formats, and the doors to them: `save`, `load`, `open_writer`, `open_writers`.

A format is found by the extension of the path, or by its name; a file whose extension several formats share
(``.json``, ``.csv``) is recognised by what it holds. Readers and writers are named as "module:attribute" and
imported on use, so that this module stays light.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

from rhapsode.errors import FormatError
from rhapsode.formats.format import Format, Writer, WriterFactory
from rhapsode.formats.recognition import find, recognise
from rhapsode.performance import Performance

__all__ = ["FORMATS", "Format", "Writer", "WriterFactory", "attribute", "format_of", "load"]


_HERE = "rhapsode.formats"

_ROWS = (
    Format(
        ".json",
        "Audio2Face JSON",
        "weights of every curve frame with the channel names",
        f"{_HERE}.a2f_json:read",
        f"{_HERE}.a2f_json:JsonWriter",
        channels="asked",
        sign=r'"(exportFps|facsNames|weightMat)"\s*:',
        sign_words="exportFps",
    ),
    Format(
        ".csv",
        "Live Link Face CSV",
        "ARKit weights, head and eye angles with a timecode, as the iPhone app records them",
        f"{_HERE}.livelink_csv:read",
        f"{_HERE}.livelink_csv:CsvWriter",
        fps=Fraction(60),
        sign=r"(?i)\bBlendShapeCount\b",
        sign_words="BlendShapeCount",
    ),
    Format(
        ".azure.json",
        "Azure animation JSON",
        "ARKit weights and the roll of head and eyes at 60 frames a second, as Azure speech sends them",
        f"{_HERE}.azure:read",
        f"{_HERE}.azure:AnimationWriter",
        resampled=False,
        sign=r'BlendShapes\\?"\s*:',
        sign_words="BlendShapes",
    ),
    Format(
        ".visemes.json",
        "Azure viseme events",
        "viseme ids 0 to 21 with audio offsets in ticks of 100 ns",
        f"{_HERE}.azure_visemes:read",
        f"{_HERE}.azure_visemes:VisemeWriter",
        resampled=False,
        sign=r'(?i)"(priv)?viseme_?id"\s*:',
        sign_words="viseme_id",
    ),
    Format(
        ".rhubarb.json",
        "Rhubarb JSON",
        "mouth shapes A to H and X, as Rhubarb Lip Sync writes them",
        f"{_HERE}.rhubarb:read_json",
        f"{_HERE}.rhubarb:JsonWriter",
        resampled=False,
        sign=r'"mouthCues"\s*:',
        sign_words="mouthCues",
    ),
    Format(
        ".tsv",
        "Rhubarb TSV",
        "mouth shapes A to H and X, as Rhubarb Lip Sync writes them",
        f"{_HERE}.rhubarb:read_tsv",
        f"{_HERE}.rhubarb:TsvWriter",
        resampled=False,
    ),
    Format(
        ".dat",
        "Moho switch data",
        "mouth shapes by frame for Moho and OpenToonz, 24 frames a second unless asked otherwise",
        None,
        f"{_HERE}.rhubarb:DatWriter",
        resampled=False,
    ),
    *(
        Format(
            extension,
            "Polly speech marks",
            "visemes, words and sentences with times, one JSON object a line, as Amazon Polly sends them",
            f"{_HERE}.polly:read",
            f"{_HERE}.polly:MarksWriter",
            resampled=False,
            sign=r'"type"\s*:\s*"(viseme|word|sentence|ssml)"',
            sign_words="speech marks",
            met_as=(".json",),
        )
        for extension in (".marks", ".polly.jsonl")
    ),
    Format(
        ".metahuman.csv",
        "MetaHuman CSV",
        "MetaHuman's facial curves (CTRL_expressions_*) with a timecode",
        f"{_HERE}.metahuman_csv:read",
        f"{_HERE}.metahuman_csv:CsvWriter",
        fps=Fraction(60),
        sign=r"(?i)\bCTRL_expressions_",
        sign_words="CTRL_expressions_",
    ),
    Format(
        ".motion3.json",
        "Live2D motion",
        "Cubism parameters of the face, in the ranges of a model where one is given",
        f"{_HERE}.live2d_motion:read",
        f"{_HERE}.live2d_motion:MotionWriter",
        fps=Fraction(30),
        sign=r'"(CurveCount|AreBeziersRestricted|TotalSegmentCount)"\s*:',
        sign_words="CurveCount",
    ),
    Format(
        ".anim",
        "Unity animation clip",
        "blend shape curves of a SkinnedMeshRenderer, 0 to 100",
        None,
        f"{_HERE}.unity_anim:AnimWriter",
        fps=Fraction(60),
        channels="asked",
    ),
    Format(
        ".npz",
        "NumPy archive",
        "everything that a performance holds, without loss",
        f"{_HERE}.npz:read",
        f"{_HERE}.npz:NpzWriter",
        channels="kept",
        keeps_clock=True,
    ),
    Format(
        ".glb",
        "glTF binary",
        "the avatar with the face, head and eyes animated",
        f"{_HERE}.gltf_animation:read",
        f"{_HERE}.glb:GlbWriter",
    ),
    Format(
        ".gltf",
        "glTF",
        "the animation of an avatar whose morph targets are those of a known rig",
        f"{_HERE}.gltf_animation:read",
        None,
    ),
    Format(
        ".vrma",
        "VRM Animation",
        "expressions, head, gaze and body for any VRM avatar",
        f"{_HERE}.vrma_reader:read",
        f"{_HERE}.vrma:VrmaWriter",
        fps=Fraction(30),
    ),
    Format(
        ".bvh",
        "BVH",
        "the skeleton and its motion, head and eyes with it, for Blender, Maya and others",
        f"{_HERE}.bvh_reader:read",
        f"{_HERE}.bvh:BvhWriter",
        fps=Fraction(30),
    ),
    *(
        Format(
            extension,
            "Universal Scene Description",
            "the avatar, or ARKit blend shapes and bones without one, animated as UsdSkel has it",
            f"{_HERE}.usd_reader:read",
            f"{_HERE}.usd:UsdWriter",
            fps=Fraction(30),
        )
        for extension in (".usda", ".usdc", ".usd")
    ),
    Format(
        ".fbx",
        "Autodesk FBX",
        "the avatar with the face, head and body animated; written by Blender (scripts/blender_env.sh)",
        None,
        f"{_HERE}.fbx:FbxWriter",
        fps=Fraction(30),
    ),
    Format(
        ".mp4",
        "MPEG-4 video",
        "a picture of the speaking avatar, with the sound",
        None,
        "rhapsode.render.video:Mp4Writer",
        fps=Fraction(30),
    ),
    Format(
        ".srt",
        "SubRip subtitles",
        "the words as subtitles",
        None,
        f"{_HERE}.subtitles:SrtWriter",
        channels="kept",
    ),
    Format(
        ".vtt",
        "WebVTT subtitles",
        "the words as subtitles",
        None,
        f"{_HERE}.subtitles:VttWriter",
        channels="kept",
    ),
    Format(
        ".wav",
        "WAV sound",
        "the sound alone, 16-bit",
        None,
        f"{_HERE}.wav:WavWriter",
        channels="kept",
        keeps_clock=True,
    ),
    *(
        Format(
            extension,
            "EmotionML",
            "what was felt, and when, as the W3C writes it",
            f"{_HERE}.emotionml_reader:read",
            f"{_HERE}.emotionml:EmotionmlWriter",
            channels="kept",
        )
        for extension in (".emotionml", ".xml")
    ),
)

FORMATS: dict[str, Format] = {row.extension: row for row in _ROWS}
"""Every format by its extension, in the order of the help text."""


def format_of(path: str | Path, *, job: str = "write", name: str = "") -> Format:
    """Return the format that ``name``, or else the extension of ``path``, stands for.

    Args:
        path: any path; upper and lower case of the extension do not matter.
        job: "write" or "read"; only formats that can do it count.
        name: an extension without its first dot (``azure.json``) or the beginning of one (``azure``), or
            "a2f" or "livelink"; empty goes by the path.

    Raises:
        FormatError: no format has that extension or name; the message lists those that exist.

    """
    able = {key: row for key, row in FORMATS.items() if (row.writer if job == "write" else row.reader)}
    return find(Path(path), able, job=job, name=name)


def attribute(target: str) -> Any:
    """Import "module:attribute" and return the attribute."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


def load(path: str | Path, *, format: str = "") -> Performance:
    """Read a performance from ``path``.

    Args:
        path: the file; its extension names the format, and where several share it, what the file holds.
        format: name of the format as in `format_of`, where neither tells.

    Raises:
        FormatError: unknown extension, no such file, or the content is not what the format asks for.

    """
    path = Path(path)
    row = format_of(path, job="read", name=format)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise FormatError(f"cannot read '{path}': found {found} there, expected {row.name}; check the path")
    tried = ""
    try:
        if not format:
            row, tried = recognise(path, row, FORMATS.values())
        assert row.reader is not None
        performance = attribute(row.reader)(path)
    except OSError as error:
        raise FormatError(
            f"cannot read '{path}': {error.strerror or error}; check its permissions"
        ) from error
    except FormatError as error:
        raise FormatError(f"{error}{tried}") from error
    assert isinstance(performance, Performance)
    return performance
