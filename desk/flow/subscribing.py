"""Having a carrier's news pushed: which waybills, when, and again after the platform gave up.

The wish is a row of `carrier_calls`, written in the transaction of the order; a job works off what
is due. So a hundred thousand new orders are as many rows, not as many jobs, and tickets and
questions, which share the platform's limit, are not held up.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.carrier_api import (
    WAIT_S,
    CarrierApi,
    CarrierFailed,
    CarrierLimit,
    CarrierUnknown,
    Shipment,
)
from desk.rules.kuaidi100_answers import is_health
from desk.rules.missing_news import CARRIER, shipment_of, wants_subscription, when_again
from desk.rules.told import text_or_none
from desk.store import carrier_calls, orders

log = structlog.get_logger("desk.subscribing")

#: Waybills looked up at a time, and calls under way at once.
BATCH, AT_ONCE = 150, 4
#: Between the beginnings of two calls: 6.7 a second, a third of the platform's limit of 100 in
#: 5 s, so that tickets and questions, which share it, get through. About 270 in a run at most.
BETWEEN_S = 0.15
#: No call is begun after the first, none goes on after the second: a job that runs for a minute
#: counts as lost and would be given to another worker.
RUN_FOR_S, END_S = 40.0, 55.0
#: After that many failures of one number it is left to the questions about overdue news.
TRIES = 10
#: The platform gave up: half an hour later it may be asked anew, as its pages say.
AFTER_ABORT = timedelta(minutes=30)
#: Nobody else tries while one process does.
LEASE = timedelta(minutes=5)
#: An order this old is not subscribed to once more.
TOO_OLD = timedelta(days=60)
_CONCERNS = re.compile(r'"status"\s*:\s*"abort"|"comNew"\s*:\s*"[^"]')


class Hook(NamedTuple):
    """Where pushes go, and the salt they are signed with."""

    url: str
    salt: str


async def plan(desk: Desk, tx: AsyncConnection, order: Any) -> None:
    """Have an order's waybill subscribed to, once, if its news is not told anyway.

    Args:
        order: its row.
    """
    if desk.subscribes and wants_subscription(order):
        await carrier_calls.want_subscription(tx, CARRIER, order.waybill, desk.now())


def may_concern(param: str) -> bool:
    """Whether a tracking push may say something about the subscription itself: rarely one does."""
    return _CONCERNS.search(param) is not None


async def told(desk: Desk, push: Mapping[str, Any]) -> None:
    """The platform gave up on a number, or corrected its carrier; safe to repeat.

    With another carrier in `comNew` it subscribes anew by itself; without one, three days passed
    without a record or sixty without a change, and we do, if the order still runs.
    """
    waybill = text_or_none((push.get("lastResult") or {}).get("nu"))
    if waybill is None:
        return
    company, now = text_or_none(push.get("comNew")), desk.now()
    async with desk.db.begin() as tx:
        if company:
            await carrier_calls.note(
                tx, CARRIER, "company", waybill, now, carrier_calls.NEVER, 0, company
            )
        elif push.get("status") == "abort" and desk.subscribes:
            again = now + AFTER_ABORT
            await carrier_calls.note(tx, CARRIER, "subscribe", waybill, now, again, 0, "aborted")


async def waiting_s(desk: Desk, tx: AsyncConnection) -> float:
    """How long the oldest subscription has been due, seconds; 0: none is, or none are wanted."""
    if not desk.subscribes:
        return 0.0
    since = await carrier_calls.oldest_due(tx, CARRIER, "subscribe", desk.now())
    return (desk.now() - since).total_seconds() if since else 0.0


async def subscribe_due(desk: Desk, api: CarrierApi, hook: Hook) -> Counter[str]:
    """The job `subscribe`: subscribe to the waybills whose time has come, the oldest first.

    Returns:
        How they went: subscribed, refused, not_wanted, later, limit.
    """
    run = _Run(desk, api, hook, Counter(), time.monotonic())
    more = True
    while more and run.goes_on():
        async with desk.db.begin() as tx:
            due = await carrier_calls.due(tx, CARRIER, "subscribe", desk.now(), BATCH)
        await run.work_off(due)
        more = len(due) == BATCH
    return run.done


@dataclass
class _Run:
    """One run of the job: its pace, its end, and how it went."""

    desk: Desk
    api: CarrierApi
    hook: Hook
    done: Counter[str]
    began: float
    _next_call: float = 0.0

    def goes_on(self) -> bool:
        return time.monotonic() < self.began + RUN_FOR_S and not self.done["limit"]

    async def work_off(self, waybills: Sequence[str]) -> None:
        """Some at a time; a limit that does not end soon ends it."""
        left = list(reversed(waybills))

        async def work() -> None:
            while left and self.goes_on():
                waybill = left.pop()
                try:
                    outcome = await _subscribe(self, waybill)
                    self.done[outcome] += 1
                except CarrierLimit as limit:
                    wait_s = (limit.retry_at - self.desk.now()).total_seconds()
                    if wait_s > WAIT_S:
                        self.done["limit"] = 1
                        return
                    await asyncio.sleep(max(wait_s, 0.05))
                    left.append(waybill)  # not before: nobody could claim it yet

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(left))):
                group.create_task(work())

    async def call(self, shipment: Shipment) -> None:
        """One call, in its turn.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        now = time.monotonic()
        turn = max(now, self._next_call)
        self._next_call = turn + BETWEEN_S
        await asyncio.sleep(turn - now)
        try:
            async with asyncio.timeout(self.began + END_S - time.monotonic()):
                await self.api.subscribe(shipment, self.hook.url, self.hook.salt)
        except TimeoutError:  # subscribing once more changes nothing
            raise CarrierUnknown("the run was over") from None


async def _subscribe(run: _Run, waybill: str) -> str:
    desk = run.desk
    now = desk.now()
    async with desk.db.begin() as tx:
        claim = await carrier_calls.claim(tx, CARRIER, "subscribe", waybill, now, LEASE)
        if claim is None:
            return "later"
        corrected = await carrier_calls.get(tx, CARRIER, "company", waybill)
        known = await orders.of_waybill(tx, waybill)
        wanted = [o for o in known if wants_subscription(o) and o.created_at > now - TOO_OLD]
        shipment = (
            shipment_of(wanted[0], corrected.answer if corrected else None) if wanted else None
        )
        if shipment is None:
            await _note(tx, waybill, now, carrier_calls.NEVER, 0, "not wanted")
            return "not_wanted"
    try:
        await run.call(shipment)
    except CarrierFailed as failure:
        failures = claim.failures + (not isinstance(failure, CarrierLimit) or failure.sent)
        again = when_again(failure, failures, desk.now(), AFTER_ABORT)
        outcome, answer = "later", "to be tried again"
        if is_health(failure) or failures >= TRIES:  # a clear no to this number
            outcome, answer, again = "refused", f"given up: {failure}", carrier_calls.NEVER
            log.warning("no subscription, the number is left to questions", why=str(failure))
        async with desk.db.begin() as tx:
            await _note(tx, waybill, now, again, failures, answer)
        if isinstance(failure, CarrierLimit):
            raise
        return outcome
    async with desk.db.begin() as tx:
        await _note(tx, waybill, now, carrier_calls.NEVER, 0, "subscribed")
    return "subscribed"


async def _note(
    tx: AsyncConnection, waybill: str, now: datetime, next_at: datetime, failures: int, answer: str
) -> None:
    await carrier_calls.note(tx, CARRIER, "subscribe", waybill, now, next_at, failures, answer)
