"""An SSML document spoken: segments by their voices, breaks as silence, marks with their times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Sound, Span, Words
from rhapsode.speech.catalogue import DEFAULT_VOICE, load_voice, voice_for
from rhapsode.speech.heard import spoken_to
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.ssml.document import Break, Mark, Part, Segment, parse_ssml
from rhapsode.speech.voice import Speech, join_speech, moved

_LEAD_S, _TAIL_S = 0.03, 0.05
_SENTENCE_END = frozenset("\n.!?…。！？,;:，、；：")


def stream_ssml(
    text: str,
    *,
    voice: str = "",
    manner: Manner = PLAIN,
    seed: int = 0,
    language: str = "",
    voice_of: Callable[[str], str] = voice_for,
) -> Iterator[Speech]:
    """Yield an SSML document as consecutive slices of one speech, with its marks timed.

    Args:
        text: the document.
        voice: that speaks where the document names none; empty for that of the language.
        manner: of the whole; what the document asks for comes on top.
        seed: the same seed gives the same samples.
        language: BCP 47 tag where the document gives none; empty lets the voice tell.
        voice_of: gives the voice of a language that the document asks for and ``voice`` does not speak.

    Raises:
        SpeechError: at the call, as `parse_ssml`, or if nothing in it can be said; a voice's own at a slice.

    """
    parts = parse_ssml(text)
    if not any(isinstance(part, Segment) for part in parts):
        raise SpeechError("the SSML holds nothing that can be said; write words between the tags")
    usual = voice or (voice_of(language) if language else DEFAULT_VOICE)
    return _spoken(parts, usual, manner, seed, language, voice_of)


def speak_ssml(
    text: str, *, voice: str = "", manner: Manner = PLAIN, seed: int = 0, language: str = ""
) -> Speech:
    """Return the whole of an SSML document as one speech; see `stream_ssml`."""
    return join_speech(list(stream_ssml(text, voice=voice, manner=manner, seed=seed, language=language)))


def _spoken(
    parts: list[Part], usual: str, manner: Manner, seed: int, language: str, voice_of: Callable[[str], str]
) -> Iterator[Speech]:
    at, rate = Fraction(0), 0
    held: Speech | None = None
    marks: list[Span] = []
    for k, part in enumerate(parts):
        if isinstance(part, Mark):
            marks.append(Span(part.name, float(at / CLOCK_HZ), float(at / CLOCK_HZ)))
            continue
        if isinstance(part, Break):
            pieces = iter([_silence(part.seconds, rate or 24_000)] if part.seconds else [])
        else:
            chosen = load_voice(part.voice or _fitting(usual, part.language, voice_of))
            how = manner.then(part.manner)
            spoken = chosen.stream(part.text, manner=how, seed=seed, language=part.language or language)
            pieces = _joined(_marked(spoken, part), k > 0 and _flows(parts[k - 1]), _flows(*parts[k : k + 2]))
        for piece in pieces:
            placed = moved(piece, at, sample_rate=rate)
            rate = placed.sound.sample_rate
            at = placed.sound.start + Fraction(len(placed.sound.samples) * CLOCK_HZ, rate)
            if held is not None:
                yield held
            held, marks = replace(placed, marks=(*marks, *placed.marks)), []
    if held is not None:
        yield replace(held, marks=(*held.marks, *marks))


def _flows(part: Part, following: Part | None = None) -> bool:
    """Tell whether speech goes on behind ``part`` without the end of a sentence or a break."""
    if following is not None and not isinstance(following, Segment):
        return False
    return isinstance(part, Segment) and part.text.rstrip(" ")[-1:] not in _SENTENCE_END


def _marked(pieces: Iterator[Speech], part: Segment) -> Iterator[Speech]:
    """Give each mark inside ``part`` the start of the word behind it."""
    waiting, at = list(part.marks), 0
    last: Speech | None = None
    for piece in pieces:
        if last is not None:
            yield last
        found = []
        for word in piece.words.words:
            begin = spoken_to(part.text[at:], [word]) + at
            while waiting and waiting[0][0] < begin:
                found.append(Span(waiting.pop(0)[1], word.start_s, word.start_s))
            at = begin
        last = replace(piece, marks=tuple(found))
    if last is not None:
        end_s = float(last.sound.start / CLOCK_HZ) + last.sound.duration_s
        yield replace(last, marks=(*last.marks, *(Span(name, end_s, end_s) for _, name in waiting)))


def _joined(pieces: Iterator[Speech], before: bool, behind: bool) -> Iterator[Speech]:
    """Take the silence away where speech flows on before or behind; each piece then begins at zero."""
    pending: Speech | None = None
    head = before
    for piece in pieces:
        if pending is not None:
            yield _trimmed(pending, head=head, tail=False)
            head = False
        pending = piece
    if pending is not None:
        yield _trimmed(pending, head=head, tail=behind)


def _trimmed(speech: Speech, *, head: bool, tail: bool) -> Speech:
    """Return a slice that begins at zero, cut shortly before its first and behind its last phone as asked."""
    sound, phones = speech.sound, speech.words.phones
    start_s, end_s = float(sound.start / CLOCK_HZ), float(sound.start / CLOCK_HZ) + sound.duration_s
    if phones and head:
        start_s = max(start_s, phones[0].start_s - _LEAD_S)
    if phones and tail:
        end_s = min(end_s, phones[-1].end_s + _TAIL_S)
    kept = sound.slice_s(start_s, end_s)
    return moved(replace(speech, sound=kept), -kept.start)


def _fitting(usual: str, language: str, voice_of: Callable[[str], str]) -> str:
    own = {tag.split("-")[0].lower() for tag in load_voice(usual).languages} if language else set()
    return voice_of(language) if language and language.split("-")[0].lower() not in own else usual


def _silence(seconds: float, rate: int) -> Speech:
    return Speech(Sound(np.zeros((max(round(seconds * rate), 1), 1), np.float32), rate), Words())
