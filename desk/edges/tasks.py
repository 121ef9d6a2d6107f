"""What the durable and periodic jobs do. Each may run twice, and is safe to repeat."""

from __future__ import annotations

import procrastinate
import structlog

from desk.edges import dispatch_tasks, metrics
from desk.edges.outside import Outside
from desk.flow import bot, callbacks, outbox, tickets
from desk.flow.desk import Desk
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")

#: A callback is tried this often, 5, 10, 15 ... seconds apart: about a quarter of an hour.
CALLBACK_TRIES = 20


def register(app: procrastinate.App, desk: Desk, outside: Outside) -> None:
    """Say what each job does, under the names of `store/jobs.py`."""
    dispatch_tasks.register(app, desk, outside)

    @app.task(name=names.ASK_BOT, retry=procrastinate.RetryStrategy(max_attempts=5, wait=1))
    async def ask_bot(conversation_id: str) -> None:
        with metrics.TURN_SECONDS.time():
            await bot.run_turns(desk, outside.bot.ask, conversation_id)

    @app.task(
        name=names.APPLY_CALLBACK,
        retry=procrastinate.RetryStrategy(wait=5, linear_wait=5),
        pass_context=True,
    )
    async def apply_callback(context: procrastinate.JobContext, callback_id: int) -> None:
        try:
            applied = await callbacks.apply_callback(desk, callback_id)
        except Exception as error:
            if context.job.attempts + 1 < CALLBACK_TRIES:
                raise
            applied = await callbacks.give_up(desk, callback_id, error)
            log.error("callback given up", callback=callback_id, result=applied.text, exc_info=True)
        metrics.CALLBACKS_APPLIED.labels(result=applied.code).inc()
        log.info("callback applied", callback=callback_id, result=applied.text)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=names.CLOSE_TICKETS, queueing_lock=names.CLOSE_TICKETS)
    async def close_tickets(timestamp: int) -> None:
        await tickets.close_old(desk)

    @app.periodic(cron="40 3 * * *")
    @app.task(name=names.FORGET_DELIVERIES, queueing_lock=names.FORGET_DELIVERIES)
    async def forget_deliveries(timestamp: int) -> None:
        await outbox.forget_old(desk)
