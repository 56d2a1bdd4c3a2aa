"""What all tests share: one thread a process where tests run side by side, and no silence about set-up."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy, numba or torch are loaded and start their threads
    for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_threads, "1")
