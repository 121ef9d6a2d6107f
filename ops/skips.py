"""A pytest plugin: where everything must run (CI), a skipped test is a failure."""

from __future__ import annotations

import pytest

from ops.test import skips_are_failures


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if skips_are_failures() and reporter and reporter.stats.get("skipped"):
        reporter.write_line("")
        reporter.write_line("tests were skipped, and here none may be (CI)", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
