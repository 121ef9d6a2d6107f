"""Orders and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.facts import Fact
from desk.store.tables import facts, orders


async def put(tx: AsyncConnection, order_id: str, values: Mapping[str, Any], now: datetime) -> None:
    """Insert or replace what the merchant's system says about an order.

    The told state counts from when it was told first: telling it again is no news. A waybill that
    a carrier has told stays when the merchant's system does not know it.
    """
    row = {**values, "told_state": values["state"], "told_at": now, "updated_at": now}
    added = insert(orders).values(**row, id=order_id, created_at=now)
    same = orders.c.told_state == added.excluded.told_state
    kept = {
        "state": case((same, orders.c.state), else_=added.excluded.state),
        "told_at": case((same, orders.c.told_at), else_=added.excluded.told_at),
        "waybill": func.coalesce(added.excluded.waybill, orders.c.waybill),
    }
    # `id` is not set: an update of a key would wait for every row that refers to it
    await tx.execute(added.on_conflict_do_update(index_elements=["id"], set_={**row, **kept}))


async def get(tx: AsyncConnection, order_id: str) -> Any | None:
    """The order's row, or None."""
    return (await tx.execute(select(orders).where(orders.c.id == order_id))).one_or_none()


async def of_customer(tx: AsyncConnection, customer_id: str) -> list[Any]:
    """A customer's orders, newest first."""
    return list(
        await tx.execute(
            select(orders)
            .where(orders.c.customer_id == customer_id)
            .order_by(orders.c.created_at.desc(), orders.c.id)
            .limit(200)
        )
    )


async def find_for_carrier(
    tx: AsyncConnection, waybill: str | None, numbers: Sequence[str]
) -> list[Any]:
    """Orders a carrier's message speaks of: by waybill, else by order numbers (its or ours).

    Returns:
        Rows held until the transaction ends, so that facts of one order are applied in turn; rows
        that refer to the order can still be written.
    """
    found = select(orders).order_by(orders.c.id).with_for_update(key_share=True)
    if waybill:
        rows = list(await tx.execute(found.where(orders.c.waybill == waybill)))
        if rows:
            return rows
    if numbers:
        known = or_(orders.c.carrier_order_id.in_(numbers), orders.c.id.in_(numbers))
        return list(await tx.execute(found.where(known)))
    return []


async def set_waybill(tx: AsyncConnection, order_id: str, waybill: str) -> None:
    await tx.execute(update(orders).where(orders.c.id == order_id).values(waybill=waybill))


async def set_state(tx: AsyncConnection, order_id: str, state: str) -> None:
    await tx.execute(
        update(orders).where(orders.c.id == order_id).values(state=state, updated_at=func.now())
    )


async def add_fact(tx: AsyncConnection, order_id: str, fact: Fact, callback_id: int | None) -> bool:
    """Append a fact. False when the carrier has told exactly this before."""
    result = await tx.execute(
        insert(facts)
        .values(
            order_id=order_id,
            fact=fact.fact,
            source=fact.source,
            code=fact.code,
            occurred_at=fact.occurred_at,
            received_at=fact.received_at,
            callback_id=callback_id,
        )
        .on_conflict_do_nothing()
        .returning(facts.c.id)
    )
    return result.first() is not None


async def facts_of(tx: AsyncConnection, order_id: str) -> list[Fact]:
    """All facts of an order, in the order they arrived."""
    rows = await tx.execute(select(facts).where(facts.c.order_id == order_id).order_by(facts.c.id))
    return [Fact(row.fact, row.source, row.code, row.received_at, row.occurred_at) for row in rows]


async def set_aside(tx: AsyncConnection, customer_id: str) -> None:
    """Take a demo customer's orders out of their sight; nothing is deleted."""
    await tx.execute(
        update(orders)
        .where(orders.c.customer_id == customer_id)
        .values(customer_id=f"aside:{customer_id}", waybill=None)
    )
