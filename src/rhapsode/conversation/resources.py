"""What all conversations share: recogniser, voices, scripts, threads. Loaded on first use."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from rhapsode.conversation.converting import Converting
from rhapsode.conversation.foresight import Foresight
from rhapsode.conversation.lines import line
from rhapsode.conversation.microphone import Echo, Process
from rhapsode.conversation.preparing import rehearse
from rhapsode.conversation.rehearsal import Rehearsal
from rhapsode.conversation.warming import warm_up
from rhapsode.conversation.whispering import Whispering
from rhapsode.dialogue.turns import Thinker, Turn
from rhapsode.errors import RhapsodeError
from rhapsode.pipecat.hearing import Feels, Recognises
from rhapsode.pipecat.planning import Chunker, plan
from rhapsode.pipecat.turns import Activity, Completeness
from rhapsode.pipecat.voicing import Speaks
from rhapsode.settings import Hear, Settings, Speak, Think
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech

if TYPE_CHECKING:
    from rhapsode.dialogue.script import ScriptLibrary
    from rhapsode.speech.prerender import SpokenCache

_log = logging.getLogger(__name__)


THREADS = 1
"""Of the recogniser. Two in lockstep are a little faster on an idle machine, and twenty times slower where a
browser, a voice or a face needs the other core: each waits for the other at every step."""

THINKERS = 32
"""Thinkers that are kept, each for its settings; those that were used last."""

Part = Literal["hear", "think", "speak"]

Trouble = Callable[[Part, str], None]
"""Told from any thread what a shared part could not do."""


class Resources:
    """Makes the parts of conversations; what is heavy is made once and shared.

    Every method may be overridden, as tests and other products do. Those that load something are called in
    threads, several at a time; what they raise is told, and they are called again the next time.

    Args:
        pool: threads for what takes long; its own where None.

    """

    def __init__(self, *, pool: Executor | None = None) -> None:
        self._own_pool = pool is None
        self.pool = pool or ThreadPoolExecutor(max(os.cpu_count() or 2, 4), "rhapsode-talk")
        self._made: dict[Any, Any] = {}
        self._making: dict[Any, threading.Lock] = {}
        self._thinkers: dict[Any, None] = {}  # in the order of their use
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []
        self.rehearsal = Rehearsal(lambda: self.spoken)
        self._foresight = Foresight(self)
        self._converting = Converting(self.kept, self._unconverted)
        atexit.register(self.close)

    def close(self) -> None:
        """Let go of the threads."""
        atexit.unregister(self.close)
        self.rehearsal.close()
        if self._own_pool:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for ``key``, made now if it is not there yet."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def watch(self, trouble: Trouble) -> Callable[[], None]:
        """Tell ``trouble`` what shared parts cannot do; return what stops that."""
        self._troubles.append(trouble)
        return lambda: self._troubles.remove(trouble) if trouble in self._troubles else None

    def warm_up(self, settings: Settings) -> list[tuple[Part, str]]:
        """Load what the first turn needs, and begin what may follow; return what failed, and why."""
        faults = warm_up(self, settings)
        self.prepare_voice(settings)
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

    def cleaners(self, hear: Hear) -> list[Process | Echo]:
        """Return what a new microphone's sound goes through."""
        made: list[Process | Echo] = []
        if hear.echo:
            from rhapsode.audio.echo import EchoGate

            made.append(EchoGate(16_000))
        if hear.denoise:
            from rhapsode.audio.denoise import Denoiser

            made.append(Denoiser(16_000))
        return made

    def hear(self, settings: Settings) -> Hear:
        """Return how it listens; where no languages are named, for those of the script.

        A recogniser that may choose among a hundred languages takes a short sentence for Welsh now and then.
        """
        hear, think = settings.hear, settings.think
        if hear.language != "auto" or hear.languages or think.kind != "script" or think.translate != "off":
            return hear
        try:
            return hear.model_copy(update={"languages": tuple(self.library(think).script.languages)})
        except RhapsodeError:  # it is told where the script is needed
            return hear

    def recognises(self, hear: Hear) -> Recognises:
        """Return what finds words."""
        from rhapsode.speech.recognition import recogniser

        return Whispering(recogniser(hear.recogniser, threads=THREADS), hear)

    def feels(self) -> Feels:
        """Return what finds the emotion of one person."""
        from rhapsode.dialogue.feeling import Feeling

        return Feeling()

    def language(self, text: str, settings: Settings, history: Sequence[Turn] = ()) -> str:
        """Return the language of ``text``; where it is empty, the one that is most likely spoken."""
        hear = self.hear(settings)
        usual = hear.language if hear.language != "auto" else (*hear.languages, "en")[0]
        likely = history[-1].language if history else usual
        if not text:
            return likely
        try:
            from rhapsode.speech.language_id import language_of

            return language_of(text, languages=hear.languages, likely=likely).language
        except RhapsodeError:
            return likely

    # Thoughts

    def thinker(self, settings: Settings) -> Thinker:
        """Return who answers."""
        from rhapsode.dialogue.thinkers import make_thinker

        think = settings.think

        def make() -> Thinker:
            library = None if think.kind == "model" else self.library(think)
            return make_thinker(think, library=library, failed=lambda why: self._trouble("think", why))

        key = ("thinker", think.model_dump_json())
        thinker: Thinker = self.kept(key, make)
        with self._lock:  # every client of the Realtime API may have a persona of its own
            self._thinkers.pop(key, None)
            self._thinkers[key] = None
            for old in list(self._thinkers)[:-THINKERS]:
                del self._thinkers[old]
                self._made.pop(old, None)
                self._making.pop(old, None)
        return thinker

    def library(self, think: Think) -> ScriptLibrary:
        """Return the script."""
        from rhapsode.dialogue.script import ScriptLibrary

        def changed(news: object) -> None:
            if isinstance(news, RhapsodeError):
                self._trouble("think", f"the script as it was stays in use: {news}")

        library: ScriptLibrary = self.kept(
            ("script", think.script), lambda: ScriptLibrary(think.script, on_change=changed)
        )
        return library

    def line(self, kind: Literal["again", "failed"], language: str) -> str:
        """Return a line that is spoken where something failed."""
        return line(kind, language)

    # Voice

    def chunker(self, language: str) -> Chunker:
        """Return a new cutter of text into what can be spoken at once."""
        from rhapsode.speech.sentences import Sentences

        return Sentences()

    def speaks(self, settings: Speak) -> Speaks:
        """Return what speaks an answer."""
        from rhapsode.speech.fallback import speak_with_fallback

        base = _base(settings)

        def speak(text: str, language: str, manner: Manner) -> Iterator[Speech]:
            voices, tag = self.voices(settings, language), _primary(language)
            parts = speak_with_fallback(
                text, voices, manner=base.then(manner), language=tag, cache=self.spoken
            )
            return self._converting(parts, settings.timbre, voices[0], tag)

        return speak

    def voices(self, settings: Speak, language: str) -> tuple[str, ...]:
        """Return the names of the voices that are tried, in order.

        Raises:
            SpeechError: no voice speaks the language here; the message says what to install.

        """
        from rhapsode.speech import voice_for

        first = settings.voice if settings.voice != "auto" else voice_for(language, settings.voices)
        return first, settings.fallback

    @property
    def spoken(self) -> SpokenCache:
        """What was spoken already."""
        from rhapsode.speech.prerender import SpokenCache

        cache: SpokenCache = self.kept("spoken", SpokenCache)
        return cache

    def work(self, who: object) -> None:
        """Take notice that a conversation needs the processor: nothing is rehearsed meanwhile."""
        self.rehearsal.work(who)

    def rest(self, who: object) -> None:
        """Take notice that a conversation is idle."""
        self.rehearsal.rest(who)

    def prepare_voice(self, settings: Settings) -> None:
        """Speak what a script says before it is needed, in a thread."""
        if settings.think.kind == "model":
            return
        try:
            rehearse(self, settings)
        except RhapsodeError as error:  # it will be told when it is needed
            _log.info("the script's answers are not spoken beforehand: %s", error)

    def foresee(self, text: str, language: str, settings: Settings, history: Sequence[Turn]) -> None:
        """Take words that a person says right now: what they point to may be spoken already."""
        self._foresight.hear(text, language, settings, history)

    def expect(self, settings: Settings, texts: Sequence[str], language: str) -> None:
        """Speak the beginnings of marked answers now: one of them is likely to be needed at once.

        Raises:
            SpeechError: no voice speaks the language here.

        """
        voice, base = self.voices(settings.speak, language)[0], _base(settings.speak)
        plans = [plan(text, self.chunker(language)) for text in texts]
        self.rehearsal.expect(voice, plans, base, _primary(language))

    def _trouble(self, part: Part, message: str) -> None:
        for told in list(self._troubles):
            told(part, message)

    def _unconverted(self, why: str) -> bool:
        self._trouble("speak", why)
        return bool(self._troubles)


def _base(settings: Speak) -> Manner:
    return Manner(settings.rate, settings.pitch, settings.volume)


def _primary(language: str) -> str:
    return language.split("-")[0]
