"""Where a sound file says that it ends: read from the few bytes that FFmpeg does not report."""

from __future__ import annotations

from pathlib import Path


def wav_declared_s(path: Path) -> float | None:
    """Return the duration by the sizes in a RIFF header, None where it gives none.

    FFmpeg goes by the size of the file instead.
    """
    with path.open("rb") as file:
        head = file.read(65_536)
    if head[:4] != b"RIFF":
        return None
    at, byte_rate = 12, 0
    while at + 8 <= len(head):
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        if head[at : at + 4] == b"fmt ":
            byte_rate = int.from_bytes(head[at + 16 : at + 20], "little")
        elif head[at : at + 4] == b"data":
            # A recorder that never came to its end leaves 0 or the largest sizes.
            return size / byte_rate if byte_rate and 0 < size < 0x7FFFF000 else None
        at += 8 + size + size % 2
    return None


def mp3_has_header(path: Path) -> bool:
    """Whether an MP3 file says how many frames it has; without that, FFmpeg guesses from its size."""
    with path.open("rb") as file:
        start = file.read(10)
        if start[:3] == b"ID3" and len(start) == 10:
            a, b, c, d = start[6:10]
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
            start = b""
        head = start + file.read(4096)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def ogg_ends(path: Path) -> bool:
    """Whether the last page of an Ogg file carries the end-of-stream flag (RFC 3533, section 6)."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 70_000, 0))
        tail = file.read()
    last = tail.rfind(b"OggS")
    if last < 0 or len(tail) < last + 27:
        return False
    segments = tail[last + 26]
    table = tail[last + 27 : last + 27 + segments]
    complete = len(table) == segments and len(tail) >= last + 27 + segments + sum(table)
    return complete and bool(tail[last + 5] & 0x04)
