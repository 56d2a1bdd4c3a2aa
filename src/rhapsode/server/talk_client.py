"""What a connected client asks of its conversation, in order, also while that is still being made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rhapsode.errors import InputError, RhapsodeError
from rhapsode.server.place import Place
from rhapsode.server.talking import Converses

Wish = Callable[[Converses], object]

MOST = 100
"""Wishes that may wait until the conversation is there."""


class Wishes:
    """Keeps the wishes of one client until its conversation can do them.

    Args:
        complain: tells the client what cannot be done.

    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._waiting: list[tuple[Wish, Callable[[], None] | None]] = []
        self._opening: asyncio.Task[None] | None = None

    @property
    def waits(self) -> bool:
        """Whether the conversation is being made."""
        return self._opening is not None

    def do(self, place: Place, wish: Wish, *, otherwise: Callable[[], None] | None = None) -> None:
        """Do ``wish`` with the conversation of ``place``, now or once it is there.

        Args:
            place: whose conversation.
            wish: what to do.
            otherwise: done where no conversation can be had; None tells the client why.

        Raises:
            RhapsodeError: it cannot be done.

        """
        if place.talk.conversation is not None and self._opening is None:
            wish(place.talk.conversation)
            return
        if len(self._waiting) >= MOST:
            raise InputError(f"{MOST} wishes wait for the conversation to begin; wait for it too")
        self._waiting.append((wish, otherwise))
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open(place))

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def close(self) -> None:
        """Forget what waits and wait for nothing; the conversation itself is made nevertheless."""
        self.drop()
        if self._opening is not None:
            self._opening.cancel()

    async def _open(self, place: Place) -> None:
        conversation: Converses | None = None
        why = ""
        try:
            conversation = await place.talk.open()
        except RhapsodeError as error:
            why = str(error)
        finally:
            self._opening = None
            waiting, self._waiting = self._waiting, []
        told = False
        for wish, otherwise in waiting:
            try:
                if conversation is not None:
                    wish(conversation)
                elif otherwise is not None:
                    otherwise()
                elif not told:
                    told = True
                    self._complain(why)
            except RhapsodeError as error:
                self._complain(str(error))
