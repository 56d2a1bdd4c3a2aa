"""Sound as FLAC in memory."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from rhapsode.performance import Float32


def encode(samples: Float32, sample_rate: int) -> bytes:
    """Return a FLAC file with 16 bits a sample.

    Args:
        samples: (n,) float32 in [-1, 1].
        sample_rate: Hz.

    """
    file = io.BytesIO()
    y = np.nan_to_num(np.clip(samples, -1.0, 1.0))
    soundfile.write(file, y, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()
