"""Writing aside, then renaming: a target file is either complete or untouched.

`AtomicWriter` drives one format's writer; `WriterSet` drives several, and renames all of them only when
all are complete.
"""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rhapsode.errors import FormatError, SettingError
from rhapsode.formats.fitting import PartFitter
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.registry import Writer, attribute, format_of
from rhapsode.performance import Performance


class _Closing(ABC):
    """A context manager that completes its files, or gives them up after an error."""

    @abstractmethod
    def close(self) -> None:
        """Complete the files."""

    @abstractmethod
    def abort(self) -> None:
        """Give the files up."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class AtomicWriter(_Closing):
    """Writes consecutive parts of one performance to ``path``; a context manager.

    The work goes to a hidden file in the same folder. `close` completes it, brings it to the disk and
    renames it; an error, an interrupt or `abort` removes it. An existing target is replaced.

    Args:
        path: the target; its extension names the format, unless the options do.
        options: see `WriteOptions`.

    Raises:
        FormatError: unknown extension, a folder that is missing or refuses files, a target that is no file.
        RigError: no rig has the name in the options.
        SettingError: the format cannot do what the options ask.

    """

    def __init__(self, path: str | Path, options: WriteOptions | None = None) -> None:
        self.path = Path(path)
        self.options = options or WriteOptions()
        self.format = format_of(path, name=self.options.format)
        self._fit = PartFitter(self.format, self.options)
        self._target = Path(os.path.realpath(self.path))
        self._temporary = _create_beside(self._target, self.path)
        self._finished = False
        self._writer: Writer | None = None
        try:
            assert self.format.writer is not None
            self._writer = attribute(self.format.writer)(self._temporary, self.options)
        except BaseException:
            self.abort()
            raise

    def write(self, part: Performance) -> None:
        """Take the next consecutive part, at any rate that stays the same from part to part."""
        assert self._writer is not None, "write after close or abort"
        try:
            self._writer.write(self._fit.push(part))
        except BaseException:
            self.abort()
            raise

    def finish(self) -> None:
        """Complete the hidden file and bring it to the disk; `close` does this and renames it."""
        assert self._writer is not None, "finish after close or abort"
        try:
            tail = self._fit.finish()
            if tail is not None:
                self._writer.write(tail)
            self._writer.close()
            self._writer = None
            descriptor = os.open(self._temporary, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._finished = True
        except BaseException:
            self.abort()
            raise

    def close(self) -> None:
        """Complete the file and put it in its place; a second call does nothing."""
        if self._writer is not None:
            self.finish()
        if self._finished:
            self._finished = False
            try:
                os.replace(self._temporary, self._target)
            except BaseException:
                self.abort()
                raise

    def abort(self) -> None:
        """Give up: no file appears, an existing target stays as it was; harmless after `close`."""
        writer, self._writer, self._finished = self._writer, None, False
        try:
            if writer is not None:
                with suppress(Exception):
                    writer.abort()
        finally:
            with suppress(OSError):
                self._temporary.unlink()


class WriterSet(_Closing):
    """Writes the same parts to several files; all of them appear, or none.

    Args:
        paths: the targets, each a different file.
        options: shared by all.

    Raises:
        FormatError: as in `AtomicWriter`.
        SettingError: as in `AtomicWriter`, or two paths name the same file.

    """

    def __init__(self, paths: Sequence[str | Path], options: WriteOptions | None = None) -> None:
        seen: set[str] = set()
        for path in paths:
            real = os.path.realpath(path)
            if real in seen:
                raise SettingError(f"'{path}' is named twice as an output; name each output once")
            seen.add(real)
            format_of(path, name=options.format if options else "")
        self.writers: list[AtomicWriter] = []
        try:
            for path in paths:
                self.writers.append(AtomicWriter(path, options))
        except BaseException:
            self.abort()
            raise

    def write(self, part: Performance) -> None:
        """Hand the next consecutive part to every file."""
        for writer in self.writers:
            writer.write(part)

    def close(self) -> None:
        """Complete every file, then rename every file."""
        try:
            for writer in self.writers:
                writer.finish()
            for writer in self.writers:
                writer.close()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Give up all files."""
        for writer in self.writers:
            writer.abort()


def _create_beside(target: Path, shown: Path) -> Path:
    """Create an empty hidden file in the folder of ``target`` and return its path."""
    if target.is_dir():
        raise FormatError(f"cannot write '{shown}': it is a folder, expected a file; add a file name")
    if target.exists() and not target.is_file():
        raise FormatError(f"cannot write '{shown}': it is a device or a pipe, expected a file; name a file")
    folder = target.parent
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise FormatError(f"cannot write '{shown}': '{folder}' is {found}; make the folder first")
    temporary = folder / f".rhapsode-{secrets.token_hex(6)}.part{target.suffix.lower()}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(
            f"cannot write '{shown}': folder '{folder}' refuses new files ({reason}); "
            "choose a folder that you may write to"
        ) from error
    return temporary


def open_writer(path: str | Path, options: WriteOptions | None = None, **settings: object) -> AtomicWriter:
    """Open ``path`` for writing in parts; see `AtomicWriter`.

    Args:
        path: the target; its extension names the format.
        options: see `WriteOptions`; or give its fields as keywords instead.
        **settings: the fields of `WriteOptions`.

    Example:
        with open_writer("take.csv", fps=30) as out:
            for part in parts:
                out.write(part)

    """
    return AtomicWriter(path, options or WriteOptions.of(settings))


def open_writers(
    paths: Sequence[str | Path], options: WriteOptions | None = None, **settings: object
) -> WriterSet:
    """Open several files for the same performance, all of which appear or none; see `WriterSet`."""
    return WriterSet(paths, options or WriteOptions.of(settings))


def save(performance: Performance, path: str | Path, **options: object) -> Path:
    """Write ``performance`` to ``path`` in the format that its extension names.

    Args:
        performance: the whole of it.
        path: the target; an existing file is replaced, and only by a complete one.
        **options: the fields of `WriteOptions`.

    Returns:
        The path.

    Raises:
        FormatError: unknown extension, or the target cannot be written.
        SettingError: unknown option, or one that the format cannot do.

    """
    with AtomicWriter(path, WriteOptions.of(options)) as writer:
        writer.write(performance)
    return Path(path)
