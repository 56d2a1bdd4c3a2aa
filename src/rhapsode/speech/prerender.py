"""Texts spoken before they are needed, and kept: a scripted answer sounds at once.

cache = SpokenCache()
cache.prerender("kokoro:zf_xiaoxiao", answers)          # in the background
for part in cache.stream(voice, answer): ...            # kept, or else spoken and then kept
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from rhapsode.errors import RhapsodeError
from rhapsode.speech.beginnings import beginnings_of
from rhapsode.speech.catalogue import load_voice
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.priority import Ahead, made_ahead, step_back
from rhapsode.speech.spoken_file import keep_spoken, read_spoken, spoken_file
from rhapsode.speech.voice import Speech, Voice

_log = logging.getLogger(__name__)
_FORMAT = 1


class _UnderWay:
    """A text that is spoken in the background now: its parts so far, and whether that is all."""

    def __init__(self, key: str, ahead: Ahead) -> None:
        self.key, self.ahead = key, ahead
        self.parts: list[Speech] = []
        self.over = False  # all of it is there


class SpokenCache:
    """Spoken texts in memory and on disk, the least used dropped first. Its methods may be called anywhere.

    What comes with the product (`rhapsode.speech.beginnings`) is there from the first run on.

    Args:
        memory_bytes: most that samples may take in memory.
        disk_bytes: most that files may take; 0 keeps nothing on disk. A text is kept there as sound, in the
            user's cache folder: do not give texts that must leave no trace.

    """

    def __init__(self, *, memory_bytes: int = 64_000_000, disk_bytes: int = 256_000_000) -> None:
        self._memory: OrderedDict[str, list[Speech]] = OrderedDict()
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._used = 0
        self._lock = threading.Lock()
        self._todo: deque[tuple[str, str, Manner, str]] = deque()
        self._worker: threading.Thread | None = None
        self._speaking = 0
        self._under_way: _UnderWay | None = None
        self._quiet = threading.Condition(self._lock)
        self._closed = False

    def stream(
        self, voice: Voice, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        """Yield ``text`` as ``voice.stream`` does, from the cache where it is there.

        What is spoken in the background right now is followed as it comes.

        Raises:
            SpeechError: at the call, as `rhapsode.speech.voice.Voice` says.

        """
        key = spoken_key(voice, text, manner=manner, seed=seed, language=language)
        found = self._find(key) or beginnings_of(voice.name).find(
            voice, text, manner=manner, seed=seed, language=language
        )
        if found is not None:
            return iter(found)
        return self._speak(key, voice.stream(text, manner=manner, seed=seed, language=language))

    def holds(
        self, voice: Voice, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> bool:
        """Tell whether ``text`` would come from the cache."""
        key = spoken_key(voice, text, manner=manner, seed=seed, language=language)
        with self._lock:
            if key in self._memory:
                return True
        if self._disk_bytes and spoken_file(key).is_file():
            return True
        return beginnings_of(voice.name).holds(voice, text, manner=manner, seed=seed, language=language)

    def prerender(
        self, voice: str, texts: Iterable[str], *, manner: Manner = PLAIN, language: str = ""
    ) -> None:
        """Speak ``texts`` in the background, in order, where they are not there yet.

        A thread of low priority does it, and rests between two sentences while `stream` speaks. What cannot
        be spoken is logged and passed over.
        """
        with self._lock:
            self._todo.extend((voice, text, manner, language) for text in texts)
            if self._todo and self._worker is None and not self._closed:
                self._worker = threading.Thread(target=self._work, name="prerender", daemon=True)
                self._worker.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all is spoken that `prerender` was asked for; False if time ran out."""
        worker = self._worker
        if worker is not None:
            worker.join(timeout_s)
        return worker is None or not worker.is_alive()

    def close(self) -> None:
        """Drop what is still to be prerendered; the thread ends after its sentence."""
        with self._lock:
            self._closed = True
            self._todo.clear()
            self._quiet.notify_all()

    def _work(self) -> None:
        step_back()
        while True:
            with self._lock:
                if not self._todo:
                    self._worker = None
                    return
                name, text, manner, language = self._todo.popleft()
            try:
                voice = load_voice(name)
                key = spoken_key(voice, text, manner=manner, seed=0, language=language)
                if self.holds(voice, text, manner=manner, language=language):
                    continue
                with made_ahead() as ahead:
                    parts = voice.stream(text, manner=manner, language=language)
                    if not self._make(_UnderWay(key, ahead), parts):
                        return
            except RhapsodeError as error:
                _log.warning("a text is not prerendered by '%s': %s", name, error)
            except Exception:
                _log.exception("a text is not prerendered by '%s'", name)

    def _make(self, work: _UnderWay, parts: Iterator[Speech]) -> bool:
        """Keep ``parts``, for all to follow as they come; False where the cache was closed meanwhile."""
        with self._lock:
            self._under_way = work
        try:
            for part in parts:
                with self._quiet:
                    work.parts.append(part)
                    self._quiet.notify_all()
                    while self._speaking and not work.ahead.wanted and not self._closed:
                        self._quiet.wait()
                    if self._closed:
                        self._worker = None
                        return False
            with self._quiet:
                work.over = True
                self._quiet.notify_all()
            self._keep(work.key, work.parts)
            return True
        finally:
            with self._quiet:
                self._under_way = None
                self._quiet.notify_all()

    def _joined(self, key: str) -> _UnderWay | None:
        """Return the work in the background if it is ``key``; it makes haste from now on."""
        with self._quiet:
            work = self._under_way
            if work is None or work.key != key:
                return None
            work.ahead.wanted = True
            self._quiet.notify_all()
            return work

    def _follow(self, work: _UnderWay) -> Iterator[Speech]:
        """Yield the parts of ``work`` as they come, until it is over or given up."""
        count = 0
        while True:
            with self._quiet:
                while count == len(work.parts) and not work.over and self._under_way is work:
                    self._quiet.wait()
                found = work.parts[count:]
            if not found:
                return
            yield from found
            count += len(found)

    def _speak(self, key: str, parts: Iterator[Speech]) -> Iterator[Speech]:
        kept: list[Speech] = []
        if (work := self._joined(key)) is not None:
            for part in self._follow(work):
                kept.append(part)
                yield part
            if work.over:
                return
        with self._lock:
            self._speaking += 1
        try:
            for part in islice(parts, len(kept), None):
                kept.append(part)
                yield part
        finally:
            with self._quiet:
                self._speaking -= 1
                self._quiet.notify_all()
        self._keep(key, kept)

    def _find(self, key: str) -> list[Speech] | None:
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        if not self._disk_bytes:
            return None
        found = read_spoken(spoken_file(key))
        if found is not None:
            self._remember(key, found)
        return found

    def _keep(self, key: str, parts: list[Speech]) -> None:
        self._remember(key, parts)
        if self._disk_bytes:
            keep_spoken(key, parts, self._disk_bytes)

    def _remember(self, key: str, parts: list[Speech]) -> None:
        size = _size(parts)
        if size > self._memory_bytes:
            return
        with self._lock:
            if key in self._memory:
                self._used -= _size(self._memory.pop(key))
            self._memory[key] = parts
            self._used += size
            while self._used > self._memory_bytes:
                self._used -= _size(self._memory.popitem(last=False)[1])


def spoken_key(voice: Voice, text: str, *, manner: Manner, seed: int, language: str) -> str:
    """Return the name under which a spoken text is kept: sha256 of all that makes its sound.

    A voice may say by an attribute ``version`` which weights it has.
    """
    version = getattr(voice, "version", "")
    parts = [_FORMAT, _code(), voice.name, version, text, manner.key(), seed, language]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _code() -> str:
    """Return a name of the code that reads and speaks; another one makes another sound."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _size(parts: list[Speech]) -> int:
    return sum(part.sound.samples.nbytes + 1000 for part in parts)
