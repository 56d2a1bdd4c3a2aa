"""What all tests share: one thread a process where they run side by side, and no silence about set-up.

Where `SET_UP` is 1, as `make` sets it, a test that is skipped because something is missing that set-up brings
fails instead: a green run then means that everything was tried.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

pytest_plugins = ["pytester"]

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy, numba or torch are loaded and start their threads
    for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_threads, "1")

SET_UP = "RHAPSODE_IS_SET_UP"
"""The environment variable that, set to 1, says that ``scripts/setup.sh dev`` has run."""

MAY_LACK = (
    *("recordings", "takes are not here", "capture is here", "../shared/", "beside the checkout"),
    *(
        "deepgram is installed",
        "in use on this machine",
        "root may write",
        "this processor",
        "pseudo terminals",
    ),
    *("Azure's package", "Amazon's package", "NVIDIA's client"),
    *("PostgreSQL server", "by the user", "pyopenjtalk", "openssl is not installed", "Blender is missing"),
    *("RHAPSODE_WITHOUT_BROWSER", "pseudo terminals"),
)
"""What a reason to skip says where it is no matter of set-up: data beside the checkout, what a machine is,
what its user adds, and Blender, which is for Python 3.11 alone."""


def _missing(skipped: object) -> str | None:
    """Return what a test fails with that was ``skipped`` (place, line, reason), or None where it may be."""
    reason = str(skipped[2] if isinstance(skipped, tuple) else skipped)
    if os.environ.get(SET_UP) != "1" or any(part in reason for part in MAY_LACK):
        return None
    return f"{reason.removeprefix('Skipped: ')} - set-up should have brought it; run: scripts/setup.sh dev"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have a test fail that is skipped for want of what set-up brings."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and (why := _missing(report.longrepr)):
        report.outcome, report.longrepr = "failed", why
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have a module fail that is skipped as a whole for the same want."""
    report = yield
    if report.outcome == "skipped" and (why := _missing(report.longrepr)):
        report.outcome, report.longrepr = "failed", why
    return report
