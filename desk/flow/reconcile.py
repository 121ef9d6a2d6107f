"""Asking the carrier when news is overdue: a lost callback delays completion, never prevents it.

The answers go the way of callbacks: kept first, applied like any other, each fact once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from desk.flow import callbacks
from desk.flow.desk import Desk
from desk.rules.carrier_api import (
    WAIT_S,
    CarrierApi,
    CarrierFailed,
    CarrierLimit,
    CarrierRefused,
)
from desk.rules.missing_news import (
    CARRIER,
    Question,
    news_of_detail,
    news_of_query,
    question_about,
    when_again,
)
from desk.store import carrier_calls, missing_news

#: Tickets looked up at a time, and questions under way at once.
BATCH, AT_ONCE = 100, 4
#: No question is begun after so long: what is left is the next run's. A job that runs for a minute
#: counts as lost and would be given to another worker.
RUN_FOR_S = 25.0


async def check(
    desk: Desk, api: CarrierApi, pause: timedelta, run_for_s: float = RUN_FOR_S
) -> Counter[str]:
    """The job `check_news`: ask about active tickets without news, the oldest promise first.

    Several processes may do so at once: each number is claimed by one of them.

    Args:
        pause: the least between two questions about one number.

    Returns:
        How the questions went: news, nothing_new, refused, unknown, unreachable, limit, taken.
    """
    until = time.monotonic() + run_for_s
    done: Counter[str] = Counter()
    since = _since(desk)
    more = bool(since)
    while more and time.monotonic() < until:
        async with desk.db.begin() as tx:
            more = await missing_news.set_aside(tx, since)
    while since and time.monotonic() < until:
        async with desk.db.begin() as tx:
            due = await missing_news.overdue(tx, CARRIER, since, desk.now(), BATCH)
        if not due:
            break
        asked, nobody = _first_of_each_number(due)
        if nobody:
            async with desk.db.begin() as tx:
                await missing_news.set_all_aside(tx, nobody, desk.now())
        before = done.total() - done["taken"]
        if await _ask_all(desk, api, asked, pause, until, done):
            break  # the carrier is to be left alone
        if len(due) < BATCH or (done.total() - done["taken"] == before and not nobody):
            break  # all seen, or another process is at work on the rest
    return done


async def ask_about(desk: Desk, api: CarrierApi, order: Any, pause: timedelta) -> str:
    """Ask about one order now, unless its number was asked about a short while ago.

    Args:
        order: its row; `company`, where it has one, is what the platform calls the carrier.

    Returns:
        news, nothing_new, refused, unknown, unreachable; taken: somebody else asks, or did.

    Raises:
        CarrierLimit: nothing was asked.
    """
    question = question_about(order, getattr(order, "company", None))
    if question is None:
        return "taken"
    now = desk.now()
    async with desk.db.begin() as tx:
        claim = await carrier_calls.claim(tx, CARRIER, question.kind, question.subject, now, pause)
    if claim is None:
        return "taken"
    digest, failures = claim.answer, claim.failures
    failure: CarrierFailed | None = None
    try:
        source, news = await _answer(api, question, order.id)
        body = json.dumps(news, ensure_ascii=False, sort_keys=True)
        digest, failures = hashlib.sha256(body.encode()).hexdigest(), 0
        outcome = "nothing_new" if digest == claim.answer else "news"
        if outcome == "news":
            # the time makes it a callback of its own: what it says may have been said before
            await callbacks.keep(desk, source, json.dumps({"askedAt": now.isoformat(), **news}))
    except CarrierFailed as error:
        failure, outcome = error, type(error).__name__.removeprefix("Carrier").lower()
        failures += not isinstance(error, CarrierLimit) or error.sent
    after = desk.now()
    next_at = when_again(failure, failures, after, pause)
    async with desk.db.begin() as tx:
        await carrier_calls.note(
            tx, CARRIER, question.kind, question.subject, now, next_at, failures, digest
        )
        if failure is None or isinstance(failure, CarrierRefused):
            await missing_news.checked(tx, order.id, after)
    if isinstance(failure, CarrierLimit):
        raise failure
    return outcome


def _since(desk: Desk) -> dict[str, datetime]:
    """For each category whose news can be overdue: since when nothing may have come."""
    now = desk.now()
    return {
        category.id: now - timedelta(hours=category.check_after_hours)
        for category in desk.content.categories.by_id.values()
        if category.check_after_hours is not None
    }


def _first_of_each_number(due: list[Any]) -> tuple[list[Any], list[str]]:
    """Whom to ask about, and the ids of orders about which nobody can be asked.

    One question serves all tickets of an order, and all orders of a number.
    """
    first: dict[str, Any] = {}
    nobody = []
    for row in due:
        question = question_about(row, row.company)
        if question:
            first.setdefault(question.subject, row)
        else:
            nobody.append(row.id)
    return list(first.values()), nobody


async def _ask_all(
    desk: Desk,
    api: CarrierApi,
    orders: list[Any],
    pause: timedelta,
    until: float,
    done: Counter[str],
) -> bool:
    """Ask about each, some at a time; returns whether a limit ended it."""
    queue = list(reversed(orders))
    limited = False

    async def work() -> None:
        nonlocal limited
        while queue and not limited and time.monotonic() < until:
            order = queue.pop()
            try:
                done[await ask_about(desk, api, order, pause)] += 1
            except CarrierLimit as limit:
                wait_s = (limit.retry_at - desk.now()).total_seconds()
                if wait_s > WAIT_S:
                    done["limit"] += 1
                    limited = True
                    return
                await asyncio.sleep(max(wait_s, 0.05))
                queue.append(order)  # not before: nobody could ask about it yet

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(queue))):
            group.create_task(work())
    return limited


async def _answer(
    api: CarrierApi, question: Question, order_id: str
) -> tuple[str, Mapping[str, Any]]:
    """The source under which the answer is kept, and what is kept of it."""
    if question.shipment is not None:
        return "kuaidi100.query", news_of_query(await api.query(question.shipment))
    answer = await api.detail(question.subject)
    return "kuaidi100.detail", news_of_detail(answer, order_id)
