"""Phones (IPA) to visemes, for every viseme set."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rhapsode.errors import RigError
from rhapsode.performance import Span
from rhapsode.rigs.visemes import REST, viseme_set

_ROWS = """
p PP 21 p A    | b PP 21 p A    | m PP 21 p A    | β PP 21 p A    | ɸ FF 18 f G    | f FF 18 f G
v FF 18 f G    | ʋ FF 18 f G    | ɱ FF 18 f G    | θ TH 19 T B    | ð TH 17 T B    | t DD 19 t B
d DD 19 t B    | ʈ DD 19 t B    | ɖ DD 19 t B    | ɾ DD 19 t B    | ɽ DD 19 t B    | n nn 19 t B
ɳ nn 19 t B    | ɲ nn 19 t B    | l nn 14 t H    | ɫ nn 14 t H    | ɭ nn 14 t H    | ʎ nn 14 t H
ɬ nn 14 t H    | k kk 20 k B    | ɡ kk 20 k B    | g kk 20 k B    | ŋ kk 20 k B    | q kk 20 k B
ɢ kk 20 k B    | ɴ kk 20 k B    | c kk 20 k B    | ɟ kk 20 k B    | ɰ kk 20 k B    | ʔ kk 12 k B
h kk 12 k B    | ɦ kk 12 k B    | x kk 12 k B    | χ kk 12 k B    | ɣ kk 12 k B    | ħ kk 12 k B
ʕ kk 12 k B    | ʁ kk 13 k B    | s SS 15 s B    | z SS 15 s B    | ts DD+SS 19+15 t+s B
dz DD+SS 19+15 t+s B| ʃ CH 16 S B    | ʒ CH 16 S B    | tʃ CH 16 S B   | dʒ CH 16 S B   | ɕ CH 16 S B
ʑ CH 16 S B    | ʂ CH 16 S B    | ʐ CH 16 S B    | tɕ CH 16 S B   | dʑ CH 16 S B   | tʂ CH 16 S B
dʐ CH 16 S B   | ç CH 16 S B    | ʝ ih 6 i B     | ɹ RR 13 r B    | ɻ RR 13 r B    | r RR 13 r B
ʀ kk 13 k B    | w ou 7 u F     | ʍ ou 7 u F     | ɥ ou 7 u F     | j ih 6 i B     | i ih 6 i B
ɪ ih 6 i B     | ɨ ih 6 i B     | ɯ ih 6 i B     | y ou 7 u F     | ʏ ou 7 u F     | u ou 7 u F
ʉ ou 7 u F     | ʊ ou 4 u F     | e E 4 e C      | ɛ E 4 E C      | ɤ E 1 @ C      | ə E 1 @ B
ɘ E 1 @ B      | æ aa 1 a C     | ɐ aa 1 a C     | a aa 2 a D     | ɑ aa 2 a D     | ʌ aa 1 E C
ɒ oh 2 O E     | ɔ oh 3 O E     | o oh 8 o E     | ø oh 8 o E     | œ oh 3 O E     | ɵ oh 8 o E
ɜ E 5 E E      | ɝ RR 5 E E     | ɚ RR 5 @ E     | ɞ oh 5 E E     | eɪ E+ih 4 e C+B| aɪ aa+ih 11 a D+B
ɔɪ oh+ih 10 O E+B| oʊ oh+ou 8 o E+F| əʊ oh+ou 8 o E+F| aʊ aa+ou 9 a D+F
"""
_SETS = ("oculus", "azure", "polly", "rhubarb")


def _parse() -> dict[str, dict[str, tuple[str, ...]]]:
    table = {}
    for row in _ROWS.replace("\n", "|").split("|"):
        if row.strip():
            phone, *cells = row.split()
            cells[1] = "+".join(f"viseme_{k}" for k in cells[1].split("+"))
            table[phone] = {name: tuple(cell.split("+")) for name, cell in zip(_SETS, cells, strict=True)}
    return table


PHONES: dict[str, dict[str, tuple[str, ...]]] = _parse()
"""Visemes by IPA phone and viseme set: one, or two that follow each other (diphthongs, affricates)."""

_FIRST_SHARE = 0.6
_LEAST_GAP_S = 0.001


@lru_cache(maxsize=4096)
def phone_visemes(phone: str, viseme_set_name: str = "oculus") -> tuple[str, ...]:
    """Return the visemes of one phone, in order.

    Length, stress, tone and other marks are ignored; a cluster that is not in the table is taken apart.

    Raises:
        RigError: the set is unknown, or no part of ``phone`` is a known phone.

    Example:
        >>> phone_visemes("iː"), phone_visemes("aɪ"), phone_visemes("m", "azure")
        (('ih',), ('aa', 'ih'), ('viseme_21',))

    """
    name, bare = viseme_set(viseme_set_name).name, _bare(phone)
    made: list[str] = []
    while bare:
        size = next((n for n in (2, 1) if bare[:n] in PHONES), 0)
        made += [v for v in PHONES[bare[:size]][name] if made[-1:] != [v]] if size else []
        bare = bare[max(size, 1) :]
    if not made:
        raise RigError(
            f"a phone must be written in IPA, got '{phone}'; known are {', '.join(list(PHONES)[:12])}, ..."
        )
    return tuple(made)


def phones_to_visemes(
    phones: Sequence[Span], name: str = "oculus", *, end_s: float | None = None
) -> tuple[Span, ...]:
    """Return the visemes of timed phones without a gap, from 0 s (or the first phone if that is earlier).

    Two visemes of one phone share its time 60 to 40. Silence stands wherever no phone is heard, equal
    neighbours are one event.

    Args:
        phones: IPA phones in order of time, as in `rhapsode.performance.Words`.
        name: the viseme set: oculus, azure, polly or rhubarb.
        end_s: fill up with silence to here, in seconds; the end of the last phone if None.

    Raises:
        RigError: the set or a phone is unknown.

    """
    rest = REST[viseme_set(name).name]
    events: list[Span] = []
    now = min(0.0, phones[0].start_s) if phones else 0.0
    for phone in phones:
        if phone.start_s > now + _LEAST_GAP_S:
            _append(events, Span(rest, now, phone.start_s))
        visemes, begin = phone_visemes(phone.text, name), max(phone.start_s, now)
        if phone.end_s > begin:
            for part in _shared(visemes, begin, phone.end_s):
                _append(events, part)
            now = phone.end_s
    if end_s is not None and end_s > now:
        _append(events, Span(rest, now, end_s))
    return tuple(events)


def _shared(visemes: tuple[str, ...], begin: float, end: float) -> list[Span]:
    shares = [_FIRST_SHARE, 1 - _FIRST_SHARE] if len(visemes) == 2 else [1 / len(visemes)] * len(visemes)
    edges = [begin]
    for share in shares:
        edges.append(edges[-1] + share * (end - begin))
    edges[-1] = end
    return [Span(v, a, b) for v, a, b in zip(visemes, edges, edges[1:], strict=False)]


def _append(events: list[Span], event: Span) -> None:
    """Add ``event``; one that goes on from its equal makes that longer."""
    start = events[-1].end_s if events else event.start_s
    if events and events[-1].text == event.text:
        events[-1] = Span(event.text, events[-1].start_s, event.end_s)
    else:
        events.append(Span(event.text, start, event.end_s))


def _bare(phone: str) -> str:
    """Return ``phone`` without tie bars, marks of length, stress and tone, and other diacritics."""
    kept = unicodedata.normalize("NFD", phone.replace("ç", "\0"))
    plain = "".join(c for c in kept if c == "\0" or unicodedata.category(c) in ("Ll", "Lo"))
    return plain.replace("\0", "ç")
