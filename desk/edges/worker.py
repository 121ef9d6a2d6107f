"""The worker: runs the durable jobs and the desk's timers, in the desk process or on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import SQLAlchemyError

from desk.edges import metrics
from desk.flow import bot, carrier, handover, tickets
from desk.flow.desk import Desk
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")

#: A worker that has not been heard of for this long is dead; its jobs are taken over.
HEARTBEAT_S, DEAD_AFTER_S = 1.0, 5.0
#: After a start, jobs left by the last process get this long before the timers call a person.
GRACE_S = 8.0


def register(app: procrastinate.App, desk: Desk, ask: bot.AskBot) -> None:
    """Say what each job does. Every job may run twice; each of them is safe to repeat."""

    @app.task(name=names.ASK_BOT, retry=procrastinate.RetryStrategy(max_attempts=5, wait=1))
    async def ask_bot(conversation_id: str) -> None:
        with metrics.TURN_SECONDS.time():
            await bot.run_turns(desk, ask, conversation_id)

    @app.task(
        name=names.APPLY_CALLBACK,
        retry=procrastinate.RetryStrategy(max_attempts=50, exponential_wait=2),
    )
    async def apply_callback(callback_id: int) -> None:
        result = await carrier.apply_callback(desk, callback_id)
        metrics.CALLBACKS_APPLIED.labels(result=result.split(":")[0].split(" ")[0]).inc()
        log.info("callback applied", callback=callback_id, result=result)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=names.CLOSE_TICKETS, queueing_lock=names.CLOSE_TICKETS)
    async def close_tickets(timestamp: int) -> None:
        await tickets.close_old(desk)


class Worker:
    """Runs jobs and timers until stopped; survives a database that goes away and comes back."""

    def __init__(
        self, app: procrastinate.App, desk: Desk, ask: bot.AskBot, concurrency: int
    ) -> None:
        self._app, self._desk, self._concurrency = app, desk, concurrency
        self._tasks: list[asyncio.Task[None]] = []
        self._started = time.monotonic()
        #: When the job runner was last known to work (monotonic seconds).
        self.alive_at = 0.0
        register(app, desk, ask)

    def start(self) -> None:
        self._started = time.monotonic()
        for name, forever in (
            ("jobs", self._run_jobs),
            ("takeover", self._take_over),
            ("timers", self._timers),
        ):
            self._tasks.append(asyncio.create_task(_keep(name, forever), name=f"worker-{name}"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def alive(self) -> bool:
        return time.monotonic() - self.alive_at < 10

    async def _run_jobs(self) -> None:
        await self._app.run_worker_async(
            concurrency=self._concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=2.0,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=DEAD_AFTER_S,
            shutdown_graceful_timeout=5.0,
            delete_jobs="successful",
        )

    async def _take_over(self) -> None:
        """Put jobs of dead workers back into the queue: their work is safe to repeat."""
        while True:
            manager = self._app.job_manager
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S):
                log.warning("job of a dead worker taken over", job=job.task_name)
                await manager.retry_job(job)
            self.alive_at = time.monotonic()
            await asyncio.sleep(1)

    async def _timers(self) -> None:
        """The fallback to a person when the bot is slow or an agent is gone; the queue's gauges."""
        while True:
            if time.monotonic() - self._started > GRACE_S:
                for rescued in await handover.rescue_unanswered(self._desk):
                    log.warning("the bot was too slow, a person takes over", conversation=rescued)
                for rescued in await handover.rescue_left(self._desk):
                    log.warning("the agent is gone, requeued", conversation=rescued)
            await asyncio.sleep(1)


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
