"""Voice conversion: what a voice speaks, in another voice; WORLD's, or one named "module:function".

converter = make_converter("anna.timbre.npz", load_voice("hibari"), language="en")
for part in load_voice("hibari").stream(text):
    play(converter(part))
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

from rhapsode.audio.resample import resample
from rhapsode.errors import SettingError, SpeechError
from rhapsode.speech.timbre import Timbre
from rhapsode.speech.voice import Speech, Voice
from rhapsode.speech.world import RATE, Profile, measure

SAMPLES = {
    "en": "The harbour was quiet at dawn. A small boat with yellow sails moved slowly past the old stone "
    "bridge, and nobody on the shore noticed it. Children were laughing somewhere behind the church. "
    "What a strange, bright morning that was!",
    "zh": "清晨的港口很安静。一只挂着黄色风帆的小船慢慢地驶过古老的石桥，岸上没有人注意到它。"
    "孩子们在教堂后面笑着。那是一个多么奇怪而明亮的早晨啊！",
    "ja": "夜明けの港は静かでした。黄色い帆の小さな船が古い石の橋の下をゆっくり通りましたが、"
    "岸にいる人は誰も気がつきませんでした。子供たちはどこかで笑っていました。",
    "es": "El puerto estaba tranquilo al amanecer. Un barco pequeño de velas amarillas pasó despacio bajo el "
    "viejo puente de piedra, y nadie en la orilla lo vio. Los niños reían detrás de la iglesia.",
    "fr": "Le port était calme à l'aube. Un petit bateau aux voiles jaunes passait lentement sous le vieux "
    "pont de pierre, et personne sur la rive ne le remarquait. Des enfants riaient derrière l'église.",
    "it": "All'alba il porto era tranquillo. Una piccola barca con le vele gialle passava lentamente sotto "
    "il vecchio ponte di pietra, e nessuno sulla riva la notava. I bambini ridevano dietro la chiesa.",
    "pt": "O porto estava calmo ao amanhecer. Um pequeno barco de velas amarelas passava devagar sob a velha "
    "ponte de pedra, e ninguém na margem o notava. As crianças riam atrás da igreja.",
    "hi": "सुबह बंदरगाह शांत था। पीले पाल वाली एक छोटी नाव पुराने पत्थर के पुल के नीचे से धीरे धीरे गुज़री, "
    "और किनारे पर किसी ने उसे नहीं देखा। बच्चे गिरजाघर के पीछे हँस रहे थे।",
}
"""What a voice says to be measured, by language."""


class Converter(Protocol):
    """Says it in another voice; called from any thread, several at a time."""

    def __call__(self, speech: Speech, /) -> Speech:
        """Return ``speech``, a sentence or so: as many samples at the same rate, the same words and times."""


class WorldConverter:
    """Conversion by WORLD.

    Args:
        timbre: that is taken on.
        own: what the speaking voice sounds like.

    """

    def __init__(self, timbre: Timbre, own: Profile) -> None:
        self.timbre, self.own = timbre, own

    def __call__(self, speech: Speech, /) -> Speech:
        """Return ``speech`` in the timbre."""
        return self.timbre.convert(speech, self.own)


def make_converter(name: str, voice: Voice, *, language: str = "") -> Converter:
    """Return what says in another voice what ``voice`` says.

    Args:
        name: a sound file or a saved timbre; or "module:function", which is called with ``voice`` and
            ``language`` and returns a `Converter`.
        voice: speaks.
        language: BCP 47 tag of what it will say; empty for its own.

    Raises:
        AudioError: the file cannot be read as sound.
        FormatError: it is a damaged timbre.
        MissingExtraError: pyworld is not installed.
        SettingError: there is no such function.
        SpeechError: too little of a voice is in the file.

    """
    if (make := named_converter(name)) is not None:
        return make(voice, language)
    return WorldConverter(Timbre.from_file(name), own_profile(voice, language))


def own_profile(voice: Voice, language: str = "") -> Profile:
    """Return what ``voice`` sounds like: it speaks some sentences, which takes seconds.

    Raises:
        MissingExtraError: pyworld is not installed.
        SpeechError: it cannot speak them.

    """
    tag = (language or voice.language).split("-")[0].lower()
    if tag not in SAMPLES:
        raise SpeechError(
            f"voice conversion knows no sentences to measure '{voice.name}' on in '{tag}', "
            f"only in {', '.join(SAMPLES)}; leave speak.timbre empty"
        )
    sound = voice.speak(SAMPLES[tag], language=language).sound
    return measure(resample(sound.mono(), sound.sample_rate, RATE))


class Make(Protocol):
    """Makes a converter."""

    def __call__(self, voice: Voice | str, language: str, /) -> Converter:
        """Return what converts ``voice``; of a voice of Pipecat's services only the name is known."""


def named_converter(name: str) -> Make | None:
    """Return the function that ``name`` names as "module:function"; None where it is a file.

    Raises:
        SettingError: there is no such function.

    """
    module, colon, function = name.partition(":")
    word = module.replace(".", "").replace("_", "").isalnum()
    if not colon or not word or Path(name).expanduser().exists():
        return None
    try:
        made: Make = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SettingError(
            f"there is no converter '{name}' ({error}); name a function that can be imported, or a sound file"
        ) from error
    return made
