"""What ``rhapsode talk`` and ``say`` are made of: a conversation as a source, where it goes, who asks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rhapsode.errors import AudioError, MissingExtraError

if TYPE_CHECKING:
    from rhapsode.cli.talk_ears import Ears, Exchanges
    from rhapsode.cli.talk_view import View
    from rhapsode.conversation import Conversation
    from rhapsode.face.direction import Direction
    from rhapsode.live.session import Session
    from rhapsode.live.show import Show
    from rhapsode.settings import Settings


class Talk:
    """A conversation as a source of a live performance; over when whoever asks has nothing more to ask.

    Args:
        settings: of the conversation.
        ears: who asks.
        view: shows it.

    """

    def __init__(self, settings: Settings, ears: Ears, view: View) -> None:
        self._settings, self._ears, self._view = settings, ears, view

    async def run(self, session: Session) -> None:
        """Converse.

        Raises:
            RhapsodeError: nobody can ask.

        """
        from rhapsode.cli.talk_ears import Exchanges
        from rhapsode.cli.talk_keeping import Keeping
        from rhapsode.conversation import Conversation, Resources

        resources, exchanges = Resources(), Exchanges()
        conversation = Conversation(session, self._settings, resources=resources)
        watching = [conversation.watch(exchanges), conversation.watch(self._view)]
        kept = Keeping(session, conversation, self._settings.remember, note=self._view.note)
        self._view.state("loading")
        running = asyncio.create_task(conversation.run())
        asking = asyncio.create_task(self._ask(conversation, kept.heard, exchanges))
        try:
            done, _ = await asyncio.wait((running, asking), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (asking, running):
                task.cancel()
            await asyncio.gather(asking, running, return_exceptions=True)
            for stop in watching:
                stop()
            kept.close()
            resources.close()

    async def _ask(self, conversation: Conversation, heard: Conversation, exchanges: Exchanges) -> None:
        await conversation.ready.wait()
        self._view.state("ready")
        await self._ears(heard, exchanges)


def show_of(
    to: Sequence[str], voice: str, direction: Direction, *, mute: bool, note: Callable[[str], None]
) -> Show:
    """Return a performance for the loudspeaker, unless ``mute``, and for all sinks of ``to``.

    A loudspeaker that nobody named and that cannot be had is told and left out.

    Raises:
        SettingError: a sink or one of its options is not known.
        MissingExtraError: a sink needs a part that is not installed.

    """
    from rhapsode.live.engine import ProductEngine
    from rhapsode.live.show import Show

    urls = list(to)
    if not mute and not any(url.split(":")[0] == "speaker" for url in urls):
        if problem := no_device("output"):
            note(f"nothing is heard: {problem}")
        else:
            urls.insert(0, "speaker")
    return Show(ProductEngine(voice), urls, direction=direction)


def ears_of(
    text: bool, files: Sequence[Path], device: str, *, note: Callable[[str], None], hint: bool = True
) -> tuple[Ears, bool]:
    """Return who asks, and whether by keyboard: where no microphone can be had, that is told.

    Raises:
        AudioError: a file cannot be read, or no microphone has that name.
        MissingExtraError: a microphone was named and what hears it is not installed.

    """
    from rhapsode.cli.talk_ears import PlayedFiles, Spoken, Typed

    if files:
        return PlayedFiles(files), False
    if not text and not device and (problem := no_device("input")):
        note(f"nobody is heard: {problem}")
        text = True
    if text:
        if hint and sys.stdin.isatty():
            note("type a question; an empty line silences the answer, /quit ends")
        return Typed(unclear=note), True
    ears = Spoken(device)
    if device:
        check_device(device)
    return ears, False


def check_device(device: str) -> None:
    """Find a microphone now, not once all is loaded.

    Raises:
        AudioError: none has that name or number.

    """
    import sounddevice

    from rhapsode.live.sources.microphone import microphones

    try:
        sounddevice.query_devices(int(device) if device.isdigit() else device, "input")
    except (sounddevice.PortAudioError, ValueError) as error:
        known = ", ".join(microphones())
        remedy = f"known are: {known}" if known else "this machine has none; plug one in, or type with --text"
        raise AudioError(f"no microphone '{device}' ({str(error).splitlines()[0]}); {remedy}") from None


def no_device(kind: str) -> str:
    """Return why there is no device of ``kind``, "input" or "output"; empty where there is one."""
    try:
        import sounddevice
    except (ImportError, OSError):
        return str(MissingExtraError("sounddevice with PortAudio (Debian: libportaudio2)", "record"))
    try:
        sounddevice.query_devices(kind=kind)
    except (sounddevice.PortAudioError, ValueError):
        what = "microphone" if kind == "input" else "loudspeaker"
        return f"this machine has no {what}; plug one in"
    return ""


async def tell_failures(show: Show, note: Callable[[str], None]) -> None:
    """Tell once of each sink that fails, until cancelled."""
    told: set[tuple[str, str]] = set()
    while True:
        for row in show.status:
            if row.error and (row.url, row.error) not in told:
                told.add((row.url, row.error))
                note(f"{row.url}: {row.error}")
        await asyncio.sleep(0.5)
