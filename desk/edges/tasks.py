"""What the durable and periodic jobs do. Each may run twice, and is safe to repeat."""

from __future__ import annotations

import procrastinate
import structlog

from desk.edges import dispatch_tasks, metrics
from desk.edges.outside import Outside
from desk.flow import applying, bot, outbox, tickets
from desk.flow.desk import Desk
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")


def register(app: procrastinate.App, desk: Desk, outside: Outside) -> None:
    """Say what each job does, under the names of `store/jobs.py`."""
    dispatch_tasks.register(app, desk, outside)

    @app.task(name=names.ASK_BOT, retry=procrastinate.RetryStrategy(max_attempts=5, wait=1))
    async def ask_bot(conversation_id: str) -> None:
        with metrics.TURN_SECONDS.time():
            await bot.run_turns(desk, outside.bot.ask, conversation_id)

    @app.task(name=names.APPLY_CALLBACKS, retry=procrastinate.RetryStrategy(max_attempts=3, wait=2))
    async def apply_callbacks(order_ids: list[str]) -> None:
        for order_id in order_ids:
            for applied in await applying.apply_order(desk, order_id):
                log.info("callback applied", result=applied.text)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name=names.CLOSE_TICKETS, queueing_lock=names.CLOSE_TICKETS)
    async def close_tickets(timestamp: int) -> None:
        await tickets.close_old(desk)

    @app.periodic(cron="40 3 * * *")
    @app.task(name=names.FORGET_DELIVERIES, queueing_lock=names.FORGET_DELIVERIES)
    async def forget_deliveries(timestamp: int) -> None:
        await outbox.forget_old(desk)
