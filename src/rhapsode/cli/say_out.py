"""Where ``rhapsode say`` speaks to: files, or a live performance."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhapsode.errors import AudioError, FormatError
from rhapsode.live.behaviour.acting import Acting
from rhapsode.live.behaviour.gestures import GESTURES
from rhapsode.performance import CLOCK_HZ, Curves, Performance, Sound, Words

if TYPE_CHECKING:
    from rhapsode.cli.say_spoken import Slice, Speaking
    from rhapsode.face.direction import Direction
    from rhapsode.face.stream import FaceStream
    from rhapsode.live.asked import Speech
    from rhapsode.live.engine import Block
    from rhapsode.live.session import Session
    from rhapsode.settings import Perform

Note = Callable[[str], None]


def write_files(
    speaking: Speaking,
    paths: Sequence[Path],
    direction: Direction,
    *,
    gestures: bool,
    note: Note,
    **options: Any,
) -> float:
    """Speak into files, all of which appear, or none; return the seconds that were spoken.

    Args:
        speaking: what to say.
        paths: of the files; the extension names the format. ``.flac`` holds the sound alone.
        direction: how the face plays.
        gestures: whether it makes those that are marked.
        note: told what a person should know.
        options: of the files, see `rhapsode.formats.WriteOptions`.

    Raises:
        InputError: the text, a file or an option cannot be used.

    """
    from rhapsode.formats import open_writers

    flacs = [path for path in paths if path.suffix.lower() == ".flac"]
    others = [path for path in paths if path not in flacs]
    sounds: list[Sound] = []
    with open_writers(others, **options) as writers:
        acting = Acting(seed=direction.seed) if gestures and speaking.gestures else None
        for part in _performed(speaking, direction, acting, note):
            if others:
                writers.write(part)
            if part.sound is not None:
                sounds.append(part.sound)
        for path in flacs:
            _write_flac(path, sounds)
    return sum(sound.duration_s for sound in sounds)


def _performed(
    speaking: Speaking, direction: Direction, acting: Acting | None, note: Note
) -> Iterator[Performance]:
    """Yield what is spoken with its face, slice by slice."""
    from rhapsode.face.stream import FaceStream

    face: FaceStream | None = None
    told: set[str] = set()
    for one in _to_the_end(speaking, acting):
        for line in set(one.notes) - told:
            told.add(line)
            note(line)
        face = face or FaceStream(one.sound.sample_rate, direction=direction)
        for felt in one.feelings:
            face.feel(felt if felt is not None else direction.emotion or "")
        begin_s = float(one.sound.start / CLOCK_HZ)
        face.words(one.words, begin_s=begin_s, end_s=begin_s + one.sound.duration_s)
        yield _part(face, face.push(one.sound.samples), acting, one.sound, one.words)
    if face is not None:
        yield _part(face, face.finish(), acting)


def _part(
    face: FaceStream,
    curves: Curves,
    acting: Acting | None,
    sound: Sound | None = None,
    words: Words | None = None,
) -> Performance:
    motion = None
    if acting is not None:
        curves, motion = acting.push(curves)
    meta = {"source": "text"}
    return Performance(curves, sound, words or Words(), face.emotion, motion, meta=meta, heard=face.heard)


def _to_the_end(speaking: Speaking, acting: Acting | None) -> Iterator[Slice]:
    """Yield what is spoken, and silence until the last gesture is over."""
    for one in speaking.slices():
        if acting is not None:
            acting.hear(one.sound)
            for name, at_s in one.gestures:
                if name in GESTURES:
                    acting.gesture(name, at_s)
        yield one
    while acting is not None and acting.acts:
        yield speaking.silence(0.1)


def _write_flac(path: Path, sounds: Sequence[Sound]) -> None:
    import soundfile

    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    samples = np.concatenate([sound.samples for sound in sounds])
    try:
        soundfile.write(aside, np.clip(samples, -1, 1), sounds[0].sample_rate, "PCM_16", format="FLAC")
        os.replace(aside, path)
    except (OSError, soundfile.SoundFileError) as error:
        raise FormatError(f"cannot write '{path}' ({error}); name a file in a folder of yours") from None
    finally:
        with suppress(OSError):
            aside.unlink()


class SaidLive:
    """Speaks in real time, with feelings and gestures where they are marked; a live source.

    Args:
        speaking: what to say.
        perform: how it behaves.
        note: told what a person should know.

    """

    def __init__(self, speaking: Speaking, perform: Perform, note: Note) -> None:
        self._speaking, self._perform, self._note = speaking, perform, note
        self._slices: dict[int, Slice] = {}

    async def run(self, session: Session) -> None:
        """Speak.

        Raises:
            AudioError: it could not be spoken to its end.

        """
        from rhapsode.live.asked import Speech
        from rhapsode.live.behaviour import Behaviour
        from rhapsode.live.sources.source import Ending

        base, behaviour, told = (
            session.direction.emotion,
            Behaviour(session, settings=self._perform),
            set[str](),
        )

        def comes(block: Block, at: int) -> None:
            one = self._slices.pop(id(block[0]))
            for felt in one.feelings:
                feelings = felt if felt is not None else base or ""
                session.direct(replace(session.direction, emotion=feelings))
            for name, seconds in one.gestures:
                if self._perform.gestures and name in behaviour.gestures:
                    behaviour.gesture(name, at=at + round(seconds * CLOCK_HZ - one.sound.start))
            for line in set(one.notes) - told:
                told.add(line)
                self._note(line)

        try:
            asked: Speech = Speech(self._speaking.text, "text", self._blocks, comes)
            session.perform(asked)
            fault = await Ending().wait(session)
        finally:
            behaviour.close()
        if fault is not None:
            raise AudioError(fault.message)

    def _blocks(self) -> Iterator[Block]:
        for one in self._speaking.slices():
            self._slices[id(one.sound)] = one
            yield one.sound, one.words
