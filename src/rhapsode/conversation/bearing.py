"""How the digital human carries itself in a conversation: its behaviour, and the background of the scene."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rhapsode.conversation.background import background
from rhapsode.conversation.events import Answered, Asked, Event, StateChanged
from rhapsode.conversation.resources import Resources
from rhapsode.errors import RhapsodeError
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.settings import Settings, Speak


class Bearing:
    """Lets a session show what goes on, between `begin` and `end`; before and after that it does nothing.

    Args:
        session: shows it.
        resources: told whether the processor is needed.
        failed: told why there is no background, on the loop.
        who: whose bearing it is.

    """

    def __init__(
        self, session: Session, resources: Resources, failed: Callable[[str], None], *, who: object
    ) -> None:
        self._session, self._resources, self._failed, self._who = session, resources, failed, who
        self._behaviour: Behaviour | None = None
        self._laid: tuple[str, float, str] | None = None
        self._laying: asyncio.Task[None] | None = None

    def begin(self, settings: Settings) -> None:
        """Show behaviour from now on, and lay the background."""
        self._behaviour = Behaviour(self._session, settings=settings.perform)
        self._lay(settings.speak)

    def apply(self, settings: Settings) -> None:
        """Use ``settings`` from now on."""
        if self._behaviour is not None:
            self._behaviour.settings = settings.perform
            self._lay(settings.speak)

    def end(self) -> None:
        """Show nothing any more."""
        self._resources.rest(self._who)
        if self._behaviour is not None:
            self._behaviour.close()
        self._behaviour = self._laid = self._session.bed = None

    def see(self, event: Event) -> None:
        """Take notice of what goes on."""
        if self._behaviour is None:
            return
        if isinstance(event, StateChanged):
            (self._resources.rest if event.state == "idle" else self._resources.work)(self._who)
            self._behaviour.state(event.state)
        elif isinstance(event, Asked):
            self._behaviour.mirror(event.emotion)
        elif isinstance(event, Answered):
            self._behaviour.mirror(None)

    def hear_person(self, y: Float32, sample_rate: int) -> None:
        """Take what the person says, (n,) at ``sample_rate`` Hz, to listen visibly."""
        if self._behaviour is not None:
            self._behaviour.hear_person(y, sample_rate)

    def gesture(self, name: str, sample: int) -> None:
        """Make a gesture that begins at a clock sample; one that nobody knows is left out."""
        if self._behaviour is not None and name in self._behaviour.gestures:
            self._behaviour.gesture(name, at=sample)

    def _lay(self, speak: Speak) -> None:
        """Lay the background under the voice; it is read in a thread."""
        wanted = speak.background, speak.background_db, speak.background_in
        loop = asyncio.get_running_loop()
        if wanted == self._laid:
            return
        self._laid = wanted

        async def lay() -> None:
            try:
                bed = await loop.run_in_executor(self._resources.pool, background, speak)
            except RhapsodeError as error:
                bed = None
                self._failed(str(error))
            if self._laid == wanted:
                self._session.bed = bed

        self._laying = loop.create_task(lay())
