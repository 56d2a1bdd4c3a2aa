"""Azure AI Speech's viseme events: an id from 0 to 21 and the audio offset in ticks of 100 ns.

Written as a JSON array with the field names of the Python SDK, one event a line. Read in any spelling of
these names (``AudioOffset``, ``privAudioOffset``, ``offset``), as an array or one event after another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rhapsode.formats.event_text import EventFile, short
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.viseme_curves import performance_of
from rhapsode.formats.viseme_track import VisemeTrack
from rhapsode.performance import Performance

TICKS = 10_000_000
"""Ticks in a second."""

_PREFIX = "viseme_"
_TAIL_S = 0.2
_OFFSETS, _IDS = ("audiooffset", "offset"), ("visemeid", "id")


class VisemeWriter:
    """Collects the events and writes them at the end; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._track = VisemeTrack("azure")

    def write(self, part: Performance) -> None:
        """Take the next part."""
        self._track.push(part)

    def close(self) -> None:
        """Write the file; the last event is silence at the end.

        Raises:
            RigError: a phone of the performance is not written in IPA.

        """
        events = [(span.start_s, int(span.text.removeprefix(_PREFIX))) for span in self._track.finish()]
        if events:
            events.append((self._track.duration_s, 0))
        lines = [
            json.dumps({"audio_offset": round(start * TICKS), "viseme_id": number})
            for start, number in events
        ]
        self._path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8", newline="\n")

    def abort(self) -> None:
        """Do nothing: no file is open."""


def read(path: Path) -> Performance:
    """Read viseme events; the mouth moves from one to the next.

    Raises:
        FormatError: it is no JSON, or holds no events with an id and an offset.

    """
    file = EventFile(path, "Azure viseme events", "save the ids and audio offsets of the events again")
    documents = file.documents()
    if len(documents) == 1 and isinstance(documents[0], dict):
        held = [value for key, value in documents[0].items() if key.lower() == "visemes"]
        documents = held[0] if held and isinstance(held[0], list) else documents
    if not documents:
        raise file.wrong("no events", "objects with an audio offset and a viseme id")
    starts = sorted((_event(file, event, k + 1) for k, event in enumerate(documents)), key=lambda one: one[1])
    closed = [name for name, _ in starts[-2:]] == [f"{_PREFIX}0"] * 2
    return performance_of(file.spans(starts, starts[-1][1] + (0.0 if closed else _TAIL_S)), "azure")


def _event(file: EventFile, event: Any, number: int) -> tuple[str, float]:
    where = f"event {number}"
    if not isinstance(event, dict):
        raise file.wrong(f"{short(event)} for {where}", "an object with an audio offset and a viseme id")
    plain = {key.replace("_", "").lower().removeprefix("priv"): value for key, value in event.items()}
    offset, viseme = (next((plain[k] for k in keys if k in plain), None) for keys in (_OFFSETS, _IDS))
    if isinstance(viseme, bool) or not isinstance(viseme, int) or not 0 <= viseme <= 21:
        raise file.wrong(f"the viseme id {short(viseme)} in {where}", "a whole number from 0 to 21")
    return f"{_PREFIX}{viseme}", file.time_s(offset, TICKS, where)
