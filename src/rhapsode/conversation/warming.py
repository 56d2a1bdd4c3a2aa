"""Loads, side by side, what the first turn of a conversation needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rhapsode.errors import RhapsodeError
from rhapsode.performance import Float32
from rhapsode.settings import Settings
from rhapsode.speech.manner import Manner

if TYPE_CHECKING:
    from rhapsode.conversation.resources import Part, Resources

_HELLO = {"zh": "你好。", "ja": "こんにちは。"}


def warm_up(resources: Resources, settings: Settings) -> list[tuple[Part, str]]:
    """Use every part once; return which failed, and why."""
    language = resources.language("", settings)
    hello = _HELLO.get(language.split("-")[0], "Hello.")
    jobs: list[tuple[Part, Callable[[], object]]] = [
        ("hear", lambda: resources.recognises(resources.hear(settings))(_faint_noise(), final=True)),
        ("think", lambda: (resources.thinker(settings), resources.language("Hello there.", settings))),
        ("speak", lambda: list(resources.speaks(settings.speak)(hello, language, Manner()))),
    ]
    faults: list[tuple[Part, str]] = []

    def do(part: Part, job: Callable[[], object]) -> None:
        try:
            job()
        except RhapsodeError as error:
            faults.append((part, str(error)))

    threads = [threading.Thread(target=do, args=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def _faint_noise() -> Float32:
    """Return a second that is not silent enough to be left out by the recogniser."""
    return (np.random.default_rng(0).standard_normal(16_000) * 0.01).astype(np.float32)
