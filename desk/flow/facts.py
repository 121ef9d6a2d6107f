"""From what a callback tells to facts: appended once, and the order's state that follows."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.completion import repeats
from desk.rules.facts import Fact, order_state
from desk.rules.told import Told
from desk.store import orders


async def derived_state(desk: Desk, tx: AsyncConnection, order: Any) -> str:
    """An order's state: that told by the merchant's system, then the facts."""
    known = await orders.facts_of(tx, order.id)
    return order_state(order.told_state, known, desk.content.facts, order.told_at)


async def new_facts(
    desk: Desk, tx: AsyncConnection, order_id: str, callback: Any, told: Told
) -> list[Fact]:
    """Append the facts that a callback adds; the known ones in it are passed over.

    Args:
        callback: its row; facts carry its id and the time it came.
    """
    codes = desk.content.codes.get(told.carrier, {})
    came = callback.received_at
    lines = []
    for source, code, when in told.lines:
        name = code if source == "facts" else codes.get((source, code))
        if name in desk.content.facts:
            lines.append(Fact(str(name), f"{told.carrier}.{source}", code, came, when))
    for refund in told.refunds:
        lines.append(Fact("refund.confirmed", f"{told.carrier}.fee", refund, came, None))
    if not lines:
        return []
    known = await orders.facts_of(tx, order_id)
    fresh = [fact for fact in lines if not repeats(fact, known, desk.content.facts)]
    return [fact for fact in fresh if await orders.add_fact(tx, order_id, fact, callback.id)]
