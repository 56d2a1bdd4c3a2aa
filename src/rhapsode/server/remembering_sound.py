"""The sound of a conversation's turns, gathered while it goes on."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from rhapsode.conversation.events import (
    Answered,
    Asked,
    Event,
    SpeakingStarted,
    SpeechStarted,
    SpeechStopped,
)
from rhapsode.dialogue.log.following import ConversationLog
from rhapsode.live.items import Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Float32

BEFORE_S, AFTER_S = 0.3, 0.3
"""So much sound is kept before speech and behind it."""

WAITING_S, LONGEST_S = 5.0, 300.0
"""Sound of a microphone that waits for speech to be noticed, and the longest that is kept of a turn."""

PAUSE_S = 4.0
"""Speech that follows so soon on other speech belongs to the same question."""


class Ears:
    """Sound of a microphone, from before somebody speaks until a question is complete.

    Attributes:
        ended: the loop's time at which speech ended; None while it goes on.

    """

    def __init__(self) -> None:
        self._chunks: deque[tuple[float, Float32]] = deque()  # when each began
        self._rate, self._seconds = 16_000, 0.0
        self._start: float | None = None
        self.ended: float | None = None

    def hear(self, chunk: Float32, sample_rate: int, now: float) -> None:
        """Take sound, (n,) or (n, channels), whose last sample came in at the loop's time ``now``."""
        if sample_rate != self._rate:
            self._chunks.clear()
            self._rate, self._seconds = sample_rate, 0.0
        mono = chunk if chunk.ndim == 1 else chunk.mean(axis=1, dtype=np.float32)
        seconds = len(mono) / sample_rate
        self._chunks.append((now - seconds, mono.copy()))
        self._seconds += seconds
        longest = WAITING_S if self._start is None else LONGEST_S
        while self._seconds > longest:
            self._seconds -= len(self._chunks.popleft()[1]) / sample_rate

    def began(self, at: float) -> None:
        """Take notice that somebody speaks from the loop's time ``at`` on."""
        if self._start is None or (self.ended is not None and at - self.ended > PAUSE_S):
            self._start = at
        self.ended = None

    def take(self) -> tuple[Float32, int]:
        """Return the sound of the question, (n,), and its rate."""
        first = -np.inf if self._start is None else self._start - BEFORE_S
        last = np.inf if self.ended is None else self.ended + AFTER_S
        parts = [y for at, y in self._chunks if at + len(y) / self._rate > first and at < last]
        self._chunks.clear()
        self._seconds, self._start, self.ended = 0.0, None, None
        return np.concatenate([np.zeros(0, np.float32), *parts]), self._rate


class Mouth:
    """Sound of the newest answer, as one of the session's outlets.

    Args:
        session: that speaks.

    Attributes:
        generation: of the answer under way; None between answers.

    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._attached = False
        self._items: list[SoundItem] = []
        self.generation: int | None = None

    def listen(self, on: bool) -> None:
        """Begin or end gathering."""
        if on and not self._attached:
            self._session.attach(self)
        elif not on:
            self.close()
        self._attached = on

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, SoundItem):
            if self._items and self._items[0].generation != item.generation:
                self._items = [one for one in self._items if one.generation == self.generation]
            self._items.append(item)

    def interrupted(self, generation: int) -> None:
        """Take no notice: what follows tells."""

    def take(self, now: float, *, cut: bool) -> tuple[Float32, int]:
        """Return the sound, (n,), and its rate; where it is ``cut`` what was heard by now."""
        items = [one for one in self._items if one.generation == self.generation]
        self._items = [one for one in self._items if one.generation != self.generation]
        self.generation = None
        if not items:
            return np.zeros(0, np.float32), 16_000
        rate = items[0].sample_rate
        y = np.concatenate([one.samples for one in items if one.sample_rate == rate])
        if cut:
            heard_s = (self._session.timeline.sample_at(now) - items[0].start) / CLOCK_HZ
            y = y[: max(round(heard_s * rate), 0)]
        return y[: round(LONGEST_S * rate)], rate

    def close(self) -> None:
        """Gather nothing more."""
        if self._attached:
            self._session.detach(self)
            self._attached = False


class TurnSounds:
    """Gives a conversation's log the sound of its turns: what was asked, and what was heard of the answers.

    Args:
        session: that converses.

    """

    def __init__(self, session: Session) -> None:
        self._ears, self._mouth = Ears(), Mouth(session)

    def listen(self, on: bool) -> None:
        """Begin or end gathering what the session speaks."""
        self._mouth.listen(on)

    def hear(self, chunk: Float32, sample_rate: int) -> None:
        """Take sound of the microphone, (n,) or (n, channels), whose last sample comes in now."""
        self._ears.hear(chunk, sample_rate, asyncio.get_running_loop().time())

    def take(self, kept: ConversationLog, event: Event) -> None:
        """Take notice of an event, which ``kept`` knows already; add the sound of a turn that is whole."""
        if isinstance(event, SpeechStarted):
            self._ears.began(event.at)
        elif isinstance(event, SpeechStopped):
            self._ears.ended = event.at
        elif isinstance(event, Asked) and event.spoken:
            kept.add_sound(event.turn, "user", *self._ears.take())
        elif isinstance(event, SpeakingStarted):
            self._mouth.generation = event.generation
        elif isinstance(event, Answered):
            now = asyncio.get_running_loop().time()
            kept.add_sound(event.turn, "assistant", *self._mouth.take(now, cut=event.interrupted))

    def close(self) -> None:
        """Gather nothing more."""
        self._mouth.close()
