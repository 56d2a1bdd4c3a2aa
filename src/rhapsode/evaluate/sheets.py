"""The document of `rhapsode.evaluate.report` as tables: for the terminal and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rhapsode.evaluate.bars import BARS, reached

FINE = frozenset(("vowels_closed", "jaw_mean", "pause_jaw", "real_time_factor"))
"""Measures whose bars are printed with three decimals."""


@dataclass(frozen=True)
class Sheet:
    """One table.

    Args:
        title: what it is measured on.
        columns: headings.
        rows: as many cells each.

    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return it as a Markdown table under its title."""
        lines = [f"**{self.title}**", "", f"| {' | '.join(self.columns)} |"]
        lines.append("|" + "---|" * len(self.columns))
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


SETS = {
    "voices": "Synthetic voices held out, languages of training",
    "language": "A language not in training: Italian, synthetic voices",
    "real": "Real speakers, English (VCTK, LibriSpeech)",
    "own_voice": "The default voice, lines no training saw",
}
TAKES = {
    "grid_s1": "GRID speaker s1, sentences held out, against MediaPipe",
    "facegood_3_15": "FACEGOOD take 3_15, Mandarin, against the animator",
    "portrait_landmarks": "Unseen real speaker, video (English, 14 s, at lag: each clip at its own)",
}
CONDITION = {"clean": "clean", "babble": "babble 10 dB", "telephone": "telephone", "opus": "Opus 8 kbit/s"}

_CONTACTS = {
    "face": "",
    "heard": "",
    "p b m": "{closed}",
    "false": "{vowels_closed}",
    "right": "{precision}",
    "apex ms": "{apex_error_ms:0}",
    "p95": "{apex_error_p95_ms:0}",
    "late": "{apex_late_ms:+}",
    "f v": "{bitten}",
    "vowels": "{vowels_bitten}",
    "round": "{rounded}",
    "spread": "{spread}",
}
_MOTION = {
    "face": "",
    "heard": "",
    "r": "{gap_correlation}",
    "speech": "{gap_correlation_speech}",
    "at lag": "{gap_correlation_at_lag}",
    "lag ms": "{lag_ms:+}",
    "peaks": "{peak_retention}",
    "loud r": "{loudness_motion}",
    "pause": "{pause_jaw:3}",
    "jitter": "{rest_jitter_mm:3}",
    "closes": "{closing_p50_ms:0}",
    "p95": "{closing_p95_ms:0}",
    "in .15 s": "{closed_in_150_ms}",
}
_FILMED = {
    "face": "",
    "heard": "",
    "jaw r": "{jaw_correlation}",
    "speech": "{jaw_correlation_speech}",
    "at lag": "{jaw_correlation_at_lag}",
    "lag ms": "{jaw_lag_ms:+}",
    "lips r": "{opening_correlation}",
    "speech ": "{opening_correlation_speech}",
    "at lag ": "{opening_correlation_at_lag}",
    "lag ms ": "{opening_lag_ms:+}",
    "reach": "{jaw_reach}",
    "jitter": "{jitter}",
}
_COST = {
    "face": "",
    "real-time factor": "{real_time_factor:4}",
    "look-ahead ms": "{look_ahead_ms:0}",
    "work ms": "{work_p50_ms:2}",
    "p95": "{work_p95_ms:2}",
    "waited p95": "{chunk_p95_ms:2}",
    "in all ms": "{in_all_p95_ms:0}",
    "streams": "{streams:0}",
}


def sheets(document: Mapping[str, Any]) -> list[Sheet]:
    """Return the tables of a document; what was not measured has no table, row or column of its own."""
    faces: Mapping[str, Any] = document["faces"]
    made = []
    for kind, name, title, columns in _wanted(faces):
        rows = [
            _row(columns, values, (face, condition_title(condition)))
            for face, found in faces.items()
            for condition, values in found[kind].get(name, {}).items()
        ]
        made.append(Sheet(title, tuple(columns), tuple(rows)))
    sounds = _names(faces, "rest")
    if sounds:
        rest = tuple(
            (
                face,
                *(
                    f"{number(v['jaw_mean'], '3')} ({number(v['jaw_max'], '2')})"
                    for v in found["rest"].values()
                ),
            )
            for face, found in faces.items()
            if found["rest"]
        )
        title = "Jaw where nobody speaks, mean (greatest); levels in dBFS"
        made.append(Sheet(title, ("face", *sounds), rest))
    made += _operating(document.get("operating", {}))
    cost = tuple(_row(_COST, found["cost"], (face,)) for face, found in faces.items() if found["cost"])
    if cost:
        made.append(Sheet("Cost", tuple(_COST), cost))
    return made


def headline(document: Mapping[str, Any]) -> Sheet:
    """Return one row a face: what there is of recall, false closure and precision, timing, rest and cost."""
    faces: Mapping[str, Any] = document["faces"]
    spoken = [name for name in ("voices", "own_voice", "language", "real") if name in _names(faces, "speech")]
    heard = [(name, condition) for name in spoken for condition in ("clean", "20_db", "10_db")]
    heard = [pair for pair in heard if any(pair[1] in f["speech"].get(pair[0], {}) for f in faces.values())]
    closures = [f"{name.replace('_', ' ')}, {condition_title(condition)}" for name, condition in heard]
    filmed = _names(faces, "takes")
    columns = (
        "face",
        *closures,
        "apex ms",
        "r",
        "lag ms",
        *(f"jaw, {name}" for name in filmed),
        "pause",
        "cost",
    )
    rows = []
    for face, found in faces.items():
        speech = found["speech"]
        first, real = (speech.get(name, {}).get("clean", {}) for name in (spoken[0], spoken[-1]))
        row = [_filled("{closed} / {vowels_closed} / {precision}", speech[n].get(c, {})) for n, c in heard]
        row.append(_filled("{apex_error_ms:0} / {apex_error_p95_ms:0}", first))
        row += [number(first.get("gap_correlation")), number(first.get("lag_ms"), "+")]
        row += [number(found["takes"].get(n, {}).get("clean", {}).get("jaw_correlation")) for n in filmed]
        row += [number(real.get("pause_jaw"), "3"), number(found["cost"].get("real_time_factor"), "4")]
        rows.append((face, *row))
    title = (
        "In short: p b m that close / vowels that do / closures that are right; the rest on clean sound, "
        f"apex, r and lag in {spoken[0]}, pause in {spoken[-1]}; cost is the real-time factor"
    )
    return Sheet(title.replace("own_voice", "own voice"), columns, tuple(rows))


def bars(document: Mapping[str, Any]) -> Sheet:
    """Return what is asked of an engine beside what each face reached; a cross marks what falls short."""
    faces = {name: reached(found) for name, found in document["faces"].items()}
    rows = []
    for k, bar in enumerate(BARS):
        form = "0" if abs(bar.least or bar.most or 0) > 1 else "3" if bar.measure in FINE else "2"
        asked = "" if bar.least is bar.most is None else f"≤ {number(bar.most, form)}"
        asked = f"≥ {number(bar.least, form)}" if bar.least is not None else asked
        cells = []
        for found in faces.values():
            mark = " ✗" if found[k].held is False else ""
            cells.append(f"{number(found[k].value, form)}{mark}")
        rows.append((bar.title, asked, *cells))
    return Sheet("Bars for the engine that ships", ("asked", "bar", *faces), tuple(rows))


def _wanted(faces: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield what is shown condition by condition: kind, set, title and columns."""
    for name in _names(faces, "speech"):
        title = SETS.get(name, name)
        yield "speech", name, f"{title}: contacts", _CONTACTS
        yield "speech", name, f"{title}: opening and rest", _MOTION
    for name in _names(faces, "takes"):
        yield "takes", name, TAKES.get(name, name), _FILMED


