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
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.carrier_api import CarrierApi, CarrierFailed, CarrierLimit
from desk.rules.kuaidi100_answers import is_health
from desk.rules.missing_news import CARRIER, shipment_of, wants_subscription, when_again
from desk.rules.told import text_or_none
from desk.store import carrier_calls, orders

log = structlog.get_logger("desk.subscribing")

#: In one run, and the pause between two: a third of the platform's limit, which others share.
BATCH, BETWEEN_S, RUN_FOR_S = 150, 0.15, 30.0
#: A limit that ends within this time is waited for; any other ends the run.
WAIT_S = 3.0
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


async def subscribe_due(desk: Desk, api: CarrierApi, hook: Hook) -> Counter[str]:
    """The job `subscribe`: subscribe to the waybills whose time has come.

    Returns:
        How they went: subscribed, refused, not_wanted, later, limit.
    """
    done: Counter[str] = Counter()
    until = time.monotonic() + RUN_FOR_S
    async with desk.db.begin() as tx:
        due = await carrier_calls.due(tx, CARRIER, "subscribe", desk.now(), BATCH)
    left = list(reversed(due))
    while left and time.monotonic() < until:
        try:
            done[await _subscribe(desk, api, hook, left[-1])] += 1
            left.pop()
            await asyncio.sleep(BETWEEN_S if left else 0)
        except CarrierLimit as limit:
            wait_s = (limit.retry_at - desk.now()).total_seconds()
            if wait_s > WAIT_S:
                done["limit"] += 1
                break
            await asyncio.sleep(max(wait_s, 0.05))
    return done


async def _subscribe(desk: Desk, api: CarrierApi, hook: Hook, waybill: str) -> str:
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
        await api.subscribe(shipment, hook.url, hook.salt)
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
