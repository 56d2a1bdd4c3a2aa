"""The parts of a conversation's pipeline, in order."""

from __future__ import annotations

from collections.abc import Callable

from pipecat.processors.frame_processor import FrameProcessor

from rhapsode.conversation.events import Partial
from rhapsode.conversation.exchange import Exchange
from rhapsode.conversation.foresight import foreseeing
from rhapsode.conversation.resources import Resources
from rhapsode.conversation.timbering import Timbering
from rhapsode.dialogue.turns import Question
from rhapsode.errors import RhapsodeError
from rhapsode.pipecat.asking import LATE_S, Asking, Complete
from rhapsode.pipecat.contexts import Answers, Contexts
from rhapsode.pipecat.hearing import Hearing, Recognises
from rhapsode.pipecat.marking import Marking
from rhapsode.pipecat.performing import Performing
from rhapsode.pipecat.services import Role, is_service, make_service
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
    """Return the parts; each asks for the settings in force when it needs them.

    A service of Pipecat that the settings name stands in the place of our own part. One that cannot be made
    is told as a fault, and our own part does its work.
    """

    def service(name: str, options: object, part: Role) -> FrameProcessor | None:
        try:
            return make_service(name, dict(options), role=part) if is_service(name) else None  # type: ignore[call-overload]
        except RhapsodeError as error:
            exchange.fault(part)(str(error))
            return None

    def language() -> str:
        return resources.language("", settings(), exchange.history)

    def line(language: str) -> str:
        return resources.line("failed", language)

    def recognises() -> Recognises:
        return foreseeing(resources.recognises(resources.hear(settings())), foresee)

    def foresee(question: Question) -> None:
        if exchange.listening:
            resources.foresee(question.text, question.language, settings(), exchange.history)

    now, feeling = settings(), resources.feels()
    ears = service(now.hear.recogniser, now.hear.options, "hear")
    model = service(now.think.model, now.think.options, "think") if now.think.kind == "model" else None
    voice = service(now.speak.voice, now.speak.options, "speak")
    return [
        TurnTaking(
            resources.activity(),
            resources.completeness(),
            hear=lambda: settings().hear,
            busy=lambda: exchange.busy,
            told=told,
        ),
        ears
        or Hearing(
            recognises,
            lambda: feeling if settings().hear.emotion else None,
            resources.pool,
            partial=lambda text, language: exchange.tell(Partial(text, language)),
            failed=exchange.fault("hear"),
        ),
        Asking(complete, language=language, late_s=LATE_S if ears else None),
        *(
            [Contexts(lambda: settings().think.persona, line, exchange.fault("think")), model, Answers()]
            if model
            else [
                Thinking(lambda: resources.thinker(settings()), line, resources.pool, exchange.fault("think"))
            ]
        ),
        Marking(exchange.text),
        *(
            [
                voice,
                Timbering(
                    lambda: settings().speak.timbre,
                    now.speak.voice,
                    kept=resources.kept,
                    pool=resources.pool,
                    failed=exchange.fault("speak"),
                ),
            ]
            if voice
            else [
                Voicing(
                    lambda: resources.speaks(settings().speak),
                    resources.chunker,
                    resources.pool,
                    ahead=lambda: performing.ahead_s,
                    failed=exchange.fault("speak"),
                )
            ]
        ),
        performing,
    ]
