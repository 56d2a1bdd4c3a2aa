"""When the person speaks, pauses, is done, and interrupts: voice activity and turn ends.

Times are counted in samples of the microphone, so that a recording gives the same turns at any speed.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, GlimpseFrame, MicrophoneFrame, PauseFrame, TurnEndFrame
from rhapsode.pipecat.utterance import RATE, WINDOW, Utterance
from rhapsode.settings import Hear

START_S = 0.16
"""So much voice in a row is speech."""

PAUSE_S = 0.2
"""After so much silence it is asked whether the turn is over; Smart Turn is made for it."""

BARGE_S = 0.4
"""So much voice interrupts an answer; a cough or an "mm-hm" is shorter."""

RESUME_S = 0.064
"""So much voice within a pause is speech again."""

GLIMPSE_S = 1.2
"""How often words are shown while they are spoken."""

LONG_S, LONGEST_S = 22.0, 27.0
"""A turn this long is recognised up to its next pause, or to where it is, and goes on."""

OPENS, CLOSES = 0.5, 0.35
"""Certainty of a voice from which it is one, and below which it is none any more."""


class Activity(Protocol):
    """Tells how certain it is of a voice, window by window; see `rhapsode.audio.vad.SileroVad`."""

    def push(self, y: Float32) -> Float32:
        """Take samples (n,) at 16 kHz; return the certainty of each window of 512 completed."""


class Completeness(Protocol):
    """Tells whether a turn is over."""

    async def complete(self, audio: bytes) -> bool:
        """Judge 16-bit sound at 16 kHz of the turn so far, which ends with a pause."""


@dataclass(frozen=True)
class Told:
    """What `TurnTaking` tells, at once.

    Args:
        started: somebody speaks since a time.
        taken: the person has the turn; whoever else speaks falls silent.
        paused: the person pauses.
        stopped: the speech ended at a time; whether it was a turn, or said while the answer went on.
        silent: a turn was to end by a button, and nobody had spoken.
        level: of the sound, decibels below full scale, at a time; every 32 ms.

    """

    started: Callable[[float], None] = lambda at: None
    taken: Callable[[], None] = lambda: None
    paused: Callable[[], None] = lambda: None
    stopped: Callable[[float, bool], None] = lambda at, turn: None
    silent: Callable[[], None] = lambda: None
    level: Callable[[float, float], None] = lambda db, at: None


class TurnTaking(FrameProcessor):
    """Follows the microphone; tells of speech, pauses and turns, and interrupts.

    Args:
        activity: of a voice.
        completeness: of a turn.
        hear: returns the settings in force.
        busy: returns what the digital human does now.
        told: what to tell.

    """

    def __init__(
        self,
        activity: Activity,
        completeness: Completeness,
        *,
        hear: Callable[[], Hear],
        busy: Callable[[], Literal["idle", "thinking", "speaking"]],
        told: Told,
    ) -> None:
        super().__init__(name="TurnTaking")
        self._activity, self._completeness = activity, completeness
        self._hear, self._busy, self._told = hear, busy, told
        self._speech = Utterance()
        self._waiting: Float32 = np.zeros(0, np.float32)
        self._judging: asyncio.Task[None] | None = None
        self._number = 0
        self._turn = False  # the person has the turn: nobody else speaks
        self._asked: int | None = None  # the pause that was told last, while it lasts
        self._glimpsed = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._listen(frame)
        elif isinstance(frame, EndTurnFrame):
            await self._finish_now()
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._stop_judging()

    async def cleanup(self) -> None:
        """Leave nothing running."""
        await super().cleanup()
        await self._stop_judging()

    async def _listen(self, frame: InputAudioRawFrame) -> None:
        arrived = frame.arrived if isinstance(frame, MicrophoneFrame) else None
        now = asyncio.get_running_loop().time() if arrived is None else arrived
        y = np.frombuffer(frame.audio, np.int16).astype(np.float32) / np.float32(32768)
        if isinstance(frame, MicrophoneFrame) and frame.again:
            self._waiting = self._speech.take_back(frame.again // WINDOW, self._waiting)
        waiting = np.concatenate([self._waiting, y])
        certain = self._activity.push(y)
        windows = len(waiting) // WINDOW
        assert len(certain) == windows, "the activity is judged window by window"
        for k in range(windows):
            left = len(waiting) - (k + 1) * WINDOW
            await self._window(waiting[k * WINDOW : (k + 1) * WINDOW], float(certain[k]), now - left / RATE)
        self._waiting = waiting[windows * WINDOW :]

    async def _window(self, y: Float32, certain: float, now: float) -> None:
        speech, hear = self._speech, self._hear()
        self._told.level(float(10 * np.log10(np.mean(np.square(y)) + 1e-10)), now)
        if not speech.on and not hear.interruptible and self._busy() == "speaking":
            speech.forget()
            return
        speech.push(y, certain >= (CLOSES if speech.on else OPENS), now)
        if not speech.on:
            if speech.run_s >= START_S:
                await self._begin(now)
            return
        if not self._turn and speech.voiced_s >= BARGE_S:
            await self._take_turn()
        if self._asked is not None and speech.run_s >= RESUME_S:
            await self._resume(now)
        if self._asked is None and speech.silent_s >= PAUSE_S:
            await self._pause(now)
        elif self._asked is not None and hear.turn != "push" and speech.silent_s >= hear.silence_s:
            await self._end(now)
        elif speech.seconds >= LONGEST_S:
            await self._segment()
        elif hear.partials and self._asked is None and speech.seconds_since(self._glimpsed) >= GLIMPSE_S:
            self._glimpsed = speech.samples
            await self.push_frame(GlimpseFrame(audio=speech.audio()))

    async def _begin(self, now: float) -> None:
        self._speech.begin()
        self._glimpsed, self._asked = 0, None
        self._told.started(self._speech.began_at)
        await self.broadcast_frame(VADUserStartedSpeakingFrame, start_secs=START_S)
        if self._busy() != "speaking":
            await self._take_turn()

    async def _take_turn(self) -> None:
        """Nobody else speaks from now on."""
        self._turn, busy = True, self._busy()
        self._told.taken()
        await self.broadcast_frame(UserStartedSpeakingFrame)
        if busy != "idle":
            await self.broadcast_interruption()

    async def _resume(self, now: float) -> None:
        """It was only a pause."""
        self._asked = None
        await self._stop_judging()
        await self.broadcast_frame(VADUserStartedSpeakingFrame, start_secs=RESUME_S)

    async def _pause(self, now: float) -> None:
        speech = self._speech
        long = self._turn and speech.seconds >= LONG_S
        audio = speech.audio()
        self._number += 1
        self._asked = self._number
        self._told.paused()
        await self.push_frame(PauseFrame(audio=audio, number=self._number, segment=long))
        await self.broadcast_frame(VADUserStoppedSpeakingFrame, stop_secs=PAUSE_S)
        if long:
            speech.cut()
            self._glimpsed = 0
        if self._hear().turn == "smart":
            self._judging = self.create_task(self._judge(audio, self._number))

    async def _judge(self, audio: bytes, number: int) -> None:
        if await self._completeness.complete(audio) and self._asked == number:
            self._judging = None
            await self._end(asyncio.get_running_loop().time())

    async def _segment(self) -> None:
        """Let what was said so far be recognised: nobody pauses."""
        self._number += 1
        await self.push_frame(PauseFrame(audio=self._speech.audio(), number=self._number, segment=True))
        self._speech.cut()
        self._glimpsed = 0

    async def _finish_now(self) -> None:
        if not self._speech.on:
            self._speech.forget()
            self._told.silent()
            return
        now = asyncio.get_running_loop().time()
        if self._asked is None:
            self._number += 1
            self._asked = self._number
            await self.push_frame(PauseFrame(audio=self._speech.audio(), number=self._number))
            await self.broadcast_frame(VADUserStoppedSpeakingFrame, stop_secs=0.0)
        await self._end(now)

    async def _end(self, now: float) -> None:
        number, turn, ended = self._asked, self._turn, self._speech.ended_at
        assert number is not None, "a turn ends with a pause"
        await self._stop_judging()
        self._speech = Utterance()
        self._turn, self._asked = False, None
        self._told.stopped(ended, turn)
        await self.push_frame(
            TurnEndFrame(number=number, ended_at=ended, decided_at=max(now, ended), aside=not turn)
        )
        if turn:
            await self.broadcast_frame(UserStoppedSpeakingFrame)

    async def _stop_judging(self) -> None:
        task, self._judging = self._judging, None
        if task is not None and task is not asyncio.current_task():
            await self.cancel_task(task)
