"""Skipped tests: the reasons that are no fault, the list at the end of a run, and the failure of CI for another.

`tests/conftest.py` takes the hooks of pytest from here.
"""

import os
from collections import defaultdict
from enum import StrEnum

import pytest

STRICT = "STRICT_SKIPS"  # variable of the environment that .ci/run sets: 1, or one more reason that is no fault


class SkipReason(StrEnum):
    """Why a test may be skipped in CI, too: the first words of the skip."""

    NO_GPU = "no GPU"
    NO_SHARED_DATA = "real surfaces are absent"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the skipped tests by reason."""
    for reason, tests in sorted(skipped_tests(terminalreporter).items()):
        fault = "" if is_allowed(reason) or STRICT not in os.environ else ", which fails this run"
        terminalreporter.write_line(f"skipped, {reason}{fault}:")
        for test in sorted(tests):
            terminalreporter.write_line(f"    {test}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run that is strict and skipped a test for a reason that is none of `SkipReason`."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or STRICT not in os.environ or session.exitstatus != pytest.ExitCode.OK:
        return
    if not all(map(is_allowed, skipped_tests(reporter))):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_allowed(reason: str) -> bool:
    """Whether a test may be skipped for this reason."""
    return reason.startswith((*SkipReason, os.environ.get(STRICT) or "1"))


def skipped_tests(reporter: pytest.TerminalReporter) -> dict[str, set[str]]:
    """{reason: names of the tests, or of a whole module} of what was skipped."""
    tests = defaultdict(set)
    for report in reporter.stats.get("skipped", ()):
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        tests[said.removeprefix("Skipped: ")].add(report.nodeid)
    return tests
