"""The child process of espeak-ng; it uses the standard library and the espeak-ng that the user installed.

Requests: {"do": "voices"}, {"do": "phones", "voice", "texts"}, {"do": "speak", "voice", "text", "rate",
"pitch", "span"}. Constants are those of espeak-ng's speak_lib.h.
"""

import ctypes
import ctypes.util
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

RETRIEVAL, SYNCHRONOUS = 1, 2
PHONEME_EVENTS, PHONEME_IPA, NO_EXIT = 1, 2, 0x8000
UTF8, IPA_WITH_TIES = 1, 0x02 | 0x80 | ord("^") << 8
RATE, PITCH, RANGE = 1, 3, 4
WORD_EVENT, SENTENCE_EVENT, PHONEME_EVENT, END_EVENT = 1, 2, 7, 5
NORMAL_WPM, NORMAL_PITCH, NORMAL_RANGE = 175, 50, 50


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def _load() -> tuple[Any, bytes | None]:
    found = importlib.util.find_spec("espeakng_loader")
    if found is not None and found.origin:
        folder = Path(found.origin).parent
        names = ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll")
        file = next((folder / name for name in names if (folder / name).is_file()), None)
        if file is not None:
            return ctypes.CDLL(str(file)), str(folder / "espeak-ng-data").encode()
    tried = [ctypes.util.find_library("espeak-ng"), "libespeak-ng.so.1", "libespeak-ng.dylib"]
    for name in [*tried, "/opt/homebrew/lib/libespeak-ng.dylib", "libespeak-ng.dll"]:
        try:
            return ctypes.CDLL(name) if name else None, None
        except OSError:
            continue
    return None, None


class Espeak:
    """The library, and what it calls back with."""

    def __init__(self) -> None:
        self.library, data = _load()
        if self.library is None:
            raise RuntimeError("espeak-ng was not found; pip install espeakng-loader, or install espeak-ng")
        self.rate = self.library.espeak_Initialize(
            SYNCHRONOUS, 0, data, PHONEME_EVENTS | PHONEME_IPA | NO_EXIT
        )
        if self.rate < 0:
            raise RuntimeError("espeak-ng did not start; reinstall it")
        self.library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self.samples, self.events = bytearray(), list[Any]()
        self.callback = _CALLBACK(self._take)
        self.library.espeak_SetSynthCallback(self.callback)

    def _take(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self.samples += ctypes.string_at(wave, count * 2)
        k = 0
        while events and events[k].type != 0:
            one = events[k]
            if one.type == PHONEME_EVENT:
                name = one.id.string.split(b"\0")[0].decode("utf-8", "replace")
                self.events.append(["phone", one.sample, name])
            elif one.type == WORD_EVENT:
                self.events.append(["word", one.sample, one.text_position - 1, one.length])
            elif one.type in (SENTENCE_EVENT, END_EVENT):
                self.events.append(["end", one.sample])
            k += 1
        return 0

    def voice(self, name: str) -> None:
        """Choose a voice by its name, or a language's usual one."""
        if not self.library.espeak_SetVoiceByName(name.encode()):
            return
        wanted = _Voice(languages=name.encode())
        known = {listed.split("-")[0] for listed in self.voices()}
        if name.split("-")[0] not in known or self.library.espeak_SetVoiceByProperties(ctypes.byref(wanted)):
            raise RuntimeError(f"it has no voice '{name}'; try one of: {', '.join(self.voices()[:60])}")

    def voices(self) -> list[str]:
        """Return the tags of all voices."""
        listed, names, k = self.library.espeak_ListVoices(None), [], 0
        while listed[k]:
            names.append(listed[k].contents.languages[1:].split(b"\0")[0].decode())
            k += 1
        return sorted(set(names))

    def phones(self, voice: str, text: str) -> str:
        """Return the IPA of ``text``, ties as ^."""
        self.voice(voice)
        buffer = ctypes.create_string_buffer(text.encode())
        place, spoken = ctypes.c_void_p(ctypes.addressof(buffer)), []
        while place.value:
            answer = self.library.espeak_TextToPhonemes(ctypes.byref(place), UTF8, IPA_WITH_TIES)
            spoken.append((answer or b"").decode("utf-8", "replace"))
        return " ".join(spoken)

    def speak(self, voice: str, text: str, rate: float, pitch: float, span: float) -> tuple[bytes, list[Any]]:
        """Return int16 samples and events."""
        self.voice(voice)
        for kind, value in ((RATE, NORMAL_WPM * rate), (PITCH, pitch), (RANGE, span)):
            self.library.espeak_SetParameter(kind, round(value), 0)
        self.samples, self.events = bytearray(), []
        data = text.encode("utf-8") + b"\0"
        self.library.espeak_Synth(data, len(data), 0, 1, 0, UTF8, None, None)
        self.library.espeak_Synchronize()
        return bytes(self.samples), self.events


def main() -> None:
    """Answer requests until the input ends."""
    try:
        engine: Espeak | None = Espeak()
        problem = ""
    except (RuntimeError, OSError, AttributeError) as error:
        engine, problem = None, str(error)
    for line in sys.stdin.buffer:
        data = b""
        try:
            request: dict[str, Any] = json.loads(line)
            answer: dict[str, Any]
            job = request["do"]
            if engine is None:
                answer = {"error": problem}
            elif job == "voices":
                answer = {"voices": engine.voices()}
            elif job == "phones":
                answer = {"phones": [engine.phones(request["voice"], text) for text in request["texts"]]}
            else:
                data, events = engine.speak(
                    request["voice"], request["text"], request["rate"], request["pitch"], request["span"]
                )
                answer = {"sample_rate": engine.rate, "events": events, "bytes": len(data)}
        except Exception as error:  # the parent tells the user
            answer, data = {"error": re.sub(r"\s+", " ", str(error)) or type(error).__name__}, b""
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
