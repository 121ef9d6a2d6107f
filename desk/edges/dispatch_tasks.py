"""The jobs of dispatches, and who takes them in this process."""

from __future__ import annotations

from datetime import datetime

import procrastinate
import structlog

from desk.edges import metrics
from desk.edges.kuaidi100_tickets import Kuaidi100Tickets
from desk.edges.outside import Outside
from desk.flow import dispatch_agent, dispatch_steps
from desk.flow.desk import Desk
from desk.rules.dispatch_request import Ways
from desk.settings import Settings
from desk.store import jobs as names

log = structlog.get_logger("desk.worker")

#: What keeps a step from being taken (the database is away, a mistake in the code) is waited for.
RETRY = procrastinate.RetryStrategy(wait=5, linear_wait=15)


def ways(settings: Settings) -> Ways:
    """Which ways a ticket can go out; the same in every process of a desk."""
    return Ways(kuaidi100=settings.asks_kuaidi100, webhook=bool(settings.dispatch_url))


def register(app: procrastinate.App, desk: Desk, outside: Outside) -> None:
    """Say what the jobs do; both may run twice."""
    account = outside.kuaidi100
    receivers = dispatch_steps.Receivers(
        kuaidi100=Kuaidi100Tickets(account) if account else None, webhook=outside.merchant
    )

    @app.task(name=names.STEP_DISPATCH, retry=RETRY)
    async def step_dispatch(dispatch_id: str, due: str) -> None:
        state = await dispatch_steps.step(desk, receivers, dispatch_id, datetime.fromisoformat(due))
        metrics.DISPATCH_STEPS.labels(state=state).inc()
        # the id is the key of the callbacks' address: it is not for the log
        log.info("dispatch", state=state)

    @app.task(name=names.CALL_FOR_DISPATCH, retry=RETRY)
    async def call_for_dispatch(dispatch_id: str) -> None:
        if await dispatch_agent.call_person(desk, dispatch_id):
            log.warning("a ticket could not be brought to the carrier, a person is called")
