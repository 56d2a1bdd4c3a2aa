"""The messages of NVIDIA Audio2Face-3D on the wire, as far as they are used: numbers, names and types.

Protocol buffers carry numbers and types only, so that one description serves the clients of every release
since 1.0: the service and the meaning of its numbers are at
https://docs.nvidia.com/ace/audio2face-3d-microservice/latest/text/interacting/a2f-rpc.html. The classes are
made at run time in a pool of their own, beside any other description of the same messages (extra
``audio2face``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from rhapsode.errors import MissingExtraError

METHOD = ("nvidia_ace.services.a2f_controller.v1.A2FControllerService", "ProcessAudioStream")
"""Service and method of the bidirectional stream."""

HEALTH = ("grpc.health.v1.Health", "Check")
"""Service and method by which clients ask whether the server is up."""

AGGREGATE = "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"
"""What the emotions of an answer are packed as."""

PCM = 0
"""The one audio format there is: integer samples, little-endian."""

SUCCESS, ERROR = 0, 3
"""Codes of a status."""

SERVING = 1
"""The health of a server that serves."""

_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "AudioHeader": """
            1 audio_format int32; 2 channel_count uint32; 3 samples_per_second uint32;
            4 bits_per_sample uint32""",
        "Floats": "1 values float*",
        "FaceParameters": """
            1 float_params {float}; 2 integer_params {int32}; 3 float_array_params {Floats}""",
        "BlendShapeParameters": """
            1 bs_weight_multipliers {float}; 2 bs_weight_offsets {float};
            3 enable_clamping_bs_weight bool?""",
        "EmotionParameters": "1 live_transition_time float?; 2 beginning_emotion {float}",
        "EmotionPostProcessing": """
            1 emotion_contrast float?; 2 live_blend_coef float?; 3 enable_preferred_emotion bool?;
            4 preferred_emotion_strength float?; 5 emotion_strength float?; 6 max_emotions int32?""",
        "EmotionWithTimeCode": "1 time_code double; 2 emotion {float}",
        "AudioWithEmotion": "1 audio_buffer bytes; 2 emotions EmotionWithTimeCode*",
        "AudioStreamHeader": """
            1 audio_header AudioHeader; 2 face_params FaceParameters;
            3 emotion_post_processing_params EmotionPostProcessing;
            4 blendshape_params BlendShapeParameters; 5 emotion_params EmotionParameters""",
        "Nothing": "",
        "AudioStream": """
            1 audio_stream_header AudioStreamHeader|; 2 audio_with_emotion AudioWithEmotion|;
            3 end_of_audio Nothing|""",
        "EmotionAggregate": """
            1 input_emotions EmotionWithTimeCode*; 2 a2e_output EmotionWithTimeCode*;
            3 a2f_smoothed_output EmotionWithTimeCode*""",
        "Packed": "1 type_url string; 2 value bytes",
        "Weights": "1 time_code double; 2 values float*",
        "SkelAnimation": "1 blend_shape_weights Weights*",
        "AudioWithTimeCode": "1 time_code double; 2 audio_buffer bytes",
        "AnimationData": "1 skel_animation SkelAnimation; 2 audio AudioWithTimeCode; 4 metadata {Packed}",
        "SkelAnimationHeader": "1 blend_shapes string*; 2 joints string*",
        "AnimationHeader": """
            1 audio_header AudioHeader; 2 skel_animation_header SkelAnimationHeader;
            3 start_time_code_since_epoch double""",
        "Event": "1 event_type int32",
        "Status": "1 code int32; 2 message string",
        "AnimationDataStream": """
            1 animation_data_stream_header AnimationHeader|; 2 animation_data AnimationData|;
            3 event Event|; 4 status Status|""",
        "HealthRequest": "1 service string",
        "HealthResponse": "1 status int32",
    }
)
"""Fields of each message, "number name type": ``*`` repeated, ``{}`` a map from strings, ``?`` with presence,
``|`` one of the message's alternatives. Enumerations are int32, which is the same on the wire."""

_PACKAGE = "rhapsode.audio2face"
_MAP, _REPEATED, _OPTIONAL = "{", "*", "?"


@cache
def message(name: str) -> Any:
    """Return the class of a message; see protobuf's own documentation of message classes.

    Raises:
        MissingExtraError: protobuf is not installed.

    """
    try:
        from google.protobuf.message_factory import GetMessageClass
    except ImportError:
        raise MissingExtraError("protobuf", "audio2face") from None
    return GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool

    file = FileDescriptorProto(name="rhapsode/audio2face.proto", package=_PACKAGE, syntax="proto3")
    for name, written in _MESSAGES.items():
        row = file.message_type.add(name=name)
        for line in filter(None, (part.strip() for part in written.split(";"))):
            number, field, kind = line.split()
            _add(row, int(number), field, kind)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add(row: Any, number: int, name: str, kind: str) -> None:
    """Add a field to the description of a message."""
    plain = kind.strip("{}*?|")
    field = row.field.add(name=name, number=number, label=1)
    if kind.startswith(_MAP):
        entry = row.nested_type.add(name=_entry(name))
        entry.options.map_entry = True
        _add(entry, 1, "key", "string")
        _add(entry, 2, "value", plain)
        plain = f"{row.name}.{entry.name}"
    if kind.startswith(_MAP) or kind.endswith(_REPEATED):
        field.label = 3
    if kind.endswith("|"):
        if not row.oneof_decl:
            row.oneof_decl.add(name="stream_part")
        field.oneof_index = 0
    scalar = getattr(field, f"TYPE_{plain.upper()}", None)
    if scalar is None:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    else:
        field.type = scalar
    if kind.endswith(_OPTIONAL):
        field.proto3_optional, field.oneof_index = True, len(row.oneof_decl)
        row.oneof_decl.add(name=f"_{name}")


def _entry(field: str) -> str:
    """Return the name that protocol buffers want for the entries of a map."""
    return "".join(part[:1].upper() + part[1:] for part in field.split("_")) + "Entry"
