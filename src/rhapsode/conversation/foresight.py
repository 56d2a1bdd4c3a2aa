"""What will probably be answered, while the person still speaks: its beginning is spoken already."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rhapsode.dialogue.turns import Question, Turn
from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.pipecat.hearing import Recognises
from rhapsode.settings import Settings

if TYPE_CHECKING:
    from rhapsode.conversation.resources import Resources
    from rhapsode.dialogue.script import Script
    from rhapsode.dialogue.script.model import Entry

_log = logging.getLogger(__name__)

LEAST = 0.75
"""Share of the script's threshold from which the nearest entry is worth its breath: half a question says less
than a whole one."""


def foreseeing(recognises: Recognises, foresee: Callable[[Question], None]) -> Recognises:
    """Return ``recognises`` that also tells ``foresee`` what it finds, in its own thread."""

    def recognise(samples: Float32, *, final: bool) -> Question:
        question = recognises(samples, final=final)
        if question.text:
            foresee(question)
        return question

    return recognise


class Foresight:
    """Looks up words while they come, one after the other, and lets the answers that they point to be begun.

    Args:
        resources: the script, the voices, threads.

    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._looking = False

    def hear(self, text: str, language: str, settings: Settings, history: Sequence[Turn]) -> None:
        """Take words so far; returns at once. Those that come while others are looked up are left out."""
        if settings.think.kind == "model" or self._looking:
            return
        self._looking = True
        self._resources.pool.submit(self._look, text, language, settings, tuple(history))

    def _look(self, text: str, language: str, settings: Settings, history: Sequence[Turn]) -> None:
        try:
            entry, script = self._nearest(text, language, settings, history)
            if entry is not None:
                tag = _spoken(entry, language, script)
                self._resources.expect(settings, [entry.marked(line) for line in entry.answers[tag]], tag)
        except RhapsodeError as error:  # it will be told when the question is asked
            _log.debug("nothing is foreseen: %s", error)
        except Exception:
            _log.exception("nothing is foreseen")
        finally:
            self._looking = False

    def _nearest(
        self, text: str, language: str, settings: Settings, history: Sequence[Turn]
    ) -> tuple[Entry | None, Script]:
        from rhapsode.dialogue.script.thinker import talked_about

        library = self._resources.library(settings.think)
        index = library.index
        context = talked_about(index.script, history)
        hits = index.search(text, language=language, context=context, count=1)
        threshold = library.threshold if settings.think.threshold is None else settings.think.threshold
        sure = hits and (hits[0].exact or hits[0].score >= LEAST * threshold)
        return (hits[0].entry if sure and any(hits[0].entry.answers.values()) else None), index.script


def _spoken(entry: Entry, language: str, script: Script) -> str:
    """Return the language that the entry is answered in: the person's, else the script's first, else any."""
    from rhapsode.dialogue.script.model import match_language

    known = tuple(tag for tag, lines in entry.answers.items() if lines)
    return next((m for tag in (language, *script.languages) if (m := match_language(tag, known))), known[0])
