"""What a sink shows and plays at a moment: items go in as they come, moments come out as they are due.

The sound is the master. It is given without a gap and never stretched: where it is late the picture waits for
it, where nothing is heard the delay is made good. A sink without sound follows the timeline itself.
No I/O, no waiting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from rhapsode.audio.underlay import SOON_S, Underlay
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import CurvesItem, Item, SoundItem
from rhapsode.live.motion import Bones, between
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.protocols.frame import REST, FaceFrame

FADE_S = 0.08
"""Time over which the face shown before an interruption becomes the one after it."""

CUSHION_S = 0.08
"""How much later than due a sink with sound is served: what the jitter of a microphone may be."""

CATCH_UP_S = 0.03
"""A delay greater than this is made good where nothing is heard."""

NEAR_S = 0.2
"""A curve frame that is due so soon is shown already where there is none before it."""

QUIET = 10 ** (-50 / 20)
"""Sound below it may be left out or made longer (-50 dBFS)."""

KEPT_S = 25.0
"""Items of more than so long are never kept, the oldest go. Speech is made 10 s ahead, and a sink may be
served 10 s late."""

_FALL, _SOON = SAMPLE_RATE // 200, round(SOON_S * SAMPLE_RATE)
_PER_CLOCK = SAMPLE_RATE / CLOCK_HZ


@dataclass(frozen=True, eq=False)
class _Shown:
    sample: int
    values: Float32
    item: CurvesItem


class Playout:
    """Holds what is not shown yet.

    Args:
        timeline: of the session.

    Attributes:
        dropped: curve frames that were never shown because they came or were asked for too late.

    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._frames: deque[_Shown] = deque()
        self._sounds: deque[tuple[int, Float32]] = deque()  # first sample at SAMPLE_RATE, samples
        self._cursor: int | None = None  # next sample at SAMPLE_RATE that is heard
        self._last = REST.values
        self._bones: Bones = {}  # shown last
        self._fade_from: tuple[Float32, Bones] | None = None
        self._fade_at: float | None = None
        self._falling: Float32 = np.zeros(0, np.float32)
        self._underlay = Underlay(SAMPLE_RATE)
        self.dropped = 0

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, CurvesItem):
            for k, values in enumerate(item.values):
                self._frames.append(_Shown(item.start + k * HOP, values, item))
            while self._frames and self._frames[-1].sample - self._frames[0].sample > KEPT_S * CLOCK_HZ:
                self._frames.popleft()
                self.dropped += 1
        elif isinstance(item, SoundItem):
            assert item.sample_rate == SAMPLE_RATE, "sessions give sound at one rate"
            first = round(item.start * _PER_CLOCK)
            self._sounds.append((first, item.samples))
            oldest = first + len(item.samples) - KEPT_S * SAMPLE_RATE
            while self._sounds and self._sounds[0][0] + len(self._sounds[0][1]) < oldest:
                self._sounds.popleft()

    def rejoin(self) -> None:
        """Go on with what is due now: nobody was there to see and hear what is past."""
        self._cursor = None

    def interrupted(self) -> None:
        """Forget everything; what comes next fades in."""
        if self._cursor is not None:  # a few milliseconds of falling sound: a stop does not click
            self._falling = self._take(self._cursor, _FALL) * np.linspace(1, 0, _FALL, dtype=np.float32)
        self._frames.clear()
        self._sounds.clear()
        self._cursor = None
        self._fade_from, self._fade_at = (self._last, self._bones), None

    def next_due(self) -> float | None:
        """Return when the oldest curve frame that waits is due; None if none waits."""
        return self._timeline.time_of(self._frames[0].sample) if self._frames else None

    def follow(self, now: float) -> tuple[FaceFrame, float | None] | None:
        """Return the newest curve frame that is due at ``now``, with when its sound came in; None if none is.

        Older ones that are due as well are dropped.
        """
        due: _Shown | None = None
        while self._frames and self._timeline.time_of(self._frames[0].sample) <= now + 1e-6:
            self.dropped += due is not None
            due = self._frames.popleft()
        if due is None:
            return None
        shown = self._shown(due.sample, due.values, due.item.bones, due.item, now)
        return shown, due.item.sound_at

    def face_at(self, now: float) -> tuple[FaceFrame, float | None]:
        """Return the face that is due at ``now``, with when its sound came in, where it came from outside.

        It lies between two curve frames where the moment does.
        """
        face = self._face(self._timeline.sample_at(now), now)
        return face, self._frames[0].item.sound_at if self._frames else None

    def moment(self, now: float, count: int) -> tuple[FaceFrame, Float32]:
        """Return the face at ``now`` and the next ``count`` samples at `SAMPLE_RATE` that begin with it.

        Consecutive calls give consecutive sound, with the background that runs along the timeline.
        """
        face, heard = self._moment(now, count)
        if fall := min(len(self._falling), count):
            heard[:fall] += self._falling[:fall]
            self._falling = self._falling[fall:]
        bed = self._timeline.bed
        soon = bed is not None and self._cursor is not None and self._loud(self._cursor, _SOON)
        return face, self._underlay.mix(heard, now - CUSHION_S, bed, soon=soon)

    def _moment(self, now: float, count: int) -> tuple[FaceFrame, Float32]:
        """Return the same without background."""
        if self._cursor is None and not self._frames:  # nothing has begun: the timeline says nothing yet
            return FaceFrame(0, self._last, bones=self._bones), np.zeros(count, np.float32)
        wanted = round(self._timeline.sample_at(now - CUSHION_S) * _PER_CLOCK)
        cursor = wanted if self._cursor is None else self._cursor
        if cursor - wanted > KEPT_S * SAMPLE_RATE:  # the timeline was set back
            cursor = wanted
        if wanted - cursor > CATCH_UP_S * SAMPLE_RATE and not self._loud(cursor, count):
            cursor = max(min(self._skip_to(cursor, wanted), self._known), cursor)
        ready = min(max(self._known - cursor, 0), count)
        if cursor - wanted > CATCH_UP_S * SAMPLE_RATE and not self._loud(cursor, count):
            ready = 0  # silence is made longer until the timeline has come as far
        face = self._face(cursor / _PER_CLOCK, now)
        heard = np.zeros(count, np.float32)
        heard[:ready] = self._take(cursor, ready)
        self._cursor = cursor + ready
        return face, heard

    @property
    def _known(self) -> int:
        """The sample at `SAMPLE_RATE` up to which curves are there, and so their sound."""
        return round((self._frames[-1].sample + HOP) * _PER_CLOCK) if self._frames else 0

    def _loud(self, cursor: int, count: int) -> bool:
        """Tell whether anything is heard in the ``count`` samples from ``cursor`` on."""
        return any(
            bool(np.abs(samples[max(cursor - first, 0) : cursor + count - first]).max(initial=0) > QUIET)
            for first, samples in self._sounds
            if first < cursor + count and first + len(samples) > cursor
        )

    def _skip_to(self, cursor: int, wanted: int) -> int:
        """Return where to go on: at ``wanted``, or before the first that is heard between here and there."""
        for first, samples in self._sounds:
            if first >= wanted:
                break
            if first + len(samples) > cursor and np.abs(samples).max(initial=0) > QUIET:
                return max(first, cursor)
        return wanted

    def _take(self, cursor: int, count: int) -> Float32:
        """Return ``count`` samples from ``cursor`` on, silent where there are none."""
        made = np.zeros(count, np.float32)
        while self._sounds and self._sounds[0][0] + len(self._sounds[0][1]) <= cursor:
            self._sounds.popleft()
        for first, samples in self._sounds:
            if first >= cursor + count:
                break
            begin, end = max(first, cursor), min(first + len(samples), cursor + count)
            made[begin - cursor : end - cursor] = samples[begin - first : end - first]
        return made

    def _face(self, sample: float, now: float) -> FaceFrame:
        while len(self._frames) > 1 and self._frames[1].sample <= sample:
            self._frames.popleft()
        if not self._frames or self._frames[0].sample > sample + NEAR_S * CLOCK_HZ:
            return FaceFrame(round(sample), self._last, bones=self._bones)
        here = self._frames[0]
        values, bones = here.values, here.item.bones
        if len(self._frames) > 1 and here.sample < sample:
            after = self._frames[1]
            share = (sample - here.sample) / (after.sample - here.sample)
            values = here.values + (after.values - here.values) * np.float32(share)
            bones = between(bones, after.item.bones, share)
        return self._shown(round(sample), values, bones, here.item, now)

    def _shown(self, sample: int, values: Float32, bones: Bones, item: CurvesItem, now: float) -> FaceFrame:
        if self._fade_from is not None:
            self._fade_at = now if self._fade_at is None else self._fade_at
            share = min((now - self._fade_at) / FADE_S, 1.0)
            face, body = self._fade_from
            values = face * np.float32(1 - share) + values * np.float32(share)
            bones = between(body, bones, share)
            if share >= 1:
                self._fade_from = None
        self._last, self._bones = values, bones
        return FaceFrame(sample, values, bones=bones, head_position=item.head_position)
