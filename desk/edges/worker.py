"""The worker: runs the desk's timers and, unless told not to, its durable jobs.

Every process has one. The timers call a person; the more processes do that, the better, and they
are safe at once. The jobs may be left to processes of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Runner
from sqlalchemy.exc import SQLAlchemyError

from desk.edges import metrics
from desk.edges.backlog import Backlog
from desk.edges.courier import Courier
from desk.edges.outside import Outside
from desk.edges.tasks import register
from desk.edges.webhook import AT_ONCE
from desk.flow import handover, promises
from desk.flow.desk import Desk
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")

#: A worker that has not been heard of for this long is dead; its jobs are taken over.
HEARTBEAT_S, DEAD_AFTER_S = 1.0, 5.0
#: A job still running after this long has ended without a trace (the database was away), or hangs.
STUCK_AFTER_S = 60.0
#: A runner that has given a sign of life within this time works.
ALIVE_WITHIN_S = 10.0
#: After a start, jobs left by the last process get this long before the timers call a person.
GRACE_S = 8.0
#: How often the clocks of tickets are looked at.
PROMISES_EVERY_S = 5.0


class Worker:
    """Runs timers and jobs until stopped; survives a database that goes away and comes back.

    Args:
        run_jobs: False leaves the jobs to other processes.
        taken: how many callbacks this process has taken in so far.
    """

    def __init__(
        self,
        app: procrastinate.App,
        desk: Desk,
        outside: Outside,
        concurrency: int,
        *,
        run_jobs: bool = True,
        taken: Callable[[], int] = lambda: 0,
    ) -> None:
        self.backlog = Backlog(desk, taken)
        self._app, self._desk, self._concurrency = app, desk, concurrency
        self._run_jobs_here = run_jobs
        self._tasks: list[asyncio.Task[None]] = []
        self._started = time.monotonic()
        self._runner: Runner | None = None
        self._courier: Courier | None = None
        if outside.webhook:
            self._courier = Courier(desk, outside.webhook.send, AT_ONCE)
        register(app, desk, outside)

    def start(self) -> None:
        self._started = time.monotonic()
        parts = [("timers", self._timers), ("promises", self._promises)]
        if self._run_jobs_here:
            parts += [("jobs", self._run_jobs), ("takeover", self._take_over)]
            parts.append(("callbacks", self.backlog.run))
            parts.append(("held callbacks", self.backlog.release))
            if self._courier:
                parts.append(("courier", self._courier.run))
        for name, forever in parts:
            self._tasks.append(asyncio.create_task(_keep(name, forever), name=f"worker-{name}"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def is_ready(self) -> bool:
        """Whether jobs are being run: by this process or, where it leaves them, by any other."""
        runner_id = self._runner.worker_id if self._runner else None
        if self._run_jobs_here and runner_id is None:
            return False
        async with self._desk.db.begin() as tx:
            return await names.runner_alive(tx, ALIVE_WITHIN_S, runner_id)

    async def _run_jobs(self) -> None:
        self._runner = Runner(
            self._app,
            concurrency=self._concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=2.0,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=DEAD_AFTER_S,
            shutdown_graceful_timeout=5.0,
            delete_jobs="successful",
        )
        try:
            await self._runner.run()
        finally:
            self._runner = None

    async def _take_over(self) -> None:
        """Put lost jobs back into the queue: their work is safe to repeat."""
        while True:
            async with self._desk.db.begin() as tx:
                lost = await names.take_over(tx, DEAD_AFTER_S, STUCK_AFTER_S)
            for name in lost:
                log.warning("lost job taken over", job=name)
            await asyncio.sleep(1)

    async def _timers(self) -> None:
        """The fallback to a person when the bot is slow or an agent is gone."""
        while True:
            if time.monotonic() - self._started > GRACE_S:
                for rescued in await handover.rescue_unanswered(self._desk):
                    log.warning("the bot was too slow, a person takes over", conversation=rescued)
                for rescued in await handover.rescue_left(self._desk):
                    log.warning("the agent is gone, requeued", conversation=rescued)
            await asyncio.sleep(1)

    async def _promises(self) -> None:
        """Calls a person before a promised time is over; apart, for it may have a lot to do."""
        while True:
            for step, times in (await promises.watch(self._desk)).items():
                if step in ("called", "broken"):
                    metrics.PROMISES.labels(outcome=step).inc(times)
                log.info("clocks of tickets heard", step=step, tickets=times)
            await asyncio.sleep(PROMISES_EVERY_S)


async def _keep(name: str, forever: Callable[[], Awaitable[Any]]) -> None:
    """Run `forever` again whenever it ends: the database may be away for a while."""
    while True:
        try:
            await forever()
        except asyncio.CancelledError:
            raise
        except (ConnectorException, SQLAlchemyError, OSError) as error:
            log.warning("worker interrupted, trying again", part=name, error=type(error).__name__)
        except Exception:
            log.exception("worker failed, trying again", part=name)
        await asyncio.sleep(1)
