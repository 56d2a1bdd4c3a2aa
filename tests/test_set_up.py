"""What is missing is no reason to be green where set-up should have brought it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SET_UP

TESTS = """
import pytest

@pytest.mark.skipif(True, reason="needs the extra 'voices'")
def test_a_mark(): ...

def test_a_call():
    pytest.importorskip("no_such_package_here")

@pytest.fixture
def browser():
    pytest.skip("no chromium")

def test_a_fixture(browser): ...

@pytest.mark.skipif(True, reason="root may write everywhere")
def test_the_machine(): ...

@pytest.mark.xfail(reason="needs the extra 'voices'")
def test_what_is_known_to_fail():
    assert False

def test_what_is_there(): ...
"""


@pytest.fixture
def elsewhere(pytester: pytest.Pytester) -> pytest.Pytester:
    made = Path(__file__).with_name("conftest.py").read_text().replace('pytest_plugins = ["pytester"]', "")
    pytester.makeconftest(made)
    pytester.makepyfile(test_some=TESTS)
    return pytester


def test_what_set_up_brings_is_not_skipped(elsewhere: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SET_UP, "1")
    done = elsewhere.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=1, skipped=1, failed=1, errors=2, xfailed=1)
    done.stdout.fnmatch_lines(
        ["*the extra 'voices' - set-up should have brought it; run: scripts/setup.sh dev"]
    )


def test_a_whole_module_is_not_skipped_either(elsewhere: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SET_UP, "1")
    elsewhere.makepyfile(test_module="import pytest\npytest.importorskip('no_such_package_here')")
    done = elsewhere.runpytest_inprocess("-p", "no:cacheprovider")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["*no_such_package_here*set-up should have brought it*"])


def test_without_set_up_they_are_skipped(elsewhere: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(SET_UP, raising=False)
    elsewhere.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, skipped=4, xfailed=1)
