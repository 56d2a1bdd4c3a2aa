"""What all conversations share: recogniser, voices, scripts, threads. Loaded on first use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from rhapsode.conversation.microphone import Process
from rhapsode.dialogue.turns import Question, Thinker, Turn
from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.pipecat.hearing import Feels, Recognises
from rhapsode.pipecat.planning import Chunker
from rhapsode.pipecat.turns import Activity, Completeness
from rhapsode.pipecat.voicing import Speaks
from rhapsode.settings import Hear, Settings, Speak
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech

_LINES = {
    "again": {
        "en": "Sorry, I did not catch that. Could you say it again?",
        "zh": "抱歉，我没有听清，请您再说一遍好吗？",
    },
    "failed": {"en": "Sorry, I cannot answer that right now.", "zh": "抱歉，我现在没法回答这个问题。"},
}

if TYPE_CHECKING:
    from rhapsode.speech.prerender import SpokenCache
    from rhapsode.speech.recognition import Recogniser


class Resources:
    """Makes the parts of conversations; what is heavy is made once and shared.

    Every method may be overridden, as tests and other products do. Those that load something are called in
    threads, several at a time.

    Args:
        pool: threads for what takes long; its own where None.

    """

    def __init__(self, *, pool: Executor | None = None) -> None:
        self._own_pool = pool is None
        self.pool = pool or ThreadPoolExecutor(max(os.cpu_count() or 2, 4), "rhapsode-talk")
        self._made: dict[Any, Any] = {}
        self._lock, self._whispering = threading.RLock(), threading.Lock()

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

    def prepare(self, settings: Settings) -> None:
        """Load what ``settings`` need in the background."""
        self.pool.submit(self.warm_up, settings)

    def warm_up(self, settings: Settings) -> list[tuple[str, str]]:
        """Load what the first turn needs; return what failed: its part and why."""
        faults = []
        jobs: list[tuple[str, Callable[[], object]]] = [
            ("hear", lambda: self.recognises(settings.hear)(np.zeros(8000, np.float32), final=True)),
        ]
        for part, job in jobs:
            try:
                job()
            except RhapsodeError as error:
                faults.append((part, str(error)))
        return faults

    # Ears

    def activity(self) -> Activity:
        """Return a new judge of voice activity."""
        from rhapsode.audio.vad import SileroVad

        return SileroVad()

    def completeness(self) -> Completeness:
        """Return a new judge of turn ends."""
        from rhapsode.pipecat.smart_turn import SmartTurn

        return SmartTurn(self.pool)

    def cleaners(self, hear: Hear) -> list[Process]:
        """Return what a new microphone's sound goes through."""
        made: list[Process] = []
        if hear.denoise:
            from rhapsode.audio.denoise import Denoiser

            made.append(Denoiser(16_000))
        return made

    def recognises(self, hear: Hear) -> Recognises:
        """Return what finds words."""
        from rhapsode.speech.recognition import recogniser

        return Whispering(recogniser(hear.recogniser), hear)

    def feels(self, hear: Hear) -> Feels | None:
        """Return what finds the person's emotion; None where nobody looks."""
        return None

    def language(self, text: str, settings: Settings, history: Sequence[Turn] = ()) -> str:
        """Return the language of ``text``; where it is empty, the one that is most likely spoken."""
        if any("\u4e00" <= letter <= "\u9fff" for letter in text):
            return "zh"
        if not text and history:
            return history[-1].language
        return "en" if settings.hear.language == "auto" else settings.hear.language

    # Thoughts

    def thinker(self, settings: Settings) -> Thinker:
        """Return who answers."""
        raise NotImplementedError

    def line(self, kind: str, language: str) -> str:
        """Return a line that is spoken where something failed: "again" or "failed"."""
        lines = _LINES[kind]
        return lines.get(language.split("-")[0], lines["en"])

    # Voice

    def chunker(self, language: str) -> Chunker:
        """Return a new cutter of text into what can be spoken at once."""
        from rhapsode.speech.sentences import Sentences

        return Sentences()

    def speaks(self, settings: Speak) -> Speaks:
        """Return what speaks an answer."""
        from rhapsode.speech.fallback import speak_with_fallback

        base, cache = Manner(settings.rate, settings.pitch, settings.volume), self.spoken

        def speak(text: str, language: str, manner: Manner) -> Iterator[Speech]:
            voices = self.voices(settings, language)
            return speak_with_fallback(text, voices, manner=base.then(manner), language=language, cache=cache)

        return speak

    def voices(self, settings: Speak, language: str) -> tuple[str, ...]:
        """Return the names of the voices that are tried, in order.

        Raises:
            SpeechError: no voice speaks the language here; the message says what to install.

        """
        from rhapsode.speech import voice_for

        if settings.voice != "auto":
            return settings.voice, settings.fallback
        return voice_for(language, settings.voices), settings.fallback

    @property
    def spoken(self) -> SpokenCache:
        """What was spoken already."""
        from rhapsode.speech.prerender import SpokenCache

        cache: SpokenCache = self.kept("spoken", SpokenCache)
        return cache


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
