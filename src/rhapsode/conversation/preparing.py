"""What a script says, spoken before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhapsode.pipecat.planning import plan
from rhapsode.settings import Settings
from rhapsode.speech.manner import Manner

if TYPE_CHECKING:
    from rhapsode.conversation.resources import Resources


def rehearse(resources: Resources, settings: Settings) -> int:
    """Begin to speak all that the script says, in a thread; `Resources.rehearsal` tells how much is left.

    Returns:
        How many sentences are new.

    Raises:
        RhapsodeError: the script cannot be read, or no voice speaks one of its languages.

    """
    script, speak = resources.library(settings.think).script, settings.speak
    base, new = Manner(speak.rate, speak.pitch, speak.volume), 0
    for language in script.languages:
        texts = script.sentences(language, marks=True)
        plans = [plan(text, resources.chunker(language)) for text in texts]
        voice = resources.voices(speak, language)[0]
        new += resources.rehearsal.add(voice, plans, base, language.split("-")[0])
    return new
