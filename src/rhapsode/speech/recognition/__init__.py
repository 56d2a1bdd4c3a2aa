"""Recognition: from sound to words, offline by default.

from rhapsode.speech.recognition import recogniser

heard = recogniser().transcribe(samples, languages=("en", "zh"))
heard.text, heard.language, heard.certainty

`Stream` listens while somebody speaks: words so far, and a final text that is begun as soon as a pause is
heard. Needs the extra ``converse``; importing this package loads no model.
"""

from __future__ import annotations

from threading import Lock

from rhapsode.speech.recognition.heard import Heard, HeardWord
from rhapsode.speech.recognition.stream import Stream
from rhapsode.speech.recognition.weights import PACKAGED
from rhapsode.speech.recognition.whisper import SAMPLE_RATE, Recogniser

__all__ = ["PACKAGED", "SAMPLE_RATE", "Heard", "HeardWord", "Recogniser", "Stream", "recogniser"]

_made: dict[tuple[str, int, str], Recogniser] = {}
_making = Lock()


def recogniser(name: str = PACKAGED[0], *, threads: int = 0, device: str = "cpu") -> Recogniser:
    """Return the recogniser called ``name``, loaded once and then shared.

    Args:
        name: "whisper-base" (about a hundred languages) and "whisper-tiny.en" (English, faster) come in
            packages and need no network; any other is a Whisper model of the hub ("large-v3", "owner/model"),
            fetched at its first use, or a folder of one that CTranslate2 runs.
        threads: of the processor; 0 for two, or one where there is only one.
        device: "cpu", or "cuda".

    Raises:
        MissingExtraError: faster-whisper or the package of the weights is not installed.
        RecognitionError: the weights cannot be had.
        WeightsError: packaged weights are damaged.

    """
    key = (name, threads, device)
    with _making:
        if key not in _made:
            _made[key] = Recogniser(name, threads=threads, device=device)
        return _made[key]
