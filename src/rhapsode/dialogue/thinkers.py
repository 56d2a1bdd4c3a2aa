"""Makes the thinker that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rhapsode.dialogue.both import BothThinker
from rhapsode.dialogue.model import ModelThinker
from rhapsode.dialogue.tools import Tools, add_clock, add_look_up
from rhapsode.dialogue.translate import ArgosTranslator, ModelTranslator, Translations, Translator
from rhapsode.dialogue.translated import TranslatedThinker
from rhapsode.dialogue.turns import Thinker
from rhapsode.errors import SettingError
from rhapsode.settings.sections import Think

if TYPE_CHECKING:
    from rhapsode.dialogue.script import ScriptLibrary, ScriptThinker


def make_thinker(
    settings: Think,
    *,
    library: ScriptLibrary | None = None,
    tools: Tools | None = None,
    key: str | None = None,
    failed: Callable[[str], None] | None = None,
) -> Thinker:
    """Return a script, a language model, or both; may read files, so call it in a thread.

    Any number of conversations of one event loop may share it.

    Args:
        settings: which, and how.
        library: the script where one is read already; None reads the one that the settings name.
        tools: that a language model may call; None for those that the settings name.
        key: of the server of the language model; None reads the environment.
        failed: told what could not be translated, and why.

    Raises:
        SettingError: an address is no address, or the model is a service of Pipecat.
        FormatError: the script cannot be read.
        MissingExtraError: a package is not installed.

    """
    script = None if settings.kind == "model" else _script(settings, library)
    if settings.kind == "script" and script is not None:
        translator = _translator(settings, None, key)
        return script if translator is None else _translated(script, translator, failed)
    if settings.model.startswith("pipecat:"):
        raise SettingError(
            f"think.model {settings.model!r} is a service of Pipecat, which answers on its own; "
            "set think.kind to model, or name a model of the server at think.base_url"
        )
    persona = script.library.script.persona if script is not None else ""
    model = ModelThinker(settings, tools=tools or _tools(settings, script), key=key, persona=persona)
    if script is None:
        return model
    translator = _translator(settings, model, key)
    answers = script if translator is None else _translated(script, translator, failed)
    return BothThinker(answers, model, nearest=script.nearest)


def _script(settings: Think, library: ScriptLibrary | None) -> ScriptThinker:
    from rhapsode.dialogue.script import ScriptLibrary, ScriptThinker

    return ScriptThinker(library or ScriptLibrary(settings.script), threshold=settings.threshold)


def _tools(settings: Think, script: ScriptThinker | None) -> Tools:
    tools = Tools()
    if "clock" in settings.tools:
        add_clock(tools)
    if "look_up" in settings.tools and script is not None:
        add_look_up(tools, script.nearest)
    return tools


def _translator(settings: Think, model: ModelThinker | None, key: str | None) -> Translator | None:
    if settings.translate == "off":
        return None
    if settings.translate == "argos":
        return ArgosTranslator()
    return ModelTranslator(model or ModelThinker(settings, key=key))


def _translated(
    script: ScriptThinker, translator: Translator, failed: Callable[[str], None] | None
) -> TranslatedThinker:
    translations = Translations(translator, failed=failed)
    return TranslatedThinker(script, translations, lambda: script.library.script.languages)
