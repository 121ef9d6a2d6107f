"""Fixtures shared by the suites: one whole system for all tests that need one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")

# Property tests try the same examples on every run, however slow the machine is: one that fails has
# been broken. `--hypothesis-profile=default` looks for new ones.
settings.load_profile("ci")


@pytest.fixture(scope="session")
def kefu() -> Iterator[object]:
    """The whole system, started once: real Rasa, actions, desk and PostgreSQL, demo data in it."""
    from ops.system import System

    with tempfile.TemporaryDirectory(prefix="kefu-test-", ignore_cleanup_errors=True) as folder:
        system = System(Path(folder) / "var", demo=True, env={"KEFU_MESSAGES_PER_MINUTE": "6000"})
        system.start()
        try:
            yield system
        finally:
            system.stop()
