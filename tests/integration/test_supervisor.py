"""`make run` itself: what it prints, what it mends, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.child import ROOT
from ops.ports import free_ports
from ops.readiness import missing

pytestmark = pytest.mark.slow


class Run:
    """One `python -m ops run` with its own ports and data directory."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(carrier=True)
        self.url = f"http://127.0.0.1:{ports.desk}"
        self.data = folder / "data"
        self.output = folder / "output"
        self.env = {
            **os.environ,
            "KEFU_DATA_DIR": str(self.data),
            "KEFU_DATABASE_URL": "",
            "KEFU_PORT": str(ports.desk),
            "KEFU_BOT_PORT": str(ports.bot),
            "KEFU_ACTIONS_PORT": str(ports.actions),
            "KEFU_CARRIER_PORT": str(ports.carrier),
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops", "run"],
                cwd=ROOT,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def parts(self) -> dict[str, int]:
        """The parts that have been started, by name."""
        try:
            noted = json.loads((self.data / "processes.json").read_text())
        except (OSError, ValueError):
            return {}
        return {name: pid for name, (pid, _) in noted.items()}

    def everything(self) -> list[psutil.Process]:
        """The parts with all their children, and PostgreSQL with its helpers."""
        pids = [*self.parts().values()]
        pids.append(int((self.data / "postgres/postmaster.pid").read_text().split()[0]))
        parents = [psutil.Process(pid) for pid in pids]
        return parents + [c for p in parents for c in p.children(recursive=True)]

    def second(self) -> subprocess.CompletedProcess[str]:
        """Another one on the same data directory."""
        command = [sys.executable, "-m", "ops", "run"]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )


def until(true: Callable[[], object], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"not so within {within_s} s"
        time.sleep(0.2)


def ended(processes: list[psutil.Process]) -> bool:
    return all(has_ended(process) for process in processes)


def has_ended(process: psutil.Process) -> bool:
    """A zombie has ended; only its parent has not looked yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # between the two questions
        return True


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.process.poll() is None:
        run.process.terminate()
        run.process.wait(120)


def test_it_says_where_everything_is_mends_what_dies_and_stops_cleanly(run: Run) -> None:
    until(lambda: "Ctrl-C stops everything" in run.said() or run.process.poll() is not None, 200)
    assert missing(run.url) == [], run.said()
    assert f"{run.url}/demo" in run.said()
    assert "login agent, password kefu-agent" in run.said()

    again = run.second()
    assert again.returncode == 1
    assert "Kefu already runs on" in again.stderr
    assert len(again.stderr.splitlines()) == 1

    os.killpg(run.parts()["actions"], signal.SIGKILL)
    until(lambda: "the actions ended (killed by signal 9): starting it again" in run.said(), 60)
    until(lambda: missing(run.url) == [], 200)

    processes = run.everything()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(120) == 0, run.said()
    assert ended(processes)
    assert "Traceback" not in run.said()


def test_killed_without_a_chance_to_clean_up_it_leaves_nothing_behind(run: Run) -> None:
    until(lambda: len(run.parts()) == 4 or run.process.poll() is not None, 200)
    processes = run.everything()
    run.process.kill()
    run.process.wait()
    until(lambda: ended(processes), 60)
