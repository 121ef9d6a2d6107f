"""Orders and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, text, update
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


async def of_waybill(tx: AsyncConnection, waybill: str) -> list[Any]:
    """The orders that have a waybill."""
    return list(await tx.execute(select(orders).where(orders.c.waybill == waybill)))


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
    """Orders a carrier's message speaks of: by waybill, else by its own number, else by ours.

    Args:
        numbers: ours first, the carrier's last (`rules.told.Names`).

    Returns:
        Rows held until the transaction ends, so that facts of one order are applied in turn; rows
        that refer to the order can still be written.
    """
    found = select(orders).order_by(orders.c.id).with_for_update(key_share=True)
    ours, theirs = (numbers[0], numbers[-1]) if numbers else (None, None)
    for column, name in (
        (orders.c.waybill, waybill),
        (orders.c.carrier_order_id, theirs),
        (orders.c.id, ours),
    ):
        if name and (rows := list(await tx.execute(found.where(column == name)))):
            return rows
    return []


#: An order and those that share its waybill or number: a carrier's message may mean them all.
_GROUP = """
    select id from orders where id = :id
    union
    select other.id from orders join orders as other on other.waybill = orders.waybill
        where orders.id = :id
    union
    select other.id from orders
        join orders as other on other.carrier_order_id = orders.carrier_order_id
        where orders.id = :id
    union
    select id from orders where waybill = cast(:waybill as text)
    union
    select id from orders where carrier_order_id = cast(:number as text)
"""


async def lock_group(
    tx: AsyncConnection, order_id: str, waybill: str | None = None, number: str | None = None
) -> list[str]:
    """Hold an order, and those that share its waybill or number, until the transaction ends.

    Rows that refer to them can still be written. Locked before any conversation, always.

    Args:
        waybill: and those that have the waybill and the carrier's number it is about to get.

    Returns:
        Their ids.
    """
    rows = await tx.execute(
        text(f"select id from orders where id in ({_GROUP}) order by id for no key update"),
        {"id": order_id, "waybill": waybill, "number": number},
    )
    return [row.id for row in rows]


async def anything_pending(tx: AsyncConnection, order_ids: Sequence[str]) -> list[str]:
    """Those of the orders for which (or for whose group) callbacks wait to be applied."""
    if not order_ids:
        return []
    rows = await tx.execute(_PENDING, {"ids": list(order_ids)})
    return [row.id for row in rows]


_PENDING = text(
    """
    select asked.id from unnest(cast(:ids as text[])) as asked (id)
    where exists (select from callbacks where applied_at is null and order_id = asked.id)
    or exists (
        select from orders join orders as other on other.waybill = orders.waybill
            or other.carrier_order_id = orders.carrier_order_id
        join callbacks on callbacks.order_id = other.id and applied_at is null
        where orders.id = asked.id and other.id <> orders.id)
    """
)


async def with_namesakes(tx: AsyncConnection, waybills: Sequence[str]) -> set[str]:
    """Those of the waybills that more than one order has."""
    rows = await tx.execute(
        text(
            "select waybill from orders where waybill = any(cast(:waybills as text[])) "
            "group by waybill having count(*) > 1"
        ),
        {"waybills": list(waybills)},
    )
    return {row.waybill for row in rows}


async def set_waybill(tx: AsyncConnection, order_id: str, waybill: str) -> None:
    await tx.execute(update(orders).where(orders.c.id == order_id).values(waybill=waybill))


async def set_state(tx: AsyncConnection, order_id: str, state: str) -> None:
    await tx.execute(
        update(orders).where(orders.c.id == order_id).values(state=state, updated_at=func.now())
    )


_ADD = text(
    """
    insert into facts (order_id, fact, source, code, occurred_at, received_at, callback_id)
    select order_id, fact, source, code, occurred_at, received_at, callback_id
    from unnest(cast(:orders as text[]), cast(:facts as text[]), cast(:sources as text[]),
        cast(:codes as text[]), cast(:occurred as timestamptz[]), cast(:received as timestamptz[]),
        cast(:callbacks as bigint[])) with ordinality
        as new (order_id, fact, source, code, occurred_at, received_at, callback_id, place)
    order by place
    on conflict do nothing
    """
)


async def add_facts(tx: AsyncConnection, new: Sequence[tuple[str, Fact, int]]) -> None:
    """Append facts of many orders: (order id, fact, callback id), in the order they were told."""
    if not new:
        return
    facts_told = [fact for _, fact, _ in new]
    await tx.execute(
        _ADD,
        {
            "orders": [order_id for order_id, _, _ in new],
            "facts": [fact.fact for fact in facts_told],
            "sources": [fact.source for fact in facts_told],
            "codes": [fact.code for fact in facts_told],
            "occurred": [fact.occurred_at for fact in facts_told],
            "received": [fact.received_at for fact in facts_told],
            "callbacks": [callback_id for _, _, callback_id in new],
        },
    )


async def set_states(tx: AsyncConnection, states: Mapping[str, str], now: datetime) -> None:
    """Write the states of many orders."""
    if states:
        await tx.execute(
            text(
                "update orders set state = new.state, updated_at = :now "
                "from unnest(cast(:ids as text[]), cast(:states as text[])) as new (id, state) "
                "where orders.id = new.id"
            ),
            {"now": now, "ids": list(states), "states": list(states.values())},
        )


async def facts_of_orders(tx: AsyncConnection, order_ids: Sequence[str]) -> dict[str, list[Fact]]:
    """All facts of many orders, in the order they arrived."""
    rows = await tx.execute(
        text(
            "select order_id, fact, source, code, received_at, occurred_at from facts "
            "where order_id = any(cast(:ids as text[])) order by id"
        ),
        {"ids": list(order_ids)},
    )
    found: dict[str, list[Fact]] = {order_id: [] for order_id in order_ids}
    for row in rows:
        fact = Fact(row.fact, row.source, row.code, row.received_at, row.occurred_at)
        found[row.order_id].append(fact)
    return found


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
