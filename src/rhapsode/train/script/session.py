"""A sitting: prompt after prompt is shown, counted in, recorded, checked and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from rhapsode.audio.meter import Level
from rhapsode.errors import AudioError
from rhapsode.train.script.checks import Check, check, clap_at
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.prompts import Item
from rhapsode.train.script.recorder import Clip, Recorder, SoundClip, SoundRecorder

NEXT, AGAIN, PLAY, STOP = "next", "again", "play", "stop"
KEYS = {" ": NEXT, "\r": NEXT, "\n": NEXT, "r": AGAIN, "p": PLAY, "q": STOP, "\x1b": STOP}
"""What a key means; capitals mean the same."""

KEY_TRIM_S = 0.12
"""The end of a take that is left out: the key is heard there."""

TICK_S = 0.05
_PATIENCE = 4.0
_PATIENCE_S = 8.0

CLAP_TEXT = "clap once in front of the face, then say: pa, pa, pa"
_NO_CLAP = "no clap was heard: clap louder or nearer; r tries again, space goes on without it"


class Keys(Protocol):
    """Where keys come from."""

    def read(self, timeout_s: float) -> str | None:
        """Return the next key, or None if none came within ``timeout_s`` seconds."""


class Screen(Protocol):
    """What the speaker sees."""

    def prompt(self, item: Item, *, number: int, total: int) -> None:
        """Show what is to be said next."""

    def sync(self, text: str) -> None:
        """Show what is to be done for the clap."""

    def count(self, left: int) -> None:
        """Show the count-in: this many beats are left."""

    def recording(self, elapsed_s: float, level: Level) -> None:
        """Show that the take runs, and how loud it is."""

    def verdict(self, checked: Check, *, note: str = "") -> None:
        """Show what is wrong with a take, and wait for what the speaker wants."""

    def playing(self) -> None:
        """Show that a take is played."""

    def kept(self, item: Item, checked: Check) -> None:
        """Show that a take was kept."""


@dataclass
class Summary:
    """What came of a sitting.

    Args:
        recorded: ids of the takes kept, in order.
        warned: those of them that were kept with a problem.
        left: how many of the items asked for are not recorded.
        stopped: whether the speaker stopped before the end.

    """

    recorded: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    left: int = 0
    stopped: bool = False


class _Stopped(Exception):  # noqa: N818
    """The speaker wants to stop."""


class _Recording(NamedTuple):
    """A take as it was recorded: the key that ended it, its sound, the other clips, and a note."""

    asked: str
    sound: SoundClip
    beside: tuple[Clip, ...]
    note: str


class Session:
    """Leads a speaker through items; what is kept is on the disk at once.

    Args:
        items: what to record, in order.
        folder: where to.
        recorder: the microphone.
        screen: what the speaker sees.
        keys: what the speaker presses.
        others: further recorders, such as a camera; each writes its file beside the sound.
        count_in: beats before a take.
        beat_s: their length, in seconds.
        sync: whether the sitting begins and ends with a clap.
        review: wait after every take, not only after one with a problem.
        clock: seconds that never go back.

    """

    def __init__(
        self,
        items: Sequence[Item],
        folder: TakeFolder,
        recorder: SoundRecorder,
        screen: Screen,
        keys: Keys,
        *,
        others: Sequence[Recorder] = (),
        count_in: int = 3,
        beat_s: float = 0.7,
        sync: bool = True,
        review: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items, self._folder, self._screen, self._keys = items, folder, screen, keys
        self._microphone, self._others = recorder, others
        self._recorders: tuple[Recorder, ...] = (recorder, *others)
        self._count_in, self._beat_s = count_in, beat_s
        self._sync, self._review, self._clock = sync, review, clock
        self._sitting = 0

    def run(self) -> Summary:
        """Record until the script is over or the speaker stops.

        Raises:
            AudioError: a device stopped; what was kept until then stays.
            FormatError: the folder refuses a file.

        """
        done = Summary()
        if not self._items:
            return done
        with ExitStack() as stack:
            for recorder in self._recorders:
                stack.callback(recorder.close)
                recorder.open()
            self._sitting = self._folder.sit_down(self._microphone.name)
            try:
                if self._sync:
                    self._clap("start")
                for number, item in enumerate(self._items, start=1):
                    self._screen.prompt(item, number=number, total=len(self._items))
                    self._take(item, done)
            except _Stopped:
                done.stopped = True
            if self._sync and done.recorded:
                with suppress(_Stopped):
                    self._clap("end")
        done.left = len(self._folder.missing(self._items))
        return done

    def _take(self, item: Item, done: Summary) -> None:
        """Record one item until the speaker keeps a take; raise `_Stopped` if that was the last."""
        while True:
            made = self._record(item.expected_s)
            asked, sound = made.asked, made.sound
            if asked == AGAIN:
                continue
            checked = check(sound.samples, sound.sample_rate, lost=sound.lost)
            if checked.problems or self._review or made.note or asked == PLAY:
                asked = self._consider(sound, checked, made.note, play=asked == PLAY)
            if asked == AGAIN:
                continue
            for other, clip in zip(self._others, made.beside, strict=True):
                clip.write(self._folder.path / f"{item.id}{other.suffix}")
            self._folder.keep(item, sound, checked, self._sitting)
            done.recorded.append(item.id)
            if checked.problems:
                done.warned.append(item.id)
            self._screen.kept(item, checked)
            if asked == STOP:
                raise _Stopped
            return

    def _record(self, expected_s: float) -> _Recording:
        """Count in and record until a key comes; raise `_Stopped` for the one that stops."""
        self._counted_in()
        for recorder in self._recorders:
            recorder.begin()
        began, note = self._clock(), ""
        try:
            while (asked := self._key(TICK_S)) is None:
                elapsed = self._clock() - began
                self._screen.recording(elapsed, self._microphone.level())
                if elapsed > _PATIENCE * expected_s + _PATIENCE_S:
                    asked, note = NEXT, f"stopped by itself after {elapsed:.0f} s: no key was pressed"
                    break
            if asked == STOP:
                raise _Stopped
        except BaseException:
            for recorder in self._recorders:
                recorder.drop()
            raise
        sound = self._microphone.end(trim_s=0.0 if note else KEY_TRIM_S)
        return _Recording(asked, sound, tuple(other.end(trim_s=KEY_TRIM_S) for other in self._others), note)

    def _consider(self, clip: SoundClip, checked: Check, note: str, *, play: bool) -> str:
        """Return what the speaker wants with a take: `NEXT` and `STOP` keep it, `AGAIN` does not."""
        while True:
            if play:
                self._screen.playing()
                try:
                    self._microphone.play(clip)
                except AudioError as error:
                    note = str(error)
            self._screen.verdict(checked, note=note)
            asked = self._key(None)
            if asked != PLAY:
                assert asked is not None
                return asked
            play = True

    def _clap(self, where: Literal["start", "end"]) -> None:
        """Record the clap by which sound and face are laid over each other."""
        while True:
            self._screen.sync(CLAP_TEXT)
            made = self._record(3.0)
            if made.asked == AGAIN:
                continue
            heard = clap_at(made.sound.samples, made.sound.sample_rate)
            if heard is not None:
                self._folder.clap(self._sitting, where, made.sound, made.sound.start_s + heard)
                return
            checked = check(made.sound.samples, made.sound.sample_rate)
            asked = self._consider(made.sound, checked, _NO_CLAP, play=False)
            if asked == STOP:
                raise _Stopped
            if asked == NEXT:
                return

    def _counted_in(self) -> None:
        for left in range(self._count_in, 0, -1):
            self._screen.count(left)
            until = self._clock() + self._beat_s
            while (wait := until - self._clock()) > 0:
                asked = self._key(min(wait, TICK_S))
                if asked == STOP:
                    raise _Stopped
                if asked == NEXT:
                    return

    def _key(self, timeout_s: float | None) -> str | None:
        """Return what the next key means; other keys mean nothing. None waits for one."""
        while True:
            pressed = self._keys.read(1.0 if timeout_s is None else timeout_s)
            asked = KEYS.get(pressed.lower()) if pressed else None
            if asked is not None or timeout_s is not None:
                return asked
