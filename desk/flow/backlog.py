"""Working off what waits for orders without a ticket: many callbacks in a few statements."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow import unknown_codes
from desk.flow.applying import apply_order
from desk.flow.desk import Desk
from desk.flow.facts import learn, state_of
from desk.rules.facts import Fact
from desk.rules.sources import parse
from desk.rules.told import UNREADABLE, Told, clean
from desk.store import callbacks, orders, tickets
from desk.store.db import is_away

log = structlog.get_logger("desk.callbacks")

#: Waiting callbacks looked at, so that several processes find work at the same time.
WINDOW = 2000
#: Orders brought up to date in one transaction, and callbacks read for them.
ORDERS, CALLBACKS = 64, 128
#: An order with a ticket has a job of its own; after that long the background helps out.
JOB_HAS = timedelta(seconds=5)
#: An order that could not be worked on at all is tried again after that long.
AGAIN = timedelta(seconds=10)


@dataclass
class Batch:
    """What one transaction is to write."""

    facts: list[tuple[str, Fact, int]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    results: list[tuple[int, str]] = field(default_factory=list)
    unknown: list[tuple[str, str, int]] = field(default_factory=list)
    #: What became of each, and how long it had waited, in seconds.
    applied: list[tuple[str, float]] = field(default_factory=list)


async def work_off(desk: Desk) -> int:
    """Apply some of what waits, oldest first. Several processes may do so at once.

    Orders with a ticket, and whatever else is not plain, take the long way one by one; so does
    everything when a batch fails, so that one bad callback holds up nobody else.

    Returns:
        How many callbacks were applied; 0: nothing to do for now.
    """
    picked: list[str] = []
    try:
        async with desk.db.begin() as tx:
            done, alone = await _batch(desk, tx, picked)
    except Exception as error:
        if is_away(error) or not picked:
            raise
        log.warning("a batch of callbacks failed, one by one", error=type(error).__name__)
        done, alone = [], picked
    for code, waited in done:
        desk.on_applied(code, waited)
    count = len(done)
    for order_id in alone:
        try:
            count += len(await apply_order(desk, order_id))
        except Exception as error:
            if is_away(error):
                raise
            log.exception("an order's callbacks could not be applied", order=order_id)
            await _leave_alone(desk, order_id)
    return count


async def oldest_waits(desk: Desk) -> float:
    """For how many seconds the oldest callback has waited that may be applied; 0: none does."""
    async with desk.db.begin() as tx:
        since = await callbacks.oldest(tx)
    return max((desk.now() - since).total_seconds(), 0.0) if since else 0.0


async def _leave_alone(desk: Desk, order_id: str) -> None:
    """An order that fails as a whole is not the first again at once: others have their turn."""
    async with desk.db.begin() as tx:
        for row in await callbacks.pending(tx, [order_id], 1):
            await callbacks.put_off(tx, row.id, desk.now() + AGAIN)


async def _batch(
    desk: Desk, tx: AsyncConnection, picked: list[str]
) -> tuple[list[tuple[str, float]], list[str]]:
    """Apply what is plain; returns what was done, and the orders that are not plain."""
    now = desk.now()
    held = await callbacks.next_orders(tx, WINDOW, ORDERS, now, now - JOB_HAS)
    if not held:
        return [], []
    ids = [order.id for order in held]
    picked.extend(ids)
    rows_of: dict[str, list[Any]] = {}
    for row in await callbacks.pending(tx, ids, CALLBACKS):
        rows_of.setdefault(row.order_id, []).append(row)
    # asked only now: whoever opens a ticket holds its order, so from here on there is no other
    live = await tickets.live(tx, ids)
    shared = await orders.with_namesakes(tx, [order.waybill for order in held if order.waybill])
    known = await orders.facts_of_orders(tx, ids)
    batch, alone = Batch(), []
    for order in held:
        await asyncio.sleep(0)  # chats come first
        rows = rows_of.get(order.id, [])
        read = [(row, _read(row)) for row in rows]
        if (
            order.id in live
            or order.waybill in shared
            or not all(row.tries == 0 and _plainly(told, order) for row, told in read)
        ):
            alone.append(order.id)
        else:
            _add(desk, batch, order, known[order.id], read)
    await orders.add_facts(tx, batch.facts)
    await orders.set_states(tx, batch.states, now)
    await callbacks.finish(tx, batch.results, now)
    await unknown_codes.count(desk, tx, batch.unknown)
    return batch.applied, alone


def _read(row: Any) -> Told | str:
    """What a callback tells, or why it cannot be read."""
    try:
        return parse(row.source, json.loads(row.body))
    except UNREADABLE as error:
        return f"not understood: {error}"


def _plainly(told: Told | str, order: Any) -> bool:
    """Whether a callback speaks of this order by a waybill that both know (or is unreadable)."""
    return isinstance(told, str) or (told.waybill is not None and told.waybill == order.waybill)


def _add(
    desk: Desk, batch: Batch, order: Any, known: list[Fact], read: list[tuple[Any, Told | str]]
) -> None:
    """Apply an order's callbacks, in the order they came, to what the batch will write."""
    now = desk.now()
    for row, told in read:
        if isinstance(told, str):
            code, result = "not_understood", clean(told)
        else:
            learned = learn(desk, order, known, row, told)
            known.extend(learned.facts)
            batch.facts.extend((order.id, fact, row.id) for fact in learned.facts)
            batch.unknown.extend(learned.unknown)
            code, result = "nothing_new", "no new fact"
            if learned.facts:
                code, result = "facts", "; ".join(f"fact {f.fact}" for f in learned.facts)
        batch.results.append((row.id, result))
        batch.applied.append((code, (now - row.received_at).total_seconds()))
    state = state_of(desk, order, known)
    if state != order.state:
        batch.states[order.id] = state
