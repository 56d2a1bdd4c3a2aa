"""Scripted answers are spoken before they are needed, while nobody talks."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rhapsode.pipecat.planning import Sentence
from rhapsode.speech.manner import Manner

if TYPE_CHECKING:
    from rhapsode.speech.prerender import SpokenCache

_log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often it is looked whether all conversations are idle."""

ENDING_S = 10.0
"""How long the sentence under way may take to end."""


class Rehearsal:
    """Fills a cache of spoken sentences, one at a time, as long as no conversation needs the processor.

    Args:
        spoken: returns the cache.

    """

    def __init__(self, spoken: Callable[[], SpokenCache]) -> None:
        self._spoken = spoken
        self._todo: deque[tuple[str, Sentence, Manner, str]] = deque()
        self._seen: set[object] = set()
        self._working: set[int] = set()
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def work(self, who: object) -> None:
        """Take notice that a conversation needs the processor."""
        self._working.add(id(who))

    def rest(self, who: object) -> None:
        """Take notice that a conversation is idle."""
        self._working.discard(id(who))

    def add(self, voice: str, plans: Sequence[Sequence[Sentence]], manner: Manner, language: str) -> None:
        """Let ``voice`` speak answers, the beginnings first; those that were added before are left out.

        Args:
            voice: its name.
            plans: of each answer its sentences.
            manner: that lies under each sentence's own.
            language: BCP 47 tag that the voice will be asked for.

        """
        steps = [one for plan in plans for one in plan[:1]] + [one for plan in plans for one in plan[1:]]
        with self._lock:
            for step in steps:
                spoken = manner.then(step.manner)
                key = voice, step.text, spoken.key(), language
                if key not in self._seen:
                    self._seen.add(key)
                    self._todo.append((voice, step, spoken, language))
            if self._todo and self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._rehearse, name="rehearsal", daemon=True)
                self._thread.start()

    @property
    def left(self) -> int:
        """How many sentences are still to be spoken."""
        return len(self._todo)

    def close(self) -> None:
        """End; a network must not run while the interpreter ends."""
        self._closed.set()
        if self._thread is not None:
            self._spoken().close()
            self._thread.join(ENDING_S)

    def _rehearse(self) -> None:
        while not self._closed.is_set():
            with self._lock:
                if not self._todo:
                    self._thread = None
                    return
                voice, step, manner, language = self._todo.popleft()
            while self._working and not self._closed.wait(LOOK_S):
                pass
            if not self._closed.is_set():
                cache = self._spoken()
                cache.prerender(voice, [step.text], manner=manner, language=language)
                cache.wait()
