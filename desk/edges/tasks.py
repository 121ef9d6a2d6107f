"""What the durable and periodic jobs do. Each may run twice, and is safe to repeat."""

from __future__ import annotations

import procrastinate
import structlog

from desk.edges import dispatch_tasks, metrics
from desk.edges.outside import Outside
from desk.flow import applying, bot, effects, forgetting, outbox, reconcile, subscribing, tickets
from desk.flow.desk import Desk
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")


def register(app: procrastinate.App, desk: Desk, outside: Outside) -> None:
    """Say what each job does, under the names of `store/jobs.py`."""
    dispatch_tasks.register(app, desk, outside)

    @app.task(name=names.ASK_BOT, retry=procrastinate.RetryStrategy(max_attempts=5, wait=1))
    async def ask_bot(conversation_id: str) -> None:
        with metrics.TURN_SECONDS.time(), desk.chats.turn():
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

    @app.periodic(cron="* * * * *")
    @app.task(name=names.COMPLETE_WAITING, queueing_lock=names.COMPLETE_WAITING)
    async def complete_waiting(timestamp: int) -> None:
        await effects.complete_waiting(desk)

    @app.periodic(cron="40 3 * * *")
    @app.task(name=names.FORGET_DELIVERIES, queueing_lock=names.FORGET_DELIVERIES)
    async def forget_deliveries(timestamp: int) -> None:
        await outbox.forget_old(desk)

    @app.periodic(cron="5-59/10 * * * *")
    @app.task(name=names.FORGET_BODIES, queueing_lock=names.FORGET_BODIES)
    async def forget_bodies(timestamp: int) -> None:
        forgotten = await forgetting.forget_bodies(desk)
        if forgotten:
            log.info("words of old callbacks forgotten", callbacks=forgotten)

    _register_carrier(app, desk, outside)


def _register_carrier(app: procrastinate.App, desk: Desk, outside: Outside) -> None:
    """The jobs that ask a carrier's platform; none where there is no account with one."""
    api, hook = outside.kuaidi100, outside.track_hook
    if api is not None:

        @app.periodic(cron="* * * * *")
        @app.task(name=names.CHECK_NEWS, lock=names.CHECK_NEWS, queueing_lock=names.CHECK_NEWS)
        async def check_news(timestamp: int) -> None:
            done = await reconcile.check(desk, api, outside.kuaidi100_pause)
            if done:
                log.info("asked about overdue news", **done)

    if api is not None and hook is not None:

        @app.periodic(cron="* * * * *")
        @app.task(name=names.SUBSCRIBE, lock=names.SUBSCRIBE, queueing_lock=names.SUBSCRIBE)
        async def subscribe(timestamp: int) -> None:
            done = await subscribing.subscribe_due(desk, api, hook)
            if done:
                log.info("subscribed to waybills", **done)
