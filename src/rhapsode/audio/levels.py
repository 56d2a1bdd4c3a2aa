"""What samples may be: finite numbers; and how several channels become one."""

from __future__ import annotations

import numpy as np

from rhapsode.errors import AudioError
from rhapsode.performance import Float32


def count_not_finite(samples: Float32) -> int:
    """Return how many of ``samples`` (any shape) are NaN or infinite."""
    finite = np.isfinite(samples)
    return 0 if finite.all() else int(finite.size - np.count_nonzero(finite))


def not_finite_error(what: str, count: int, first: str) -> AudioError:
    """Build the error for ``count`` NaN or infinite samples, ``first`` saying where they begin."""
    one = "sample is" if count == 1 else "samples are"
    return AudioError(
        f"{what}: {count} {one} not finite (NaN or infinite), the first at {first}; "
        "expected numbers; export the sound again, or replace them by zeros"
    )


def check_finite(
    samples: Float32, *, sample_rate: int | None = None, first_sample: int = 0, what: str = "the sound"
) -> None:
    """Raise `AudioError` if a sample is NaN or infinite.

    Args:
        samples: (n,) or (n, channels) float32. Values beyond [-1, 1] are fine.
        sample_rate: Hz; the message then gives the time of the first one in seconds.
        first_sample: position of ``samples[0]`` in the stream.
        what: how the message calls the sound.

    Raises:
        AudioError: with the number of such samples and the place of the first.

    """
    count = count_not_finite(samples)
    if count:
        bad = ~np.isfinite(samples.reshape(len(samples), -1)).all(axis=1)
        place = first_sample + int(np.argmax(bad))
        raise not_finite_error(
            what, count, f"{place / sample_rate:.3f} s" if sample_rate else f"sample {place}"
        )


def downmix(samples: Float32) -> Float32:
    """Return the mean of all channels, (n,) float32; silent channels count.

    Adds channel by channel, so that the result does not depend on how a stream is cut.

    Args:
        samples: (n,) or (n, channels) float32.

    """
    if samples.ndim == 1:
        return samples
    if samples.shape[1] == 1:
        return samples[:, 0]
    total = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    return np.asarray(total / np.float32(samples.shape[1]), np.float32)
