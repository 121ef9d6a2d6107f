"""`make test` and `make check`: the phases, each announced and timed; one failing fails the whole.

python -m ops test                 everything
python -m ops test check unit      only these phases
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from ops.child import ROOT
from ops.environment import bot_environment

PYTHON = sys.executable
BOT_PYTHON = str(ROOT / ".venv-bot/bin/python")
#: What mypy is told for bot/, which means what Rasa's environment has.
AS_RASA = ["--python-version=3.10", f"--python-executable={BOT_PYTHON}"]
PYTEST = [PYTHON, "-m", "pytest", "-p", "ops.skips"]

#: phase -> (what it does, commands). A phase is over when all its commands have run.
PHASES: dict[str, tuple[str, list[list[str]]]] = {
    "check": (
        "lint, format, types, data files",
        [
            [PYTHON, "-m", "ruff", "check", "."],
            [PYTHON, "-m", "ruff", "format", "--check", "."],
            [PYTHON, "-m", "mypy"],
            [PYTHON, "-m", "mypy", *AS_RASA, "bot"],
            [PYTHON, "-m", "ops", "validate"],
            [PYTHON, "-m", "evaluation.check_cases"],
        ],
    ),
    "unit": ("rules, review, documents", [[*PYTEST, "tests/unit"]]),
    "rasa": (
        "the bot's stories",
        [[PYTHON, "-m", "ops", "train", "--if-needed"], [BOT_PYTHON, "tests/rasa/run.py"]],
    ),
    "integration": (
        "dialogues through Rasa, actions, desk, PostgreSQL",
        [[*PYTEST, "tests/integration"]],
    ),
    "browser": ("the story in Chromium", [[*PYTEST, "tests/browser"]]),
}


def main() -> int:
    """Run the wanted phases, all of them to their end; 1 when one failed, 2 for a wrong name."""
    wanted = sys.argv[1:] or list(PHASES)
    unknown = [name for name in wanted if name not in PHASES]
    if unknown:
        print(f"no such phase: {', '.join(unknown)}; there are: {', '.join(PHASES)}")
        return 2
    began = time.monotonic()
    failed: list[str] = []
    for number, name in enumerate(wanted, start=1):
        what, commands = PHASES[name]
        since = time.monotonic()
        if failed:  # said before the last phase, so that pytest's own closing line is the last
            _say(f"failed so far: {', '.join(failed)}")
        _say(f"{name} ({number} of {len(wanted)}; {since - began:.0f} s): {what}")
        good = [_run(command) for command in commands]
        if not all(good):
            failed.append(name)
    if failed:
        _say(f"failed: {', '.join(failed)} (after {time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


def _run(command: list[str]) -> bool:
    env = bot_environment() if command[0] == BOT_PYTHON else None
    try:
        return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode == 0
    except KeyboardInterrupt:
        sys.exit(130)


def _say(line: str) -> None:
    print(f"\n==> {line}", flush=True)


def skips_are_failures() -> bool:
    """In CI nothing may be skipped; elsewhere a missing browser, say, only skips its tests."""
    return os.environ.get("CI", "").lower() == "true" or os.environ.get("KEFU_REQUIRE_ALL") == "1"
