"""A face, ears and a voice as ordinary parts of a Pipecat pipeline (extra ``converse``).

    microphone -> TurnTaking -> Hearing -> Thinking -> Marking -> Voicing -> Performing -> a live session

Every part is a `FrameProcessor` of Pipecat and speaks Pipecat's frames, so that any of them can be left out,
or be replaced by a service of Pipecat; `rhapsode.conversation` puts them together.

For pipelines that others have built there are, loaded on first use:

- `Face`: gives an agent of any making a face, in one line.
- `FaceCurvesFrame`: the face at a moment, as `Face` pushes it.
- `Marking`: takes marks such as ``[joy]`` and ``[nod]`` out of any language model's text, for the face.
- `RecogniserService`, `ThinkerService`, `VoiceService`: our own parts as ordinary services of Pipecat.
- `VoiceFrame`: speech with its words, marks, phones and face, as far as a voice gives them.

Voices of vendors that give the face, too, are `rhapsode.pipecat.azure.AzureFaceTTSService` and
`rhapsode.pipecat.polly.PollyFaceTTSService`; the vendor's package is installed by the user.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rhapsode.errors import MissingExtraError

if TYPE_CHECKING:
    from rhapsode.pipecat.face import Face
    from rhapsode.pipecat.face_sinks import FaceCurvesFrame
    from rhapsode.pipecat.frames import VoiceFrame
    from rhapsode.pipecat.marking import Marking
    from rhapsode.pipecat.own_services import RecogniserService, ThinkerService
    from rhapsode.pipecat.voice_service import VoiceService

_WHERE = {
    "Face": "face",
    "FaceCurvesFrame": "face_sinks",
    "Marking": "marking",
    "RecogniserService": "own_services",
    "ThinkerService": "own_services",
    "VoiceFrame": "frames",
    "VoiceService": "voice_service",
}

__all__ = [
    "Face",
    "FaceCurvesFrame",
    "Marking",
    "RecogniserService",
    "ThinkerService",
    "VoiceFrame",
    "VoiceService",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module '{__name__}' has no '{name}'; it has {', '.join(__all__)}")
    try:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "pipecat":
            raise MissingExtraError("Pipecat", "converse") from error
        raise
