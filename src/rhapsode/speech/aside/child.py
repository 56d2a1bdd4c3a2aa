"""A helper process: JSON lines with bytes behind them, over its standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from rhapsode.errors import SpeechError

ANSWER_S = 60.0
"""How long an answer is waited for before the process is ended, seconds."""


class Child:
    """A child process that answers requests one at a time; started on first use, again if it ended.

    Args:
        script: file of this package that it runs, with no access to the product's own modules.
        arguments: of the script.
        what: its name in messages.

    """

    def __init__(self, script: str, *arguments: str, what: str) -> None:
        self._command = [sys.executable, "-I", str(Path(__file__).parent / script), *arguments]
        self._what = what
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, **request: object) -> tuple[dict[str, Any], bytes]:
        """Return the answer to ``request`` and the bytes that came with it.

        Raises:
            SpeechError: the process cannot be started, ended, took too long, or answers with an error.

        """
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            timer = threading.Timer(ANSWER_S, process.kill)
            timer.daemon = True
            timer.start()
            try:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                head = process.stdout.readline()
                answer: dict[str, Any] = json.loads(head) if head else {}
                size = int(answer.get("bytes", 0))
                data = process.stdout.read(size) if size else b""
            except (OSError, ValueError):
                answer, data = {}, b""
            finally:
                timer.cancel()
            if not answer:
                self._end(process)
                raise SpeechError(f"{self._what} ended or did not answer in {ANSWER_S:g} s; try again")
        if "error" in answer:
            raise SpeechError(f"{self._what}: {answer['error']}")
        return answer, data

    def close(self) -> None:
        """End the process; the next request starts another."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise SpeechError(f"{self._what} cannot be started: {error}") from error
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
