"""The parts of a conversation's pipeline, in order."""

from __future__ import annotations

from collections.abc import Callable

from pipecat.processors.frame_processor import FrameProcessor

from rhapsode.conversation.events import Partial
from rhapsode.conversation.exchange import Exchange
from rhapsode.conversation.resources import Resources
from rhapsode.pipecat.asking import Asking, Complete
from rhapsode.pipecat.hearing import Hearing
from rhapsode.pipecat.marking import Marking
from rhapsode.pipecat.performing import Performing
from rhapsode.pipecat.thinking import Thinking
from rhapsode.pipecat.turns import Told, TurnTaking
from rhapsode.pipecat.voicing import Voicing
from rhapsode.settings import Settings


def assemble(
    resources: Resources,
    exchange: Exchange,
    performing: Performing,
    *,
    settings: Callable[[], Settings],
    told: Told,
    complete: Complete,
) -> list[FrameProcessor]:
    """Return the parts; each asks for the settings in force when it needs them."""
    feeling = resources.feels()
    return [
        TurnTaking(
            resources.activity(),
            resources.completeness(),
            hear=lambda: settings().hear,
            busy=lambda: exchange.busy,
            told=told,
        ),
        Hearing(
            lambda: resources.recognises(settings().hear),
            lambda: feeling if settings().hear.emotion else None,
            resources.pool,
            partial=lambda text, language: exchange.tell(Partial(text, language)),
            failed=exchange.fault("hear"),
        ),
        Asking(complete, language=lambda: resources.language("", settings(), exchange.history)),
        Thinking(
            lambda: resources.thinker(settings()),
            lambda language: resources.line("failed", language),
            resources.pool,
            exchange.fault("think"),
        ),
        Marking(exchange.text),
        Voicing(
            lambda: resources.speaks(settings().speak),
            resources.chunker,
            resources.pool,
            ahead=lambda: performing.ahead_s,
            failed=exchange.fault("speak"),
        ),
        performing,
    ]
