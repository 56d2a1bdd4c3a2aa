"""The loop of a digital human: hear, think, speak, perform; interrupted at any moment (extra ``converse``).

from rhapsode.conversation import Conversation, Resources

conversation = Conversation(session, Settings())
conversation.watch(print)
task = asyncio.ensure_future(conversation.run())
conversation.ask("What time do you open?")
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

with suppress(ModuleNotFoundError):  # Pipecat logs to stderr unasked; who wants to read it enables it again
    from loguru import logger

    logger.disable("pipecat")

if TYPE_CHECKING:
    from rhapsode.conversation.conversation import Conversation as Conversation
    from rhapsode.conversation.resources import Resources as Resources

__all__ = ["Conversation", "Resources"]


def __getattr__(name: str) -> Any:
    """Load what is named on first use: it needs Pipecat.

    Raises:
        MissingExtraError: pipecat-ai is not installed.

    """
    if name not in __all__:
        raise AttributeError(f"module 'rhapsode.conversation' has no attribute '{name}'")
    try:
        return getattr(import_module(f"rhapsode.conversation.{name.lower()}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "pipecat":
            raise
        from rhapsode.errors import MissingExtraError

        raise MissingExtraError("pipecat-ai", "converse") from error
