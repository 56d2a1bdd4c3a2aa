"""What all conversations share: recogniser, voices, scripts, threads. Loaded on first use."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from rhapsode.dialogue.turns import Thinker
from rhapsode.errors import SpeechError
from rhapsode.pipecat.voicing import Chunker, Speaks
from rhapsode.settings import Settings, Speak
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech


class Resources:
    """Makes the parts of conversations; what is heavy is made once and shared.

    Every method may be overridden, as tests and other products do.

    Args:
        pool: threads for what takes long; its own where None.

    """

    def __init__(self, *, pool: Executor | None = None) -> None:
        self._own_pool = pool is None
        self.pool = pool or ThreadPoolExecutor(max(os.cpu_count() or 2, 4), "rhapsode-talk")
        self._made: dict[Any, Any] = {}
        self._lock = threading.RLock()

    def close(self) -> None:
        """Let go of the threads."""
        if self._own_pool:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for ``key``, made now if it is not there yet."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def thinker(self, settings: Settings) -> Thinker:
        """Return who answers; called in a thread."""
        raise NotImplementedError

    def chunker(self, language: str) -> Chunker:
        """Return a new cutter of text into what can be spoken at once."""
        return Sentences()

    def speaks(self, settings: Speak) -> Sequence[Speaks]:
        """Return the voices to be tried in order."""
        return [lambda text, language, manner: self._spoken(settings, settings.voice, text, language, manner)]

    def _spoken(
        self, settings: Speak, name: str, text: str, language: str, manner: Manner
    ) -> Iterator[Speech]:
        from rhapsode.speech import load_voice

        base = Manner(settings.rate, settings.pitch, settings.volume)
        voice = load_voice("hibari" if name == "auto" else name)
        return voice.stream(text, manner=base.then(manner))


class Sentences:
    """Cuts text at the ends of sentences."""

    def __init__(self) -> None:
        self._text = ""

    def push(self, text: str) -> list[str]:
        """Take further text; return what is complete."""
        *whole, self._text = re.split(r"(?<=[.!?])\s+|(?<=[。！？])", self._text + text)
        return whole

    def flush(self) -> list[str]:
        """Return what is left."""
        left, self._text = self._text, ""
        return [left] if left.strip() else []


__all__ = ["Resources", "Sentences", "SpeechError"]
