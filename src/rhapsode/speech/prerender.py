"""Texts spoken before they are needed, and kept: a scripted answer sounds at once.

cache = SpokenCache()
cache.prerender("kokoro:zf_xiaoxiao", answers)          # in the background
for part in cache.stream(voice, answer): ...            # kept, or else spoken and then kept
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RhapsodeError
from rhapsode.performance import Sound, Span, Words
from rhapsode.speech.cache import cache_folder, cached_bytes
from rhapsode.speech.catalogue import load_voice
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.priority import made_ahead, step_back
from rhapsode.speech.voice import Speech, Voice

_log = logging.getLogger(__name__)
_FORMAT = 1
_FOLDER = "spoken"


class SpokenCache:
    """Spoken texts in memory and on disk, the least used dropped first. Its methods may be called anywhere.

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
        self._quiet = threading.Condition(self._lock)
        self._closed = False

    def stream(
        self, voice: Voice, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        """Yield ``text`` as ``voice.stream`` does, from the cache where it is there.

        Raises:
            SpeechError: at the call, as `rhapsode.speech.voice.Voice` says.

        """
        key = spoken_key(voice, text, manner=manner, seed=seed, language=language)
        found = self._find(key)
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
        return bool(self._disk_bytes) and _file(key).is_file()

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
                if self._find(key) is not None:
                    continue
                parts = []
                with made_ahead():
                    for part in voice.stream(text, manner=manner, language=language):
                        parts.append(part)
                        if not self._may_go_on():
                            return
                self._keep(key, parts)
            except RhapsodeError as error:
                _log.warning("a text is not prerendered by '%s': %s", name, error)
            except Exception:
                _log.exception("a text is not prerendered by '%s'", name)

    def _may_go_on(self) -> bool:
        with self._quiet:
            while self._speaking and not self._closed:
                self._quiet.wait()
            if self._closed:
                self._worker = None
            return not self._closed

    def _speak(self, key: str, parts: Iterator[Speech]) -> Iterator[Speech]:
        kept = []
        with self._lock:
            self._speaking += 1
        try:
            for part in parts:
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
        found = _read(_file(key))
        if found is not None:
            self._remember(key, found)
        return found

    def _keep(self, key: str, parts: list[Speech]) -> None:
        self._remember(key, parts)
        if self._disk_bytes:
            data = _packed(parts)
            if len(data) <= self._disk_bytes:
                cached_bytes(f"{_FOLDER}/{key}.npz", lambda: data)
                _trim(self._disk_bytes)

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


def _file(key: str) -> Path:
    return cache_folder() / _FOLDER / f"{key}.npz"


def _packed(parts: list[Speech]) -> bytes:
    told = [
        {
            "rate": part.sound.sample_rate,
            "start": [part.sound.start.numerator, part.sound.start.denominator],
            "words": [[w.text, w.start_s, w.end_s] for w in part.words.words],
            "phones": [[p.text, p.start_s, p.end_s] for p in part.words.phones],
            "marks": [[m.text, m.start_s, m.end_s] for m in part.marks],
            "notes": part.notes,
        }
        for part in parts
    ]
    sounds: dict[str, Any] = {
        f"sound{k}": np.round(part.sound.samples * 32767).astype(np.int16) for k, part in enumerate(parts)
    }
    out = io.BytesIO()
    np.savez_compressed(out, about=np.frombuffer(json.dumps(told).encode(), np.uint8), **sounds)
    return out.getvalue()


def _read(file: Path) -> list[Speech] | None:
    """Return what a file holds; None, and no file, if it is not there or not whole."""
    try:
        with np.load(file, allow_pickle=False) as held:
            told = json.loads(held["about"].tobytes())
            parts = [_unpacked(one, held[f"sound{k}"]) for k, one in enumerate(told)]
        os.utime(file)
    except FileNotFoundError:
        return None
    except Exception:  # anything may be wrong with a damaged file
        file.unlink(missing_ok=True)
        return None
    return parts


def _unpacked(told: Mapping[str, Any], samples: NDArray[np.int16]) -> Speech:
    def spans(name: str) -> tuple[Span, ...]:
        return tuple(Span(str(text), float(start), float(end)) for text, start, end in told[name])

    sound = Sound(
        samples.astype(np.float32) * np.float32(1 / 32767), int(told["rate"]), Fraction(*told["start"])
    )
    return Speech(sound, Words(spans("words"), spans("phones")), tuple(told["notes"]), spans("marks"))


def _trim(most: int) -> None:
    """Delete the files that were not used for longest until the folder fits."""
    try:
        files = [(file.stat(), file) for file in (cache_folder() / _FOLDER).glob("*.npz")]
    except OSError:
        return
    used = sum(stat.st_size for stat, _ in files)
    for stat, file in sorted(files, key=lambda one: one[0].st_mtime):
        if used <= most:
            return
        file.unlink(missing_ok=True)
        used -= stat.st_size
