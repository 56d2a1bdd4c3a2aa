"""Scripted answers are spoken before they are needed: while nobody talks, or as soon as they are foreseen."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rhapsode.pipecat.planning import Sentence
from rhapsode.speech.manner import Manner

if TYPE_CHECKING:
    from rhapsode.speech.prerender import SpokenCache

_log = logging.getLogger(__name__)

ENDING_S = 10.0
"""How long the sentence under way may take to end."""


class _Line(NamedTuple):
    voice: str
    text: str
    manner: Manner
    language: str

    @property
    def key(self) -> object:
        return self.voice, self.text, self.manner.key(), self.language


class Rehearsal:
    """Fills a cache of spoken sentences, one at a time, as long as no conversation needs the processor.

    Beginnings come first, those of all voices by turns, so that every voice is soon loaded and a few seconds
    of work a voice suffice for an answer to begin at once.

    Args:
        spoken: returns the cache.

    """

    def __init__(self, spoken: Callable[[], SpokenCache]) -> None:
        self._spoken = spoken
        self._expected: deque[_Line] = deque()
        self._beginnings: deque[deque[_Line]] = deque()
        self._rest: deque[deque[_Line]] = deque()
        self._seen: set[object] = set()
        self._working: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def work(self, who: object) -> None:
        """Take notice that a conversation needs the processor."""
        with self._changed:
            self._working.add(id(who))

    def rest(self, who: object) -> None:
        """Take notice that a conversation is idle."""
        with self._changed:
            self._working.discard(id(who))
            self._changed.notify_all()

    def add(self, voice: str, plans: Sequence[Sequence[Sentence]], manner: Manner, language: str) -> int:
        """Let ``voice`` speak answers, the beginnings first; those that were added before are left out.

        Args:
            voice: its name.
            plans: of each answer its sentences.
            manner: that lies under each sentence's own.
            language: BCP 47 tag that the voice will be asked for.

        Returns:
            How many sentences are new.

        """
        new = 0
        with self._changed:
            for queue, steps in (
                (self._beginnings, [one for plan in plans for one in plan[:1]]),
                (self._rest, [one for plan in plans for one in plan[1:]]),
            ):
                lines = [line for line in _lines(voice, steps, manner, language) if self._new(line)]
                if lines:
                    queue.append(deque(lines))
                    new += len(lines)
            self._begin()
        return new

    def expect(self, voice: str, plans: Sequence[Sequence[Sentence]], manner: Manner, language: str) -> None:
        """Let ``voice`` speak the beginnings of answers now: one of them is likely to be needed at once.

        They are spoken though a conversation works, unless it is several: then they need the processor more.
        What was expected before and is not begun is dropped. Arguments as those of `add`.
        """
        with self._changed:
            steps = [one for plan in plans for one in plan[:1]]
            self._expected = deque(_lines(voice, steps, manner, language))
            self._begin()

    @property
    def left(self) -> int:
        """How many sentences are still to be spoken."""
        with self._changed:
            return len(self._expected) + sum(map(len, (*self._beginnings, *self._rest)))

    @property
    def busy(self) -> bool:
        """Whether a sentence is spoken, or still to be."""
        with self._changed:
            return self._thread is not None

    def close(self) -> None:
        """End; a network must not run while the interpreter ends."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            self._spoken().close()
            thread.join(ENDING_S)

    def _new(self, line: _Line) -> bool:
        new = line.key not in self._seen
        self._seen.add(line.key)
        return new

    def _begin(self) -> None:
        self._changed.notify_all()
        if self._thread is None and not self._closed and (self._expected or self._beginnings or self._rest):
            self._thread = threading.Thread(target=self._rehearse, name="rehearsal", daemon=True)
            self._thread.start()

    def _rehearse(self) -> None:
        while (line := self._next()) is not None:
            cache = self._spoken()
            cache.prerender(line.voice, [line.text], manner=line.manner, language=line.language)
            cache.wait()

    def _next(self) -> _Line | None:
        """Return what is to be spoken now, as soon as it may be; None where nothing is left."""
        with self._changed:
            while not self._closed:
                if self._expected and len(self._working) <= 1:
                    return self._expected.popleft()
                queue = self._beginnings or self._rest
                if not queue and not self._expected:
                    break
                if queue and not self._working:
                    lines = queue.popleft()
                    line = lines.popleft()
                    if lines:
                        queue.append(lines)
                    return line
                self._changed.wait()
            self._thread = None
            return None


def _lines(voice: str, steps: Sequence[Sentence], manner: Manner, language: str) -> list[_Line]:
    return [_Line(voice, step.text, manner.then(step.manner), language) for step in steps]
