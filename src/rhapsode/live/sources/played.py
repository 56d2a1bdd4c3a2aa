"""Sound that the product has whole: a file, or a text to be spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rhapsode.errors import AudioError
from rhapsode.live.asked import Speech
from rhapsode.live.engine import Block
from rhapsode.live.session import Session
from rhapsode.live.sources.source import Ending
from rhapsode.sources import FileSource, TextSource


class Played:
    """Performs sound in real time, once or again and again.

    Args:
        title: shown to people.
        kind: "text" or "sample".
        blocks: makes the sound.
        again: begin anew at the end.

    """

    def __init__(
        self, title: str, kind: str, blocks: Callable[[], Iterator[Block]], *, again: bool = False
    ) -> None:
        self._speech, self._again = Speech(title, kind, blocks), again

    async def run(self, session: Session) -> None:
        """Perform it.

        Raises:
            AudioError: the sound cannot be made or read to its end.

        """
        while True:
            ending = Ending()
            session.perform(self._speech)
            fault = await ending.wait(session)
            if fault is not None:
                raise AudioError(fault.message)
            if not self._again:
                return


def played_file(path: Path, *, again: bool = False) -> Played:
    """Return a sound or video file played in real time.

    Raises:
        AudioError: it cannot be read, or holds no sound.

    """
    FileSource(path)
    return Played(path.name, "sample", lambda: FileSource(path).blocks(), again=again)


def spoken_text(text: str, voice: str, *, again: bool = False) -> Played:
    """Return a text spoken in real time.

    Raises:
        SpeechError: the text or the voice cannot be used.

    """
    TextSource(text, voice)
    return Played(text, "text", lambda: TextSource(text, voice).blocks(), again=again)
