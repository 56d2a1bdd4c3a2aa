"""Who answers, by the settings: a script, a language model, or both, translated if need be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rhapsode.dialogue.turns import Thinker
from rhapsode.settings import Think

if TYPE_CHECKING:
    from rhapsode.dialogue.script import ScriptLibrary
    from rhapsode.dialogue.translate import Translations


def make_thinker(
    think: Think, library: Callable[[], ScriptLibrary], failed: Callable[[str], None]
) -> Thinker:
    """Return who answers by ``think``.

    Args:
        think: the settings.
        library: returns the script, loaded.
        failed: told why something could not be translated.

    Raises:
        ScriptError: the script is none.
        SettingError: the address of the model is none.
        MissingExtraError: what the settings need is not installed.

    """
    if think.kind == "model":
        return _model(think)
    from rhapsode.dialogue.script import ScriptThinker

    script = ScriptThinker(library(), threshold=think.threshold)
    answers: Thinker = script
    if think.kind == "both":
        from rhapsode.dialogue.both import BothThinker
        from rhapsode.dialogue.model import ModelThinker

        persona = script.library.script.persona
        answers = BothThinker(
            script,
            ModelThinker(think, persona=persona),
            nearest=script.nearest,
            threshold=think.threshold,
        )
    if think.translate == "off":
        return answers
    from rhapsode.dialogue.translated import TranslatedThinker

    return TranslatedThinker(answers, _translations(think, failed), lambda: script.library.script.languages)


def _model(think: Think) -> Thinker:
    from rhapsode.dialogue.model import ModelThinker

    return ModelThinker(think)


def _translations(think: Think, failed: Callable[[str], None]) -> Translations:
    from rhapsode.dialogue.translate import ArgosTranslator, ModelTranslator, Translations, Translator

    translator: Translator
    if think.translate == "argos":
        translator = ArgosTranslator()
    else:
        from rhapsode.dialogue.model import ModelThinker

        translator = ModelTranslator(ModelThinker(think))
    return Translations(translator, failed=failed)
