"""Durable jobs (procrastinate): deferred in the same transaction as the rows they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import procrastinate
import structlog
from procrastinate import PsycopgConnector
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.store.db import is_away, libpq_url

log = structlog.get_logger("desk.jobs")

#: Names under which flow/ defers jobs; edges/worker.py registers what they do.
ASK_BOT = "ask_bot"
APPLY_CALLBACKS = "apply_callbacks"
CLOSE_TICKETS = "close_tickets"
COMPLETE_WAITING = "complete_waiting"
CHECK_NEWS = "check_news"
SUBSCRIBE = "subscribe"
FORGET_DELIVERIES = "forget_deliveries"
FORGET_BODIES = "forget_bodies"
STEP_DISPATCH = "step_dispatch"
CALL_FOR_DISPATCH = "call_for_dispatch"

#: Somebody is waiting for these: they are taken before all others (0).
PRIORITY = {ASK_BOT: 10}


def make_app(database_url: str) -> procrastinate.App:
    """The job queue on the desk's own database."""
    return procrastinate.App(
        connector=PsycopgConnector(
            conninfo=libpq_url(database_url),
            min_size=1,
            max_size=8,
            timeout=5,
            kwargs={"connect_timeout": 5},
        )
    )


class Jobs:
    """Defers jobs inside the caller's transaction."""

    def __init__(self, app: procrastinate.App) -> None:
        self.app = app

    async def defer(
        self,
        tx: AsyncConnection,
        name: str,
        *,
        lock: str | None,
        at: datetime | None = None,
        **arguments: Any,
    ) -> None:
        """Defer job `name`; jobs with the same `lock` run one after the other, in order.

        Args:
            at: not before then. Such a job holds up every later one with its lock until it has
                run: give a job that waits for long a lock of its own, or None.
        """
        raw = await tx.get_raw_connection()
        await self.app.configure_task(
            name,
            lock=lock,
            schedule_at=at,
            priority=PRIORITY.get(name, 0),
            connection=raw.driver_connection,
        ).defer_async(**arguments)


#: Skips what another process is taking over at this moment.
_LOST = text(
    """
    select job.id, job.task_name from procrastinate_jobs job
    left join procrastinate_workers worker on worker.id = job.worker_id
    where job.status = 'doing' and (
        worker.id is null
        or worker.last_heartbeat < now() - make_interval(secs => :dead_after_s)
        or now() - make_interval(secs => :stuck_after_s) > (
            select max(event.at) from procrastinate_events event
            where event.job_id = job.id and event.type = 'started'))
    order by job.id for update of job skip locked
    """
)
_PUT_BACK = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)::text")
_END = text("select procrastinate_finish_job_v1(:id, 'aborted', true)::text")


async def take_over(tx: AsyncConnection, dead_after_s: float, stuck_after_s: float) -> list[str]:
    """Put lost jobs back into the queue: every job is safe to repeat.

    Lost are the jobs of a worker that has not been heard of for `dead_after_s`, and jobs started
    more than `stuck_after_s` ago: their end could not be written down, and their lock holds up
    all that follow. A periodic job whose next one already waits is ended instead: only one of
    them may wait (`queueing_lock`), and that one does the work of both.

    Returns:
        The names of the jobs put back or ended.
    """
    ages = {"dead_after_s": dead_after_s, "stuck_after_s": stuck_after_s}
    taken = []
    for job in list(await tx.execute(_LOST, ages)):
        try:
            # each on its own: one that cannot be taken over must not keep the others lost
            async with tx.begin_nested():
                await _put_back_or_end(tx, job.id)
            taken.append(job.task_name)
        except DBAPIError as error:
            if is_away(error):
                raise
            log.exception("a lost job could not be taken over", job=job.task_name)
    return taken


async def _put_back_or_end(tx: AsyncConnection, job_id: int) -> None:
    try:
        async with tx.begin_nested():
            await tx.execute(_PUT_BACK, {"id": job_id})
    except IntegrityError:  # not looked up before: the next one may be queued at any moment
        await tx.execute(_END, {"id": job_id})


async def runner_alive(tx: AsyncConnection, within_s: float, runner_id: int | None = None) -> bool:
    """Whether a job runner (that one, or any) gave a sign of life within so many seconds."""
    found = await tx.execute(
        text(
            "select 1 from procrastinate_workers "
            "where last_heartbeat > now() - make_interval(secs => :within_s) "
            "and (cast(:id as bigint) is null or id = :id) limit 1"
        ),
        {"within_s": within_s, "id": runner_id},
    )
    return found.first() is not None
