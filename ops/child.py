"""One program that the supervisor runs: its process group, its log, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: A log that has grown past this many bytes is moved to `<name>.log.1` when its program starts.
LOG_LIMIT = 10_000_000


class Guard:
    """The process that ends everything when this one is gone (`ops/guard.py`)."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(ROOT / "ops/guard.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def tell(self, order: str, value: object) -> None:
        """`watch GROUP`, `forget GROUP` or `postgres FOLDER`."""
        with contextlib.suppress(OSError, ValueError):  # it is gone, or let go
            assert self.process.stdin
            self.process.stdin.write(f"{order} {value}\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """Let it go; whatever it still watches ends now."""
        with contextlib.suppress(OSError):
            assert self.process.stdin
            self.process.stdin.close()
        self.process.wait()


class Child:
    """A program in a session of its own, so that a Ctrl-C in the terminal reaches only us.

    Args:
        name: for people and for the log's name.
        command: program and arguments; started in the project's folder.
        env: its whole environment.
        logs: folder of the logs.
        guard: told about the process while it lives.
    """

    def __init__(
        self, name: str, command: Sequence[str], env: Mapping[str, str], logs: Path, guard: Guard
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = dict(env)
        self.log = logs / f"{name}.log"
        self.guard = guard
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0

    def start(self) -> None:
        """Start it; its output is appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} started\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.began = time.monotonic()
        self.guard.tell("watch", self.process.pid)

    @property
    def pid(self) -> int | None:
        """Its process id, also once it has ended; None before its first start."""
        return self.process.pid if self.process else None

    def exit_code(self) -> int | None:
        """None while it runs or was never started; negative = the signal that ended it."""
        return self.process.poll() if self.process else None

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def stop(self, wait_s: float = 8.0) -> None:
        """Ask it to end, wait, then end whatever is left of its group."""
        if self.process is None:
            return
        if self.is_alive():
            self.signal(signal.SIGCONT)  # a paused program hears nothing else
            # To the program alone: its workers are its own to end, and some take a second
            # SIGTERM as the order to drop everything.
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
        self.kill()

    def kill(self) -> None:
        """End the whole group now (kill -9)."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.guard.tell("forget", self.process.pid)

    def wait(self, check: Callable[[], None]) -> int:
        """Wait for its end, calling `check` (which may raise) four times a second."""
        assert self.process
        while self.process.poll() is None:
            check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.25)
        self.guard.tell("forget", self.process.pid)
        return self.process.returncode

    def last_lines(self, count: int = 5) -> str:
        """The end of its log, without empty lines."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join([line for line in lines if line.strip()][-count:])
