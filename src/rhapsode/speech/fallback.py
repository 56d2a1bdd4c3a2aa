"""Speech that goes on where a voice fails: the next voice takes over what is left."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from rhapsode.errors import RhapsodeError, SpeechError
from rhapsode.performance import CLOCK_HZ, Span
from rhapsode.speech.catalogue import load_voice, voice_entry
from rhapsode.speech.heard import spoken_to
from rhapsode.speech.language import script_language
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.prerender import SpokenCache
from rhapsode.speech.voice import Speech, moved

_log = logging.getLogger(__name__)


def speak_with_fallback(
    text: str,
    voices: Sequence[str],
    *,
    manner: Manner = PLAIN,
    seed: int = 0,
    language: str = "",
    cache: SpokenCache | None = None,
) -> Iterator[Speech]:
    """Yield ``text`` sentence by sentence, spoken by the first of ``voices`` that can.

    A voice that fails, at once or on its way, is followed by the next one that speaks the language; that one
    says what is left. A note in its first slice says which voice failed, and why.

    Args:
        text: what to say.
        voices: names, the wanted one first.
        manner: how to say it.
        seed: the same seed gives the same samples.
        language: BCP 47 tag of the text; empty lets the voices tell.
        cache: of spoken texts; what it holds is not spoken anew.

    Yields:
        Consecutive slices, all at the sample rate of the first.

    Raises:
        SpeechError: no voice could say it; the message has the reason of each. It comes with the first slice
            that is asked for, or with a later one.

    """
    failures: list[str] = []
    rest, start, rate = text, Fraction(0), 0
    for name in dict.fromkeys(voices):
        if failures and not _speaks(name, rest, language):
            failures.append(f"voice '{name}' does not speak that language")
            continue
        notes = (f"{'; '.join(failures)}; '{name}' speaks instead",) if failures else ()
        words: list[Span] = []
        try:
            for part in _parts(name, rest, manner, seed, language, cache):
                placed = moved(part, start, sample_rate=rate)
                words += part.words.words
                rate, after = placed.sound.sample_rate, placed.sound.start
                after += Fraction(len(placed.sound.samples) * CLOCK_HZ, rate)
                yield replace(placed, notes=(*notes, *part.notes))
                notes = ()
            return
        except Exception as error:  # a voice may fail in any way; the text shall be spoken
            if not isinstance(error, RhapsodeError):
                _log.exception("voice '%s' failed", name)
            failures.append(f"voice '{name}' failed: {error or type(error).__name__}")
        if words:
            rest, start = rest[spoken_to(rest, words) :], after
            if not any(c.isalnum() for c in rest):
                return
    raise SpeechError("; ".join(failures) or "no voice was named; name one, such as 'hibari'")


def _parts(
    name: str, text: str, manner: Manner, seed: int, language: str, cache: SpokenCache | None
) -> Iterator[Speech]:
    """Return ``text`` in slices that begin at the clock's zero."""
    voice = load_voice(name)
    if cache is None:
        return voice.stream(text, manner=manner, seed=seed, language=language)
    return cache.stream(voice, text, manner=manner, seed=seed, language=language)


def _speaks(name: str, text: str, language: str) -> bool:
    """Tell whether a voice speaks the language of ``text``; False where it cannot be loaded."""
    try:
        found = script_language(text, language or voice_entry(name).language).split("-")[0].lower()
        return any(tag.split("-")[0].lower() in (found, "und") for tag in load_voice(name).languages)
    except RhapsodeError:
        return False
