"""Speaks what a script says before anybody asks, and shows how far it is."""

from __future__ import annotations

import time

from rhapsode.errors import SettingError
from rhapsode.settings import Settings

STEP_S = 0.2


def rehearse_script(settings: Settings) -> tuple[int, float]:
    """Speak and keep all that the script of ``settings`` says.

    Returns:
        How many sentences there are, and how many seconds it took.

    Raises:
        SettingError: a language model answers, not a script.
        RhapsodeError: the script cannot be read, or no voice speaks one of its languages.

    """
    from rich.progress import Progress

    from rhapsode.cli.terminal import console
    from rhapsode.conversation.preparing import rehearse
    from rhapsode.conversation.resources import Resources

    if settings.think.kind == "model":
        raise SettingError("there is no script to rehearse, got think.kind 'model'; set it to script or both")
    resources, begun = Resources(), time.monotonic()
    try:
        count = rehearse(resources, settings)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("rehearsing", total=count)
            while resources.rehearsal.busy:
                time.sleep(STEP_S)
                progress.update(task, completed=count - resources.rehearsal.left)
    finally:
        resources.close()
    return count, time.monotonic() - begun
