"""All sessions of a server: found by id, kept a while without a connection, given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rhapsode.errors import InputError
from rhapsode.server.client import Client
from rhapsode.server.place import Backstage, Place

LATEST = "latest"
"""Follows the newest session, whichever it is."""


class FullError(InputError):
    """All sessions are taken."""

    status = 503


class UnknownSessionError(InputError):
    """There is no session to follow."""


class Sessions:
    """Opens, finds and ends sessions; its clock is that of the loop.

    Args:
        backstage: what all sessions share.

    """

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._places: dict[str, Place] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        self._followers: set[Client] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def watched(self) -> int:
        """How many sessions have a connection."""
        return len(self._places) - len(self._expiries)

    def enter(self, client: Client, wanted: str | None = None) -> None:
        """Give ``client`` the session ``wanted``, or a new one where that is not there any more.

        Raises:
            FullError: a new one is needed and all are taken.

        """
        place = self._places.get(wanted or "")
        resumed = place is not None and place.listed
        if place is None or not resumed:
            place = self._open(listed=True)
        self._seat(client, place, resumed=resumed)
        if not resumed:
            self._show(place)

    def create(self) -> Place:
        """Return a new session without a connection; its time counts from now on.

        Raises:
            FullError: all are taken.

        """
        place = self._open(listed=True)
        self._show(place)
        self._abandon(place)
        return place

    def find(self, wanted: str) -> Place:
        """Return a session by its id.

        Raises:
            UnknownSessionError: there is no such session.

        """
        place = self._places.get(wanted)
        if place is None or not place.listed:
            raise UnknownSessionError(f"no session '{wanted[:40]}'; it ended, or the server was started anew")
        return place

    @contextmanager
    def held(self, place: Place) -> Iterator[Place]:
        """Keep a session alive; afterwards its time counts anew."""
        place.held += 1
        if (expiry := self._expiries.pop(place.session.id, None)) is not None:
            expiry.cancel()
        try:
            yield place
        finally:
            place.held -= 1
            self._abandon(place)

    def follow(self, client: Client, wanted: str) -> None:
        """Show ``client`` the session ``wanted``.

        "latest" goes on to each newer session; where there is none yet, a face of its own lives meanwhile.

        Raises:
            UnknownSessionError: there is no such session.
            FullError: there is none to follow, and all are taken.

        """
        place = self._newest if wanted == LATEST else self._places.get(wanted)
        if place is None and wanted != LATEST:
            raise UnknownSessionError(f"no session '{wanted}'; it ended, or the server was started anew")
        self._seat(client, place or self._open(listed=False), resumed=False)
        self._followers.add(client)

    def leave(self, client: Client) -> None:
        """Let ``client`` go; its session is kept a while."""
        self._followers.discard(client)
        place = client.place
        if place is None:
            return
        place.watchers.discard(client)
        if place.owner is client:
            place.deafen()
        client.place = None
        self._abandon(place)

    def drop(self, place: Place) -> None:
        """End a session now."""
        if self._places.pop(place.session.id, None) is None:
            return
        if (expiry := self._expiries.pop(place.session.id, None)) is not None:
            expiry.cancel()
        self._count()
        for follower in list(self._followers):
            if follower.place is place and follower.follows == LATEST:
                self._move(follower, self._newest or self._open(listed=False, forced=True))
        for watcher in list(place.watchers):
            watcher.fail(UnknownSessionError("the session ended"))
        task = asyncio.ensure_future(place.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all sessions."""
        self._followers.clear()
        for place in list(self._places.values()):
            self.drop(place)
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    @property
    def _newest(self) -> Place | None:
        listed = [place for place in self._places.values() if place.listed]
        watched = [place for place in listed if place.session.id not in self._expiries]
        return (watched or listed)[-1] if listed else None

    def _show(self, place: Place) -> None:
        """Show a new session to all who follow the newest."""
        for follower in self._following(LATEST):
            self._move(follower, place)

    def _following(self, wanted: str) -> list[Client]:
        return [client for client in self._followers if client.follows == wanted]

    def _open(self, *, listed: bool, forced: bool = False) -> Place:
        limit = self._backstage.settings.max_sessions
        if len(self._places) >= limit and self._expiries and not forced:
            self.drop(self._places[next(iter(self._expiries))])  # the one abandoned first
        if len(self._places) >= limit and not forced:
            raise FullError(f"the stage serves {limit} sessions at once and all are taken; try later")
        place = Place(self._backstage, listed=listed, failed=self.drop)
        self._places[place.session.id] = place
        self._count()
        return place

    def _seat(self, client: Client, place: Place, *, resumed: bool) -> None:
        if client.follows is None and (expiry := self._expiries.pop(place.session.id, None)) is not None:
            expiry.cancel()
        client.place = place
        place.watchers.add(client)
        client.viewer.watch(place.session, resumed=resumed, talk=place.talk.facts)
        place.greet(client)

    def _move(self, client: Client, place: Place) -> None:
        old = client.place
        if old is place:
            return
        if old is not None:
            old.watchers.discard(client)
        self._seat(client, place, resumed=False)
        if old is not None:
            self._abandon(old)

    def _abandon(self, place: Place) -> None:
        """Begin to count the time of a session that nobody holds any more."""
        key = place.session.id
        if key not in self._places or key in self._expiries or place.held or any(self._holders(place)):
            return
        if not place.listed:
            self.drop(place)
            return
        loop = asyncio.get_running_loop()
        self._expiries[key] = loop.call_later(self._backstage.settings.keep_s, self.drop, place)

    def _holders(self, place: Place) -> Iterator[bool]:
        """Yield whether each watcher keeps the session alive: those who only follow it do not."""
        return (not (w in self._followers and place.listed) for w in place.watchers)

    def _count(self) -> None:
        for place in self._places.values():
            place.count = len(self._places)
