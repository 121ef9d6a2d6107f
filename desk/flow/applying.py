"""Kept callbacks become facts, and facts move tickets: each once, in the order they came.

Whoever applies an order's callbacks holds the order's row first, and conversations after it:
the job of an order with a ticket, the background work on all the others, and whoever is about to
look at an order or to open a ticket for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow import unknown_codes
from desk.flow.desk import Desk
from desk.flow.effects import Applied, effects
from desk.flow.facts import learn, state_of
from desk.rules.sources import parse
from desk.rules.told import UNREADABLE, Told, clean
from desk.store import callbacks, conversations, orders, tickets

log = structlog.get_logger("desk.callbacks")

#: A callback that fails is tried this often, 1, 2, 4 ... seconds apart: about two minutes.
TRIES = 8
#: Read at once; an order with more of them is read again.
AT_ONCE = 200


async def apply_order(desk: Desk, order_id: str) -> list[Applied]:
    """Apply what waits for an order, in one transaction.

    Returns:
        What became of each, as stored in `callbacks.result`.
    """
    async with desk.db.begin() as tx:
        return await settle(desk, tx, order_id)


async def settle(desk: Desk, tx: AsyncConnection, order_id: str) -> list[Applied]:
    """Apply what waits for an order in the caller's transaction, which holds no conversation yet.

    The order stays held until the transaction ends: nothing is applied to it by others.
    """
    unknown: list[tuple[str, str, int]] = []
    done = await _settle(desk, tx, order_id, unknown)
    await unknown_codes.count(desk, tx, unknown)
    return done


async def _settle(
    desk: Desk, tx: AsyncConnection, order_id: str, unknown: list[tuple[str, str, int]]
) -> list[Applied]:
    """The same; the codes that no map lists are left to the caller to count."""
    group = await orders.lock_group(tx, order_id)
    done: list[Applied] = []
    while rows := await callbacks.pending(tx, group, AT_ONCE):
        for row in rows:
            applied = await _try(desk, tx, row, unknown)
            if applied is None:  # tried again later; what came after it waits too
                break
            done.append(applied)
        else:
            continue
        break
    return done


async def up_to_date(desk: Desk, tx: AsyncConnection, order_ids: Sequence[str]) -> bool:
    """Before orders are shown: apply what waits for them.

    Returns:
        True if there was something; usually there is not.
    """
    waiting = sorted(await orders.anything_pending(tx, order_ids))
    unknown: list[tuple[str, str, int]] = []
    for order_id in waiting:
        await _settle(desk, tx, order_id, unknown)
    await unknown_codes.count(desk, tx, unknown)
    return bool(waiting)


async def bring_up_to_date(desk: Desk, tx: AsyncConnection, conversation_id: str) -> None:
    """The same for a conversation's order, before the conversation is read or locked."""
    conversation = await conversations.get(tx, conversation_id)
    if conversation is not None:
        await up_to_date(desk, tx, [conversation.order_id])


async def settle_order_of(desk: Desk, tx: AsyncConnection, conversation_id: str) -> None:
    """Before a ticket is opened: like `settle`, with the order held whether anything waits or not.

    A callback that comes in meanwhile waits for the ticket, and then finds it.
    """
    conversation = await conversations.get(tx, conversation_id)
    if conversation is not None:
        await settle(desk, tx, conversation.order_id)


async def _try(
    desk: Desk, tx: AsyncConnection, row: Any, unknown: list[tuple[str, str, int]]
) -> Applied | None:
    """Apply one callback, or none of it. None: it failed, and is to be tried again."""
    now = desk.now()
    if row.next_try_at is not None and row.next_try_at > now:
        return None
    seen: list[tuple[str, str, int]] = []
    try:
        async with tx.begin_nested():
            try:
                told = parse(row.source, json.loads(row.body))
            except UNREADABLE as error:
                applied = Applied("not_understood", f"not understood: {error}")
            else:
                applied = await _apply(desk, tx, row, told, seen)
            await callbacks.finish(tx, [(row.id, clean(applied.text))], now)
    except Exception as error:
        # where the database is gone, these statements fail too, and everything is tried again
        if row.tries + 1 < TRIES:
            wait = timedelta(seconds=2**row.tries)
            await callbacks.put_off(tx, row.id, now + wait)
            log.warning("callback failed", callback=row.id, error=type(error).__name__)
            return None
        applied = Applied("failed", f"failed: {type(error).__name__}")
        await callbacks.finish(tx, [(row.id, applied.text)], now)
        log.error("callback given up", callback=row.id, result=applied.text, exc_info=error)
    unknown.extend(seen)
    desk.on_applied(applied.code, (now - row.received_at).total_seconds())
    return applied


async def _apply(
    desk: Desk, tx: AsyncConnection, row: Any, told: Told, unknown: list[tuple[str, str, int]]
) -> Applied:
    found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found and told.identifiers:
        await callbacks.lock_names(tx, told.identifiers)
        found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found:  # its order has got another waybill since
        return Applied("no_such_order", callbacks.UNMATCHED)
    done: list[Applied] = []
    for order in found:
        if told.waybill and order.waybill is None:
            await orders.set_waybill(tx, order.id, told.waybill)
            await callbacks.take_unmatched(tx, order.id, [told.waybill])
        known = await orders.facts_of(tx, order.id)
        since = await tickets.newest_active_since(tx, order.id)
        learned = learn(desk, order, known, row, told, since)
        unknown.extend(learned.unknown)
        new = learned.facts
        await orders.add_facts(tx, [(order.id, fact, row.id) for fact in new])
        state = state_of(desk, order, [*known, *new])
        if state != order.state:
            await orders.set_state(tx, order.id, state)
        if new:
            done.extend(await effects(desk, tx, order, new, state))
            done.extend(Applied("facts", f"fact {fact.fact}") for fact in new)
    if not done:
        return Applied("nothing_new", "no new fact")
    return Applied(done[0].code, "; ".join(one.text for one in done))
