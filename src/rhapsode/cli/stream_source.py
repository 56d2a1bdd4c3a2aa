"""Which source ``rhapsode stream`` performs, from its options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.live.ear import Process
    from rhapsode.live.sources.source import Source


def source_of(
    mic: bool,
    device: str,
    file: Path | None,
    say: str,
    pcm: str,
    rate: int,
    a2f: str,
    *,
    process: Process | None,
    voice: str,
    again: bool,
) -> Source | None:
    """Return the one source that was asked for; None plays life alone."""
    given = {"--mic": mic, "--file": file, "--say": say, "--pcm": pcm, "--a2f": a2f}
    asked = [name for name, value in given.items() if value]
    if len(asked) > 1:
        raise SettingError(f"a live performance has one source, got {' and '.join(asked)}; choose one")
    if mic:
        from rhapsode.live.sources.microphone import Microphone

        return Microphone(device or None, process=process)
    if a2f:
        from rhapsode.live.sources.audio2face import source_at

        return source_at(a2f)
    if file is not None or say:
        from rhapsode.live.sources.played import played_file, spoken_text

        return spoken_text(say, voice, again=again) if file is None else played_file(file, again=again)
    return _raw(pcm, rate, process) if pcm else None


def process_of(*, denoise: bool, vad: bool) -> Process | None:
    """Return what cleans the sound; None where nothing is asked for."""
    from rhapsode.live.engine import SAMPLE_RATE

    steps: list[Process] = []
    if denoise:
        from rhapsode.audio.denoise import Denoiser

        steps.append(Denoiser(SAMPLE_RATE))
    if vad:
        from rhapsode.audio.vad import VoiceGate

        steps.append(VoiceGate(SAMPLE_RATE))
    if len(steps) < 2:
        return steps[0] if steps else None
    first, second = steps
    return lambda y: second(first(y))


def held(source: Source | None, button: str) -> Source:
    """Return ``source``, heard only while FACEGOOD's button is held."""
    from rhapsode.live.sources.push_to_talk import PORT, PushToTalk

    host, _, port = button.partition(":")
    if source is None or not (port.isdigit() or not port):
        raise SettingError(
            f"--button needs a source and HOST:PORT, got '{button}'; try --mic --button 127.0.0.1:{PORT}"
        )
    return PushToTalk(source, host or "127.0.0.1", int(port or PORT))


def _raw(pcm: str, rate: int, process: Process | None) -> Source:
    from urllib.parse import urlsplit

    from rhapsode.live.sources.pcm import PcmPipe, PcmServer

    if pcm == "-":
        return PcmPipe(open(0, "rb", buffering=0, closefd=False), rate, process=process)
    address = urlsplit(pcm)
    if address.scheme != "ws":
        raise SettingError(f"--pcm must be '-' or ws://HOST:PORT, got '{pcm}'; try ws://127.0.0.1:8766")
    return PcmServer(address.hostname or "127.0.0.1", address.port or 8766, rate, process=process)
