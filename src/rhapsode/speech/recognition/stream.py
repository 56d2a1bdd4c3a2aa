"""Listening while somebody speaks: words so far, and a final text that is there early."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from rhapsode.performance import Float32
from rhapsode.speech.recognition.cutting import LONGEST_S, quietest_cut
from rhapsode.speech.recognition.heard import Heard, joined

if TYPE_CHECKING:
    from rhapsode.speech.recognition.whisper import Recogniser

_RATE_HZ = 16_000
_SHARE = 3.0
"""A partial text is looked for again after so many times what the last one cost."""


class Stream:
    """One utterance, as its sound comes.

    `push` costs nothing. `partial` looks at the words so far now and then. `pause` says that the speaker
    pauses: the final text is begun at once, in the background; `resume` says that the speaker went on, and it
    is thrown away. `finish` waits for it. What is longer than a recogniser hears at once is recognised while
    it comes.

    Args:
        recogniser: that many streams may share.
        language, languages, prompt: as `Recogniser.transcribe`.
        every_s: how often `partial` looks at most.
        pool: threads for what is begun early; its own one where None.
        clock: seconds.

    Safe to call from several threads.

    Example:
        >>> stream = Stream(recogniser())                              # doctest: +SKIP
        >>> stream.push(samples); stream.partial()                     # doctest: +SKIP
        'when does the'
        >>> stream.pause(); stream.finish().text                       # doctest: +SKIP
        'When does the museum open?'

    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        language: str = "auto",
        languages: Collection[str] = (),
        prompt: str = "",
        every_s: float = 0.7,
        pool: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recogniser = recogniser
        self._language, self._languages, self._prompt = language, tuple(languages), prompt
        self._every_s, self._clock = every_s, clock
        self._own_pool = pool is None
        self._pool = pool or ThreadPoolExecutor(1, "rhapsode-hear")
        self._lock = Lock()
        self._chunks: list[Float32] = []
        self._count = 0
        self._done: list[Future[Heard]] = []
        self._early: Future[Heard] | None = None
        self._partial = ""
        self._next_look = 0.0

    def push(self, samples: Float32) -> None:
        """Take the next sound, (n,) float32 mono at 16 kHz."""
        with self._lock:
            self._chunks.append(np.array(samples, np.float32))
            self._count += len(samples)
            while self._early is None and self._count > LONGEST_S * _RATE_HZ:
                whole = self._waiting()
                cut = quietest_cut(whole)
                self._chunks, self._count = [whole[cut:]], len(whole) - cut
                self._done.append(self._pool.submit(self._final, whole[:cut]))

    def partial(self) -> str:
        """Return the words so far.

        They are looked for again if it is time and the recogniser has nothing better to do, which takes about
        as long as a final text; else the last ones come back at once.
        """
        with self._lock:
            now = self._clock()
            if now < self._next_look or self._early is not None or not self._count:
                return self._text()
            self._next_look = now + self._every_s
            samples = self._waiting()
        seen = self._recogniser.glimpse(samples, language=self._language, languages=self._languages)
        with self._lock:
            spent = self._clock() - now
            self._next_look = max(self._next_look, now + (1.0 + _SHARE) * spent)
            if seen is not None:
                self._partial = seen.text
            return self._text()

    def pause(self) -> Future[Heard]:
        """Begin the final text: the speaker pauses and may be done."""
        with self._lock:
            if self._early is None:
                self._early = self._pool.submit(self._final, self._waiting())
            return self._early

    def resume(self) -> None:
        """Throw away what `pause` began: the speaker goes on."""
        with self._lock:
            early, self._early = self._early, None
            if early is not None:
                early.cancel()

    def finish(self) -> Heard:
        """Return the words of the utterance; the stream is ready for the next one.

        What came behind a `pause` that no `resume` followed counts as silence.

        Raises:
            RecognitionError, AudioError: as `Recogniser.transcribe`.

        """
        last = self.pause()
        with self._lock:
            waited, self._done, self._early = [*self._done, last], [], None
            self._chunks, self._count, self._partial, self._next_look = [], 0, "", 0.0
        return joined([future.result() for future in waited])

    def close(self) -> None:
        """Let go of the threads."""
        self.resume()
        if self._own_pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _waiting(self) -> Float32:
        whole = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.float32)
        self._chunks = [whole]
        return whole

    def _text(self) -> str:
        known = [future.result().text for future in self._done if future.done() and not future.exception()]
        return " ".join(text for text in (*known, self._partial) if text)

    def _final(self, samples: Float32) -> Heard:
        return self._recogniser.transcribe(
            samples, language=self._language, languages=self._languages, prompt=self._prompt
        )
