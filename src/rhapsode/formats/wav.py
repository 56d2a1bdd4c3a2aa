"""The sound of a performance as a WAV file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from rhapsode.errors import FormatError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance


class WavWriter:
    """Writes 16-bit samples as they come, clipped to full scale; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._file: Any = None

    def write(self, part: Performance) -> None:
        """Append the sound of ``part``."""
        if part.sound is None:
            return
        if self._file is None:
            channels = part.sound.samples.shape[1]
            self._file = soundfile.SoundFile(
                self._path, "w", part.sound.sample_rate, channels, "PCM_16", format="WAV"
            )
        self._file.write(np.clip(part.sound.samples, -1.0, 1.0))

    def close(self) -> None:
        """Complete the file.

        Raises:
            FormatError: the performance has no sound.

        """
        if self._file is None:
            raise FormatError(
                "a .wav file needs the sound of the performance, got none; write .csv, .json or .npz instead"
            )
        self._file.close()

    def abort(self) -> None:
        """Close the file as it is."""
        if self._file is not None:
            self._file.close()
