"""What can go wrong with a language model, in words for a log: never with a key or what a person said."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["unreachable", "slow", "refused", "broken", "garbage", "empty", "endless"]
"""No connection; too late; the request was turned down; the server failed or broke off; no answer of the
protocol; nothing to say; no end."""

_LONGEST = 240
_SECRETS = re.compile(r"\b(?:sk|pk|rk|key|gsk|hf|xai)[-_][\w*.-]{6,}|Bearer\s+\S+", re.IGNORECASE)


class ModelFailure(Exception):  # noqa: N818 - never leaves `rhapsode.dialogue`
    """An answer could not be had, or not wholly.

    Args:
        kind: what happened.
        reason: for the log.

    """

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind: Kind = kind
        self.reason = reason

    @property
    def server_at_fault(self) -> bool:
        """Whether the next request is likely to fail in the same way."""
        return self.kind in ("unreachable", "slow", "broken", "garbage")


def clean(text: object, key: str = "") -> str:
    """Return a foreign message on one line of bounded length, without ``key`` or what looks like one."""
    words = " ".join(str(text).split())
    if key:
        words = words.replace(key, "***")
    words = _SECRETS.sub("***", words)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def failure(error: BaseException, *, address: str, key: str = "", opened: bool = False) -> ModelFailure:
    """Return what an exception of the package openai, or of what it stands on, means.

    Args:
        error: as caught.
        address: of the server, for the message.
        key: that must not be shown.
        opened: whether the answer had begun.

    """
    import openai

    if isinstance(error, ModelFailure):
        return error
    if isinstance(error, openai.APITimeoutError):
        return ModelFailure("slow", f"no connection to {address} in time")
    if isinstance(error, openai.APIConnectionError):
        cause = clean(error.__cause__ or error, key)
        if opened:
            return ModelFailure("broken", f"{address} broke off: {cause}")
        return ModelFailure("unreachable", f"cannot reach {address}: {cause}; is the server running?")
    if isinstance(error, openai.APIStatusError):
        return _status(error, address, key)
    if isinstance(error, openai.APIError):
        return ModelFailure("broken", f"{address} broke off: {clean(error.message, key)}")
    name = type(error).__name__
    if isinstance(error, ValueError | TypeError | AttributeError | KeyError):
        return ModelFailure("garbage", f"{address} sent what is no answer ({name}): {clean(error, key)}")
    return ModelFailure("broken", f"{address} broke off ({name}): {clean(error, key)}")


def _status(error: object, address: str, key: str) -> ModelFailure:
    status = getattr(error, "status_code", 0)
    body = getattr(error, "body", None)
    said = body.get("message", body) if isinstance(body, dict) else getattr(error, "message", error)
    message = f"{address} answered HTTP {status}: {clean(said, key)}"
    if status in (401, 403):
        message += "; set RHAPSODE_THINK_API_KEY"
    return ModelFailure("broken" if status >= 500 else "refused", message)
