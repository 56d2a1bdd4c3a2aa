"""Our own recogniser as the ears of a conversation use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rhapsode.dialogue.turns import Question
from rhapsode.performance import Float32
from rhapsode.settings import Hear

if TYPE_CHECKING:
    from rhapsode.speech.recognition import Recogniser


class Whispering:
    """Finds words with a recogniser of this product.

    Args:
        recogniser: shared by all.
        hear: what it is to listen for.

    """

    def __init__(self, recogniser: Recogniser, hear: Hear) -> None:
        self._recogniser, self._hear = recogniser, hear

    def __call__(self, samples: Float32, *, final: bool) -> Question:
        """Return the words of ``samples``, (n,) at 16 kHz; none where others need the recogniser more."""
        language, languages = self._hear.language, self._hear.languages
        look = self._recogniser.transcribe if final else self._recogniser.glimpse
        heard = look(samples, language=language, languages=languages)
        return Question("") if heard is None else Question(heard.text, heard.language, heard.certainty)
