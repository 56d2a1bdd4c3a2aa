"""What every verb shares: the console on stderr, progress bars, the JSON document on stdout."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True, highlight=False, soft_wrap=True)


def end_politely() -> None:
    """Let SIGTERM end the process as Ctrl-C does, so that nothing partial is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a sentence and exit code 130, once everything inside has let go."""
    try:
        yield
    except KeyboardInterrupt:
        say_error("interrupted; nothing partial was left behind")
        raise typer.Exit(130) from None


def run_until_told(job: Coroutine[Any, Any, None]) -> bool:
    """Run ``job`` on a loop of its own until it ends, or Ctrl-C or SIGTERM cancels it.

    The loop takes the signals itself: an exception raised in the middle of a callback of native code may be
    swallowed there.

    Returns:
        Whether a signal ended it.

    """

    async def watched() -> bool:
        task, told = asyncio.current_task(), []
        assert task is not None

        def stop() -> None:
            told.append(True)
            task.cancel()

        for one in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows has no such handlers: Ctrl-C raises there
                asyncio.get_running_loop().add_signal_handler(one, stop)
        try:
            await job
        except asyncio.CancelledError:
            if not told:
                raise
        return bool(told)

    try:
        return asyncio.run(watched())
    except KeyboardInterrupt:
        return True


def say_error(message: str) -> None:
    """Print ``message`` on stderr as an error."""
    console.print("[bold red]error:[/] ", end="")
    console.print(message, markup=False)


def say_note(message: str) -> None:
    """Print something that the user should know but that stops nothing."""
    console.print("[yellow]note:[/] ", end="")
    console.print(message, markup=False)


def progress_bar(*, quiet: bool = False) -> Progress:
    """Return a progress bar on stderr, hidden when ``quiet``."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet,
    )


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
