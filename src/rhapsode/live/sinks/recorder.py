"""Records a live session into a file of any format that is written, exactly as it was due: face, body, sound.

What is shown and heard goes into a queue; a thread writes it. A format that takes longer than the
performance, as a video may, loses nothing: what waits is written when the recording ends. An hour that waits
takes some 220 MB of memory.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import SplitResult
from urllib.request import url2pathname

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import FormatError, RhapsodeError, SettingError
from rhapsode.formats import open_writers
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.registry import format_of
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.motion import Bones, Pose, between
from rhapsode.live.sinks.picture import picture_options, stand_back
from rhapsode.performance import CURVE_HZ, HOP, Curves, Float32, Performance, Sound
from rhapsode.protocols.frame import REST, FaceFrame
from rhapsode.rigs import FACE

READY_S = 5.0
"""How long `Recorder.open` waits for the file to be ready; one that takes longer is recorded all the same."""

PART = CURVE_HZ
"""Curve frames that are written at a time."""

LOOK_S = 1.0
"""How often the writing thread looks whether the program still lives."""

_PER_HOP = SAMPLE_RATE // CURVE_HZ
_FULL = 32767


class Recorder:
    """Records into ``file:///folder/take.mp4``, or ``file:take.mp4`` from the folder one is in.

    The file appears when the recording ends, complete, or not at all. One that goes on after an interruption
    of the machine goes on in a second file, ``take-2.mp4``.

    Args:
        address: the path, percent-encoded where it must be; its extension names the format.
        query: avatar, size, camera and background of a video, rig of curves.

    Raises:
        FormatError: no format has that extension.
        SettingError: an option is out of range, or the path is none of this machine.

    """

    rate_hz: Fraction | None = Fraction(CURVE_HZ)
    wants_sound = True

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        if address.netloc not in ("", "localhost"):
            raise SettingError(
                f"a file must be one of this machine, got host '{address.netloc}'; "
                "write file:///folder/take.mp4 or file:take.mp4"
            )
        self._path = Path(url2pathname(address.path))
        if not self._path.name:
            raise SettingError("a recording needs a path, got none; write file:///folder/take.mp4")
        format_of(self._path)
        more = {"rig": query["rig"]} if query.get("rig") else {}
        self._options = picture_options(address, query, **more)
        self._writing: _Writing | None = None
        self._frame = REST

    async def open(self) -> None:
        """Begin a file.

        Raises:
            RhapsodeError: it cannot be written, or the avatar not be loaded.

        """
        path = self._path
        if self._writing is not None:
            path = _free(path)
        self._writing = _Writing(path, self._options)
        await self._writing.begun(READY_S)

    async def show(self, frame: FaceFrame) -> None:
        """Keep ``frame`` for the sound that begins with it."""
        self._frame = frame

    async def hear(self, samples: Float32) -> None:
        """Record the face shown last and the sound that begins with it."""
        assert self._writing is not None, "open comes first"
        self._writing.push(self._frame, samples)

    async def flush(self) -> None:
        """Do nothing: what was shown and heard was recorded, the rest never comes."""

    async def close(self) -> None:
        """Write what waits and complete the file; it is completed even if nobody waits for it.

        Raises:
            RhapsodeError: it could not be written; no file is left.

        """
        if self._writing is not None:
            await self._writing.end()


@dataclass(frozen=True, eq=False)
class _Moment:
    values: Float32
    bones: Bones
    sound: NDArray[np.int16]


class _Writing:
    """A file that is written in a thread of its own."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path, self._options = path, options
        self._queue: queue.SimpleQueue[_Moment | None] = queue.SimpleQueue()
        self._ready: Future[None] = Future()
        self._done: Future[None] = Future()
        self._told = False  # what went wrong
        threading.Thread(target=self._run, name="rhapsode-record").start()

    async def begun(self, limit_s: float) -> None:
        ready = asyncio.wrap_future(self._ready)
        await asyncio.wait([ready], timeout=limit_s)
        if ready.done():
            self._told = ready.exception() is not None
            ready.result()

    def push(self, frame: FaceFrame, samples: Float32) -> None:
        if self._done.done():
            self._told = True
            self._done.result()
        clean = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        sound = np.round(clean.clip(-1.0, 1.0) * _FULL).astype(np.int16)
        self._queue.put(_Moment(np.nan_to_num(frame.values, posinf=0.0, neginf=0.0), frame.bones, sound))

    async def end(self) -> None:
        """Return once the file is complete; what went wrong is told once."""
        self._queue.put(None)
        await asyncio.wait([done := asyncio.wrap_future(self._done)])
        if not self._told:
            self._told = True
            done.result()

    def _run(self) -> None:
        try:
            self._write()
            self._done.set_result(None)
        except RhapsodeError as error:
            self._fail(error)
        except OSError as error:
            reason = error.strerror or error
            self._fail(
                FormatError(
                    f"cannot write '{self._path}' ({reason}); free some space or choose another folder"
                )
            )
        except Exception as error:  # a fault of our own must not be taken for a recording
            self._fail(
                FormatError(f"cannot write '{self._path}' ({type(error).__name__}: {error}); report it")
            )

    def _fail(self, error: RhapsodeError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
        self._done.set_exception(error)

    def _write(self) -> None:
        stand_back()
        with open_writers([self._path], self._options) as out:
            self._ready.set_result(None)
            grid = _Grid()
            while (moment := self._next()) is not None:
                grid.push(moment)
                if grid.ready >= PART:
                    out.write(grid.take())
            grid.finish()
            if not grid.given and not grid.ready:
                raise FormatError(f"nothing was recorded for '{self._path}'; let it run a little longer")
            out.write(grid.take())

    def _next(self) -> _Moment | None:
        """Return what comes next; None at the end, also where the program ended without telling."""
        while True:
            try:
                return self._queue.get(timeout=LOOK_S)
            except queue.Empty:
                if not threading.main_thread().is_alive():
                    return None


class _Grid:
    """Puts moments on the 50 Hz grid of the sound: those between two that were shown lie between them."""

    def __init__(self) -> None:
        self._rows: list[Float32] = []
        self._pose = Pose()
        self._sound: list[NDArray[np.int16]] = []
        self._last: tuple[int, _Moment] | None = None  # sample at SAMPLE_RATE, what was shown there
        self._heard = 0
        self.given = self.sounded = 0  # curve frames and sound samples that were taken

    @property
    def ready(self) -> int:
        """Curve frames that can be taken."""
        return len(self._rows)

    def push(self, moment: _Moment) -> None:
        """Take the moment that begins where the sound has come to."""
        at = self._heard
        while (due := (self.given + len(self._rows)) * _PER_HOP) <= at:
            if self._last is None or due == at:
                self._add(moment.values, moment.bones)
            else:
                here, last = self._last
                share = (due - here) / (at - here)
                values = last.values + (moment.values - last.values) * np.float32(share)
                self._add(values, between(last.bones, moment.bones, share))
        self._last = at, moment
        self._heard += len(moment.sound)
        self._sound.append(moment.sound)

    def finish(self) -> None:
        """Let the last face stay until the sound ends."""
        while self._last is not None and (self.given + len(self._rows)) * _PER_HOP < self._heard:
            self._add(self._last[1].values, self._last[1].bones)

    def _add(self, values: Float32, bones: Bones) -> None:
        self._rows.append(values)
        self._pose.push(bones)

    def take(self) -> Performance:
        """Return what is ready; the sound may be longer than the face."""
        values = np.array(self._rows, np.float32).reshape(-1, len(FACE))
        samples = np.concatenate([np.zeros(0, np.int16), *self._sound])
        face = Curves(FACE.channels, values, start=Fraction(self.given * HOP))
        start = Fraction(self.sounded * HOP, _PER_HOP)
        self.given += len(values)
        self.sounded += len(samples)
        self._rows, self._sound = [], []
        sound = Sound(samples.astype(np.float32) / np.float32(_FULL), SAMPLE_RATE, start)
        return Performance(face, sound, motion=self._pose.take())


def _free(path: Path) -> Path:
    """Return ``path`` with the first number behind its name that no file has yet."""
    number = 2
    while (other := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return other
