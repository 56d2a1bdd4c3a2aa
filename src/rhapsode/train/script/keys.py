"""Single keys from the terminal, without waiting for enter."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from rhapsode.errors import SettingError


class TerminalKeys:
    """Reads keys while its block runs, then gives the terminal back as it was.

    Raises:
        SettingError: standard input is no terminal.

    """

    def __init__(self) -> None:
        if not sys.stdin.isatty():
            raise SettingError(
                "recording needs a terminal to read keys from, got a pipe or a file; "
                "start it in a terminal, or take recordings made elsewhere with --from"
            )
        self._before: Any = None

    def read(self, timeout_s: float) -> str | None:
        """Return the next key, or None if none came within ``timeout_s`` seconds."""
        if sys.platform == "win32":
            import msvcrt

            until = time.monotonic() + timeout_s
            while not msvcrt.kbhit():
                if time.monotonic() >= until:
                    return None
                time.sleep(0.01)
            return msvcrt.getwch()
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
        if not ready:
            return None
        # Arrows and function keys come as several bytes at once, the first one escape: they mean nothing.
        typed = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
        return None if typed.startswith("\x1b") and len(typed) > 1 else typed[:1]

    def __enter__(self) -> Self:
        if sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform != "win32" and self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
