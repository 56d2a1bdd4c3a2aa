"""What ``rhapsode talk`` shows: what was said, one line that lives, or one JSON document an event."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live
from rich.text import Text

from rhapsode.cli.terminal import console, say_note
from rhapsode.conversation.events import (
    Answered,
    Answering,
    AnswerText,
    Asked,
    Event,
    Fault,
    Latency,
    Partial,
    Shown,
    StateChanged,
)

if TYPE_CHECKING:
    from types import TracebackType

_STATES = {"idle": "white", "listening": "green", "thinking": "yellow", "speaking": "cyan"}


class View(Protocol):
    """Shows a conversation; a watcher and a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show an event."""

    def state(self, words: str) -> None:
        """Show what is going on beside the conversation."""

    def note(self, message: str) -> None:
        """Tell something that stops nothing."""


class People:
    """For people.

    Args:
        alive: whether the last line shows the state; False where somebody types there.
        echo: whether written questions are shown; False where whoever typed them sees them.

    """

    def __init__(self, *, alive: bool, echo: bool) -> None:
        self._live = Live(console=console, refresh_per_second=8, transient=True) if alive else None
        self._echo = echo
        self._state, self._words, self._answer, self._latency = "", "", "", ""
        self._begun = False
        self._beside: list[str] = []

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fresh()
        if self._live:
            self._live.stop()

    def state(self, words: str) -> None:
        """Show what is going on beside the conversation."""
        if self._live is None and words:
            self._say(words, "dim")
        self._state = words
        self._refresh()

    def note(self, message: str) -> None:
        """Tell something that stops nothing."""
        self._fresh()
        say_note(message)

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, StateChanged):
            self._state = event.state
        elif isinstance(event, Partial):
            self._words = event.text
        elif isinstance(event, Asked):
            self._words = ""
            feeling = str(event.emotion) if event.emotion is not None else "neutral"
            felt = "" if feeling == "neutral" else f", {feeling}"
            if event.spoken or self._echo:
                self._say(f"you: {event.text}", "bold", f"  ({event.language}{felt})")
        elif isinstance(event, AnswerText):
            self._tell(event.text)
        elif isinstance(event, Answered):
            self._ended(event)
        elif isinstance(event, Latency):
            stages = ", ".join(f"{name} {ms:.0f}" for name, ms in event.stages_ms.items())
            self._latency = f"first sound after {event.total_ms:.0f} ms ({stages})"
        else:
            self._aside(event)
        self._refresh()

    def _aside(self, event: Event) -> None:
        if isinstance(event, Fault):
            self.note(event.message)
        elif isinstance(event, Answering) and event.reason:
            self.note(f"{event.kind} answers: {event.reason}")
        elif isinstance(event, Shown):
            shown = [f"{event.title} {event.url}".strip(), *event.suggestions]
            self._beside.append("     " + "; ".join(part for part in shown if part))

    def _tell(self, text: str) -> None:
        self._answer += text
        if self._live is None:
            if not self._begun:
                console.print("  -> ", end="", style="cyan")
            console.print(text, end="", style="cyan", markup=False)
            self._begun = True

    def _ended(self, event: Answered) -> None:
        if self._live is not None and (self._answer or event.meant).strip():
            self._say(f"  -> {(self._answer or event.meant).strip()}", "cyan")
        self._fresh()
        if event.interrupted:
            heard = f"heard: '{event.text}'" if event.text.strip() else "nothing of it was heard"
            self._say(f"     interrupted; {heard}", "dim")
        for line in [*self._beside, *([f"     {self._latency}"] if self._latency else [])]:
            self._say(line, "dim")
        self._answer = self._latency = ""
        self._beside = []

    def _say(self, text: str, style: str, more: str = "") -> None:
        self._fresh()
        console.print(Text(text, style).append(more, "dim"))

    def _fresh(self) -> None:
        """Begin a new line where one is under way."""
        if self._begun:
            console.print()
            self._begun = False

    def _refresh(self) -> None:
        if self._live is not None:
            line = Text(f"({self._state}) ", _STATES.get(self._state, "dim"))
            line.append(self._words, "italic").append(self._answer, "cyan")
            self._live.update(line)


class Documents:
    """For programs: one JSON document an event on stdout."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Write an event."""
        from rhapsode.server.talk_events import data_of, name_of

        data = data_of(event, asyncio.get_running_loop().time())
        sys.stdout.write(json.dumps({"event": name_of(event), **data}, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def state(self, words: str) -> None:
        """Write nothing."""

    def note(self, message: str) -> None:
        """Tell something that stops nothing, on stderr."""
        say_note(message)
