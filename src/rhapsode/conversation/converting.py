"""Answers in the voice that the settings ask for (voice conversion)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rhapsode.errors import RhapsodeError
from rhapsode.speech.voice import Speech

if TYPE_CHECKING:
    from rhapsode.speech.conversion import Converter

_log = logging.getLogger(__name__)


class Converting:
    """Converts what voices speak; where it cannot, the voice is heard as it is.

    Args:
        kept: returns what was made for a key, made now if it is not there yet.
        failed: told why a voice is not converted, once for each reason, by any thread; returns whether
            anybody heard.

    """

    def __init__(self, kept: Callable[[Any, Callable[[], Any]], Any], failed: Callable[[str], bool]) -> None:
        self._kept, self._failed = kept, failed
        self._told: set[str] = set()

    def __call__(self, parts: Iterator[Speech], timbre: str, voice: str, language: str) -> Iterator[Speech]:
        """Yield ``parts``, spoken by ``voice``, in ``timbre``; as they are where that is empty."""
        try:
            converter = self._converter(timbre, voice, language) if timbre else None
        except RhapsodeError as error:
            self._tell(str(error))
            converter = None
        for part in parts:
            yield part if converter is None else self._converted(part, converter)

    def _converted(self, part: Speech, converter: Converter) -> Speech:
        """Return ``part`` converted; as it is where the converter fails: the answer shall be spoken."""
        try:
            made = converter(part)
        except Exception as error:  # a converter of another's may fail in any way
            if not isinstance(error, RhapsodeError):
                _log.exception("voice conversion failed")
            self._tell(f"voice conversion failed: {error or type(error).__name__}; check speak.timbre")
            return part
        if made.sound.samples.shape != part.sound.samples.shape:
            got, wanted = made.sound.samples.shape, part.sound.samples.shape
            self._tell(f"voice conversion must keep the samples {wanted}, got {got}; use another converter")
            return part
        return made

    def _converter(self, timbre: str, voice: str, language: str) -> Converter:
        from rhapsode.speech.catalogue import load_voice
        from rhapsode.speech.conversion import make_converter

        made: Converter = self._kept(
            ("timbre", timbre, voice, language),
            lambda: make_converter(timbre, load_voice(voice), language=language),
        )
        return made

    def _tell(self, why: str) -> None:
        if why not in self._told and self._failed(why):
            self._told.add(why)