def _operating(engines: Mapping[str, Any]) -> Iterator[Sheet]:
    """Yield the operating curve of each engine: a row per set and condition, a column per limit."""
    for engine, sets in engines.items():
        rows: list[tuple[str, ...]] = []
        limits: list[str] = []
        for name, conditions in sets.items():
            for condition, found in conditions.items():
                limits = [number(point["low"], "1") for point in found["points"]] or limits
                cells = [f"{number(p['closed'])} / {number(p['vowels_closed'])}" for p in found["points"]]
                rows.append((name, condition_title(condition), number(found["recall_at_4"]), *cells))
        columns = ("set", "heard", "recall at .04", *(f"from {limit}" for limit in limits))
        yield Sheet(
            f"{engine}: recall / vowel false closure, lips closing from a certainty", columns, tuple(rows)
        )


def condition_title(name: str) -> str:
    """Return how a condition is printed: "20_db" as "20 dB"."""
    return CONDITION.get(name, name.replace("_db", " dB"))


def number(value: object, form: str = "2") -> str:
    """Return a number with so many decimals; "+" is a signed whole number, and a dash stands for none."""
    if not isinstance(value, int | float) or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    if form == "+":
        return f"{value:+.0f}"
    text = f"{value:.{form}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) and form in "123" else text


def _names(faces: Mapping[str, Any], kind: str) -> list[str]:
    return list(dict.fromkeys(name for found in faces.values() for name in found[kind]))


def _row(columns: Mapping[str, str], values: Mapping[str, Any], first: tuple[str, ...]) -> tuple[str, ...]:
    cells = [_filled(form, values) for form in columns.values() if form]
    return (*first, *cells)


def _filled(form: str, values: Mapping[str, Any]) -> str:
    """Return ``form`` with each {name:decimals} replaced by its number."""
    made = form
    for part in form.split("{")[1:]:
        slot = part.split("}")[0]
        name, _, decimals = slot.partition(":")
        made = made.replace("{" + slot + "}", number(values.get(name), decimals or "2"))
    return made
