"""A session with its sinks and a source, as one thing that starts and ends: what ``rhapsode stream`` runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from rhapsode.errors import SettingError
from rhapsode.face.direction import Direction
from rhapsode.live.capture.capture import Capture, CaptureState
from rhapsode.live.engine import Engine
from rhapsode.live.runner import SinkRunner, SinkStatus
from rhapsode.live.session import Session
from rhapsode.live.sinks.registry import open_sink
from rhapsode.live.sources.source import Source

READY_S = 8.0
"""How long the source waits for the sinks with sound, so that they hear its beginning."""

TAIL_S = 0.8
"""How long the face has to come to rest behind the end of the source."""


class Show:
    """One performance for any number of sinks.

    Args:
        engine: speaks and animates.
        urls: of the sinks.
        direction: how to play.
        capture: a captured face that is mixed in.

    Raises:
        SettingError: a sink or one of its options is not known, or a file is named twice.
        MissingExtraError: a sink needs a part that is not installed.

    """

    def __init__(
        self,
        engine: Engine,
        urls: Sequence[str],
        *,
        direction: Direction | None = None,
        capture: Capture | None = None,
    ) -> None:
        self._engine, self._direction, self._capture = engine, direction, capture
        files = [urlsplit(url).path for url in urls if urlsplit(url).scheme == "file"]
        if len(set(files)) < len(files):
            raise SettingError(
                f"each file is recorded once, got the same one twice among {', '.join(files)}; name another"
            )
        self._sinks = [(url, *open_sink(url)) for url in urls]
        self._runners: list[SinkRunner] = []
        self.session: Session | None = None

    @property
    def status(self) -> list[SinkStatus]:
        """What is known of each sink now."""
        return [runner.status for runner in self._runners]

    @property
    def capture(self) -> CaptureState | None:
        """What is known of the captured face now; None where none is asked for."""
        return self._capture.status if self._capture else None

    async def run(self, source: Source | None) -> None:
        """Perform until the source ends, for ever without one; then close every sink.

        Raises:
            RhapsodeError: the source or the capture cannot be had, or broke.

        """
        with ThreadPoolExecutor(2, thread_name_prefix="rhapsode") as pool:
            session = self.session = Session(self._engine, pool, direction=self._direction)
            self._runners = [
                SinkRunner(url, sink, session.timeline, options) for url, sink, options in self._sinks
            ]
            for runner in self._runners:
                session.attach(runner)
            jobs = (session.run(), *(runner.run() for runner in self._runners))
            serving = [asyncio.create_task(job) for job in jobs]
            playing = asyncio.create_task(self._play(session, source))
            watched = [serving[0], playing]
            if self._capture is not None:
                watched.append(asyncio.create_task(self._capture.run(session)))
                serving.append(watched[-1])
            try:
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for task in watched:
                    if task.done():
                        task.result()
            finally:
                for task in (playing, *serving):
                    task.cancel()
                await asyncio.gather(playing, *serving, return_exceptions=True)

    async def _play(self, session: Session, source: Source | None) -> None:
        await session.ready.wait()
        opening = [runner.tried.wait() for runner in self._runners if runner.wants_sound]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*opening), READY_S)
        if source is None:
            await asyncio.get_running_loop().create_future()
        else:
            await source.run(session)
            await asyncio.sleep(TAIL_S)
