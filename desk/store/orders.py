"""Orders, callbacks and facts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.facts import Fact
from desk.store.tables import callbacks, facts, orders


async def put(tx: AsyncConnection, order_id: str, values: Mapping[str, Any], now: datetime) -> None:
    """Insert or replace what the merchant's system says about an order."""
    row = {
        **values,
        "id": order_id,
        "told_state": values["state"],
        "told_at": now,
        "updated_at": now,
    }
    await tx.execute(
        insert(orders)
        .values(**row, created_at=now)
        .on_conflict_do_update(index_elements=["id"], set_=row)
    )


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
    tx: AsyncConnection, waybill: str | None, carrier_order_id: str | None
) -> list[Any]:
    """Orders a carrier's message speaks of: by waybill, else by the carrier's order number.

    Returns:
        Rows held until the transaction ends, so that facts of one order are applied in turn.
    """
    if waybill:
        rows = list(
            await tx.execute(
                select(orders)
                .where(orders.c.waybill == waybill)
                .order_by(orders.c.id)
                .with_for_update()
            )
        )
        if rows:
            return rows
    if carrier_order_id:
        return list(
            await tx.execute(
                select(orders)
                .where(
                    or_(
                        orders.c.carrier_order_id == carrier_order_id,
                        orders.c.id == carrier_order_id,
                    )
                )
                .order_by(orders.c.id)
                .with_for_update()
            )
        )
    return []


async def set_state(tx: AsyncConnection, order_id: str, state: str) -> None:
    await tx.execute(
        update(orders).where(orders.c.id == order_id).values(state=state, updated_at=func.now())
    )


async def keep_callback(
    tx: AsyncConnection, source: str, body: str, received_at: datetime
) -> int | None:
    """Store a callback as it came. None when exactly this one has been stored before."""
    digest = hashlib.sha256(body.encode()).digest()
    inserted = await tx.execute(
        insert(callbacks)
        .values(source=source, digest=digest, body=body, received_at=received_at)
        .on_conflict_do_nothing(index_elements=["source", "digest"])
        .returning(callbacks.c.id)
    )
    callback_id: int | None = inserted.scalar_one_or_none()
    return callback_id


async def lock_callback(tx: AsyncConnection, callback_id: int) -> Any | None:
    """A stored callback, held until the transaction ends."""
    return (
        await tx.execute(select(callbacks).where(callbacks.c.id == callback_id).with_for_update())
    ).one_or_none()


async def finish_callback(
    tx: AsyncConnection, callback_id: int, result: str, now: datetime
) -> None:
    """Note what became of a callback."""
    await tx.execute(
        update(callbacks).where(callbacks.c.id == callback_id).values(applied_at=now, result=result)
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
