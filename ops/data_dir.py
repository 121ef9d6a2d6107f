"""One data directory belongs to one running system: the lock, and what a crash has left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import psutil

from ops.trouble import Trouble


class DataDir:
    """Holds the lock of `folder` from `take` to `release`; the system frees it when we die."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "processes.json"
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder ours, and end what an earlier system has left running.

        Raises:
            Trouble: another system runs on it, or it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a+")
        except OSError as error:
            raise Trouble(f"KEFU_DATA_DIR {self.folder}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise Trouble(
                f"Kefu already runs on {self.folder} (process {lock.read().strip() or '?'})."
                " Stop it, or set KEFU_DATA_DIR to another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
        self._end_leftovers()

    def note(self, pids: Mapping[str, int]) -> None:
        """Write down which processes are ours, each with the time it was made."""
        made = {}
        for name, pid in pids.items():
            with contextlib.suppress(psutil.Error):
                made[name] = [pid, psutil.Process(pid).create_time()]
        self.notes.write_text(json.dumps(made))

    def release(self) -> None:
        """Let others have the folder."""
        if self._lock:
            self.notes.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _end_leftovers(self) -> None:
        try:
            noted = json.loads(self.notes.read_text())
        except (OSError, ValueError):
            return
        left = []
        for pid, made in noted.values():
            with contextlib.suppress(psutil.Error, OSError):
                process = psutil.Process(pid)
                if process.create_time() == made:  # else the number is another program's by now
                    left += [process, *process.children(recursive=True)]
                    os.killpg(pid, signal.SIGKILL)
        psutil.wait_procs(left, timeout=5)


@contextlib.contextmanager
def one_at_a_time(path: Path, check: Callable[[], None]) -> Iterator[None]:
    """Take turns with other processes; `check` is called while waiting and may raise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                check()
                time.sleep(0.5)
        yield
