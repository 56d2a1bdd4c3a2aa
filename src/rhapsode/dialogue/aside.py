"""What a thinker's language model writes beside the conversation."""

from __future__ import annotations

from typing import Any

from rhapsode.errors import SettingError


async def ask_aside(thinker: object, instruction: str, text: str) -> str:
    """Return what the language model of ``thinker`` writes to an instruction.

    Args:
        thinker: `rhapsode.dialogue.model.ModelThinker`, or one that has one.
        instruction: what is to be done.
        text: with what.

    Raises:
        SettingError: the thinker has none.
        ModelFailure: it gives no answer.

    """
    complete: Any = getattr(thinker, "complete", None)
    if complete is None:
        raise SettingError("a script answers questions only; set think.kind to model or both")
    return str(await complete(instruction, text))
