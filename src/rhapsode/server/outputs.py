"""The sinks of one session: added, moved in time and taken away by the user."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count
from typing import Any

from rhapsode.errors import InputError, SettingError
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.live.sinks import registry


@dataclass(frozen=True)
class _Output:
    runner: SinkRunner
    task: asyncio.Task[None]


class Outputs:
    """Serves the sinks of ``session``; each has an id and a task of its own.

    Args:
        session: what is sent.
        pool: imports what a sink needs, so that nobody waits for it.
        allowed: whether sinks may be added at all.
        limit: of sinks at once.

    """

    def __init__(self, session: Session, pool: Executor, *, allowed: bool, limit: int) -> None:
        self._session, self._pool, self._allowed, self._limit = session, pool, allowed, limit
        self._open: dict[str, _Output] = {}
        self._ids = count(1)

    def __len__(self) -> int:
        return len(self._open)

    async def add(self, url: str) -> str:
        """Send the performance to ``url`` as well; return the id of the sink.

        Raises:
            InputError: sinks are not allowed here, there are too many, or the URL cannot be used.
            MissingExtraError: the sink needs a part that is not installed.

        """
        if not self._allowed:
            raise SettingError(
                "sinks reach other hosts and write files, so only a stage on 127.0.0.1 allows them; "
                "start it with --allow-sinks to allow them to everybody who knows its token"
            )
        self._check_room()
        scheme = registry.SCHEMES.get(url.partition(":")[0])
        if scheme is not None:
            await asyncio.get_running_loop().run_in_executor(
                self._pool, _import, scheme.maker.partition(":")[0]
            )
        self._check_room()
        sink, options = registry.open_sink(url)
        runner = SinkRunner(url, sink, self._session.timeline, options)
        name = f"s{next(self._ids)}"
        self._open[name] = _Output(runner, asyncio.ensure_future(runner.run()))
        self._session.attach(runner)
        return name

    def move(self, name: str, offset_ms: float) -> None:
        """Serve the sink ``name`` so much later than due; raise `InputError` if there is none."""
        runner = self._find(name).runner
        runner.options = replace(runner.options, offset_s=offset_ms / 1000)

    async def remove(self, name: str) -> None:
        """Close the sink ``name``; raise `InputError` if there is none."""
        output = self._find(name)
        del self._open[name]
        await self._close(output)

    async def close(self) -> None:
        """Close all sinks."""
        outputs, self._open = list(self._open.values()), {}
        await asyncio.gather(*(self._close(output) for output in outputs))

    def rows(self) -> list[dict[str, Any]]:
        """Return what clients are told of the sinks."""
        return [_row(name, output.runner) for name, output in self._open.items()]

    def _check_room(self) -> None:
        if len(self._open) >= self._limit:
            raise InputError(f"a session may have {self._limit} sinks, got one more; remove one first")

    def _find(self, name: str) -> _Output:
        if name not in self._open:
            raise InputError(f"no sink '{name}', there are: {', '.join(self._open) or 'none'}")
        return self._open[name]

    async def _close(self, output: _Output) -> None:
        self._session.detach(output.runner)
        output.task.cancel()
        await asyncio.gather(output.task, return_exceptions=True)


def _import(module: str) -> None:
    """Import ``module`` ahead; what is wrong with it is said where it is used."""
    try:
        import_module(module)
    except ImportError:
        return


def _row(name: str, runner: SinkRunner) -> dict[str, Any]:
    status = runner.status
    return {
        "id": name,
        "url": status.url,
        "state": status.state,
        "error": status.error,
        "rate": status.rate_hz,
        "offset_ms": status.offset_ms,
        "sent": status.sent,
        "dropped": status.dropped,
        "latency_ms": status.latency_ms,
    }
