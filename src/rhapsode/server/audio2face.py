"""NVIDIA Audio2Face-3D's service, played by the engine of this product: sound in, weights and sound out.

Each stream has a face of its own; the work is done in a pool of threads, half a second of sound at a time, so
that streams take turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

from rhapsode.errors import PacketError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion
from rhapsode.face.stream import FaceStream
from rhapsode.live.sources.audio2face_line import Line
from rhapsode.protocols.audio2face import End, Header, Part, directed, told
from rhapsode.protocols.audio2face_answer import AnswerStream, header, processed, success
from rhapsode.protocols.audio2face_emotion import Score

PIECE_S = 0.5
"""Sound that is worked on at a time, seconds."""

_T = TypeVar("_T")


class Performer:
    """One stream's face: its sound in, answers out. It is the same for every way of cutting.

    Args:
        head: the stream's header.
        direction: how to play where the header does not say.

    """

    def __init__(self, head: Header, direction: Direction) -> None:
        self._sound, self._score, self._heard = head.sound, Score(head.feeling), 0
        self._face = FaceStream(head.sound.sample_rate, direction=directed(direction, head))
        self._answers = AnswerStream(head.sound)

    def feel(self, emotions: Mapping[float, Emotion]) -> None:
        """Take emotions and the seconds from which on they are felt.

        Raises:
            PacketError: too many lie ahead.

        """
        self._score.add(emotions, self._heard / self._sound.sample_rate)
        self._face.feel(self._score.felt())
        self._answers.feel(emotions)

    def push(self, sound: bytes) -> list[bytes]:
        """Take whole samples; return the answers they complete."""
        samples = self._sound.samples(sound)
        self._heard += len(samples)
        self._answers.hear(sound)
        return self._answers.push(self._face.push(samples), self._face.emotion)

    def finish(self) -> list[bytes]:
        """Return the answers up to the end of the sound."""
        last = self._answers.push(self._face.finish(), self._face.emotion)
        return last + self._answers.finish()


class Audio2FaceService:
    """Serves streams side by side.

    Args:
        pool: threads for the work.
        direction: how to play where a client does not say.

    """

    def __init__(self, pool: Executor, *, direction: Direction | None = None) -> None:
        self._pool, self._direction = pool, direction or Direction()

    async def serve(self, line: Line) -> None:
        """Serve one stream to its end.

        Raises:
            PacketError: the client sends what cannot be used.
            RefusedError: it says or takes nothing for too long.

        """
        head = await line.header()
        performer = await self._work(Performer, head, self._direction)
        await line.write([header(head.sound, time.time())])
        left_out, rest = list(head.left_out), b""
        while not isinstance(request := await line.read(), End):
            if not isinstance(request, Part):
                raise PacketError("a stream has one header, got a second one; open a stream for each sound")
            left_out += request.left_out
            if request.emotions:
                await self._work(performer.feel, request.emotions)
            whole, rest = head.sound.whole(rest + request.sound)
            for piece in head.sound.pieces(whole, PIECE_S):
                await line.write(await self._work(performer.push, piece))
        head.sound.check_rest(rest)
        await line.write([*await self._work(performer.finish), processed(), success(told(left_out))])

    async def _work(self, job: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, *args)
