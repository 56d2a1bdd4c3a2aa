"""The prompter: what the speaker reads while recording, on the whole terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.align import Align
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from rhapsode.audio.meter import Level
from rhapsode.train.script.checks import Check
from rhapsode.train.script.prompts import Item

MANNER_HINTS = {
    "normal": "as you would say it to a friend",
    "exaggerated": "as to a lip reader: every movement large, the pace slow",
}
RECORDING_KEYS = "space done   r again   p play   q stop"
VERDICT_KEYS = "r again   space keep   p play   q keep and stop"

_FLOOR_DBFS, _BAR = -60.0, 40


class Prompter:
    """Shows prompts on a `rich` console; a context manager that gives the terminal back."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=console.is_terminal, auto_refresh=False, transient=True)
        self._head = self._last = ""
        self._body: list[Text] = []
        self._said: list[str] = []
        self._second = -1

    def prompt(self, item: Item, *, number: int, total: int) -> None:
        """Show what is to be said next."""
        one = item.prompt
        self._head = f"{number} of {total}   {one.kind}   {item.manner}   {item.id}"
        loud = "bold yellow" if item.manner == "exaggerated" else "dim"
        lines = [(one.text, "bold white"), (one.reading, "cyan"), (one.hint, "dim")]
        lines.append((MANNER_HINTS[item.manner], loud))
        self._body = [Text(text, style=style, justify="center") for text, style in lines if text]
        self._show(Text(self._last, style="dim"))

    def sync(self, text: str) -> None:
        """Show what is to be done for the clap."""
        self._head = "clap"
        self._body = [Text(text, style="bold white", justify="center")]
        self._show(Text())

    def count(self, left: int) -> None:
        """Show the count-in."""
        self._show(Text(f"{left}", style="bold yellow"))

    def recording(self, elapsed_s: float, level: Level) -> None:
        """Show that the take runs, and how loud it is."""
        if self._console.is_dumb_terminal and int(elapsed_s) == self._second:
            return
        self._second = int(elapsed_s)
        line = Text("● ", style="bold red")
        line.append(f"{elapsed_s:4.1f} s  ", style="white")
        line.append_text(_meter(level))
        self._show(line, RECORDING_KEYS)

    def verdict(self, checked: Check, *, note: str = "") -> None:
        """Show what is wrong with a take."""
        lines = [problem.text for problem in checked.problems] + ([note] if note else [])
        text = Text("\n".join(lines) or _good(checked), style="bold red" if lines else "green")
        text.justify = "center"
        self._show(text, VERDICT_KEYS)

    def playing(self) -> None:
        """Show that a take is played."""
        self._show(Text("▶ playing", style="bold green"))

    def kept(self, item: Item, checked: Check) -> None:
        """Remember what to say of the take before."""
        warned = ", ".join(problem.code for problem in checked.problems)
        self._last = f"kept{f' ({warned})' if warned else ''}: {_good(checked)}"

    def _show(self, line: Text, keys: str = "space start now   q stop") -> None:
        rows = [*self._body, line, Text(keys, style="dim")]
        if self._console.is_dumb_terminal:
            self._say([Text(self._head), *rows])
            return
        spaced = [part for row in rows for part in (Align.center(row), Text(" "))]
        body = Align.center(Group(*spaced), vertical="middle")
        height = self._console.height if self._console.is_terminal else None
        self._live.update(Panel(body, title=self._head, height=height), refresh=True)

    def _say(self, rows: list[Text]) -> None:
        """Print what is new: this terminal cannot move its cursor."""
        said, self._said = self._said, [row.plain for row in rows]
        for row in rows:
            if row.plain.strip() and row.plain not in said:
                self._console.print(row)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def _meter(level: Level) -> Text:
    """Return a bar of the level, and the peak beside it."""
    filled = round(_BAR * min(max(1 - level.rms_dbfs / _FLOOR_DBFS, 0.0), 1.0))
    colour = "red" if level.peak_dbfs > -1 else "green" if level.rms_dbfs > -40 else "yellow"
    bar = Text("█" * filled, style=colour)
    bar.append("░" * (_BAR - filled), style="dim")
    bar.append(f" {level.rms_dbfs:4.0f} dBFS", style="dim")
    return bar


def _good(checked: Check) -> str:
    return f"{checked.level_dbfs:.0f} dBFS, {checked.snr_db:.0f} dB above the room"
