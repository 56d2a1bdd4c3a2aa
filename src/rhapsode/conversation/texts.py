"""Texts that somebody writes."""

from __future__ import annotations

from rhapsode.errors import InputError

MAX_TEXT = 2000
"""Longest written question and text to speak, characters."""


def checked(text: str, what: str) -> str:
    """Return a text of the kind ``what`` without space around it.

    Raises:
        InputError: it is empty or too long.

    """
    if not text.strip():
        raise InputError(f"a {what} must hold words, got an empty one; write something")
    if len(text) > MAX_TEXT:
        raise InputError(f"a {what} may hold {MAX_TEXT} characters, got {len(text)}; send it in parts")
    return text.strip()
