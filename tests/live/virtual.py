"""An asyncio loop whose seconds pass only while everybody waits: hours in moments, the same each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    """Never waits: what it should wait for is added to the loop's time."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events:
            assert timeout is not None, "everybody waits for something that nobody will do"
            self.seconds += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop of deterministic tests."""

    def __init__(self) -> None:
        self.clock = _Selector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.seconds


class Inline(Executor):
    """A pool that does its work at once, where it is asked for; no seconds pass."""

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        done: Future[_T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # handed to whoever waits, as a real pool does
            done.set_exception(error)
        return done


class Slow(Inline):
    """A pool whose work is done only after ``cost_s``, which the work itself may set."""

    cost_s = 0.0

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        made, done = super().submit(fn, *args, **kwargs), Future[_T]()

        def tell() -> None:
            if done.set_running_or_notify_cancel():
                error = made.exception()
                done.set_result(made.result()) if error is None else done.set_exception(error)

        asyncio.get_running_loop().call_later(self.cost_s, tell)
        return done


def play(scene: Coroutine[Any, Any, _T]) -> _T:
    """Run ``scene`` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scene)
