"""What is measured: a PostgreSQL of its own, filled, and desks on it as processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import psycopg

from desk.store.migrate import migrate
from evaluation.bench_automation.seed import seed
from ops.child import ROOT, Guard
from ops.postgres import Postgres

SALT = "bench-salt"


class World:
    """A database with orders and tickets, and the processes on it; all gone at the end.

    Args:
        orders: orders in the database.
        tickets: how many of them have an open ticket.
    """

    def __init__(self, orders: int, tickets: int) -> None:
        self.orders, self.tickets = orders, tickets
        self._folder = tempfile.TemporaryDirectory(prefix="kefu-bench-", ignore_cleanup_errors=True)
        self.data_dir = Path(self._folder.name)
        self.postgres = Postgres(self.data_dir)
        self._guard = Guard()  # however this process ends, nothing stays behind
        self._guard.tell("postgres", self.postgres.folder)
        self.port = _free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []

    async def __aenter__(self) -> World:
        try:
            await asyncio.to_thread(self.postgres.start)
            await asyncio.to_thread(migrate, self.url)
            await seed(self.url, self.orders, self.tickets)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.end(name)
        await asyncio.to_thread(self.postgres.stop)
        self._guard.close()
        for file in self._logs:
            file.close()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.postgres.url

    def begin(self, name: str, *command: str, worker: bool = True) -> None:
        """Start `python -m desk ...` under a name."""
        settings = {
            "KEFU_DATABASE_URL": self.url,
            "KEFU_DATA_DIR": str(self.data_dir),
            "KEFU_PORT": str(self.port),
            "KEFU_KUAIDI100_SALT": SALT,
            "KEFU_DEMO": "0",
            "KEFU_WORKER": "1" if worker else "0",
        }
        plain = {k: v for k, v in os.environ.items() if not k.startswith("KEFU_")}
        log = (self.data_dir / f"{name}.log").open("ab")
        self._logs.append(log)
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "desk", *command],
            cwd=ROOT,
            env={**plain, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._guard.tell("watch", self.processes[name].pid)

    async def begin_desk(self, worker: bool = True, *, warm: bool = True) -> None:
        """Start a desk and wait until it serves.

        Args:
            warm: also until it has learnt to recognise wishes for a person, which takes a
                processor for some seconds after each start.
        """
        self.begin("desk", "serve", worker=worker)
        await self.serves()
        if warm:
            await warmed_up(lambda: self.log("desk"))

    def log(self, name: str) -> str:
        """What a process has printed so far."""
        return (self.data_dir / f"{name}.log").read_text(errors="replace")

    async def serves(self, within_s: float = 60) -> None:
        """Wait until the desk answers.

        Raises:
            RuntimeError: it does not; names the end of its log.
        """
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                address = f"http://127.0.0.1:{self.port}/healthz"
                with await asyncio.to_thread(urllib.request.urlopen, address, timeout=2) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"the desk did not start: {self.log('desk')[-2000:]}")

    def end(self, name: str, number: int = signal.SIGTERM) -> None:
        """End a process and wait for it."""
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._guard.tell("forget", process.pid)

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query on a connection of its own."""
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            return connection.execute(text.encode(), values).fetchall()

    async def worked_off(self, within_s: float) -> float:
        """Wait until no callback waits any more; returns the seconds that took.

        Raises:
            TimeoutError: some still wait.
        """
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            ((waiting,),) = await asyncio.to_thread(
                self.query, "select count(*) from callbacks where applied_at is null"
            )
            if not waiting:
                return time.monotonic() - began
            await asyncio.sleep(0.3)
        raise TimeoutError(f"{waiting} callbacks still wait after {within_s} s")


async def warmed_up(log: Callable[[], str]) -> None:
    """Wait until a desk has learnt what it learns after its start, as its log says."""
    for _ in range(600):
        if "classifier ready" in log():
            return
        await asyncio.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
