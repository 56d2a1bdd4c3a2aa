"""The background that the settings lay under the voice."""

from __future__ import annotations

from rhapsode.audio.bed import Bed
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.settings import Speak


def background(speak: Speak) -> Bed | None:
    """Return the background of ``speak``; None where it names none. It is read now.

    Raises:
        AudioError: the file cannot be read, or is no background.

    """
    if not speak.background:
        return None
    always = speak.background_in == "always"
    return Bed.from_file(speak.background, SAMPLE_RATE, db=speak.background_db, always=always)
