"""Is the server of the language model there, and the model on it?"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from rhapsode.dialogue.model.connection import check_settings, key_from_environment, shown, transport
from rhapsode.dialogue.model.failures import failure
from rhapsode.errors import MissingExtraError
from rhapsode.settings.sections import Think


@dataclass(frozen=True)
class Check:
    """What was found.

    Args:
        reachable: whether the server answers as it should.
        usable: whether it has the model.
        models: names of the models that it tells.
        message: what was found, with the remedy, on one line.

    """

    reachable: bool
    usable: bool
    models: tuple[str, ...]
    message: str


def check(settings: Think, *, key: str | None = None, timeout_s: float = 5.0) -> Check:
    """Ask the server for its models; costs no tokens.

    Args:
        settings: address and model.
        key: of the server; None reads the environment.
        timeout_s: how long an answer is waited for.

    Raises:
        SettingError: the address is no address.
        MissingExtraError: the package openai is not installed.

    """
    check_settings(settings)
    try:
        import openai
    except ImportError:
        raise MissingExtraError("openai", "converse") from None
    secret = key_from_environment() if key is None else key
    address = shown(settings.base_url)
    try:
        with openai.OpenAI(
            base_url=settings.base_url,
            api_key=secret or "none",
            max_retries=0,
            timeout=timeout_s,
            http_client=openai.DefaultHttpxClient(**transport(settings.base_url)),
        ) as client:
            models = tuple(str(model.id) for model in client.models.list())
    except openai.NotFoundError:
        told = (
            f"{address} answers but tells no models; whether it has {settings.model!r} shows when it is asked"
        )
        return Check(True, bool(settings.model), (), told)
    except Exception as error:
        return Check(False, False, (), failure(error, address=address, key=secret).reason)
    return Check(True, *_found(settings.model, models, address))


def _found(wanted: str, models: tuple[str, ...], address: str) -> tuple[bool, tuple[str, ...], str]:
    names = ", ".join(models[:8]) + (", ..." if len(models) > 8 else "")
    if not models:
        return (
            False,
            models,
            f"{address} answers but has no model; load one there (Ollama: ollama pull llama3.2)",
        )
    if not wanted:
        return True, models, f"{address} has {names}; think.model names none, so {models[0]} is used"
    if wanted in models or f"{wanted}:latest" in models or f"models/{wanted}" in models:
        return True, models, f"{address} has {wanted}"
    near = get_close_matches(wanted, models, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return False, models, f"{address} has no model {wanted!r}; {hint}it has {names}"
