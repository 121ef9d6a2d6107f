"""Orders: what the merchant's system says, what carriers add, and the state that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.flow import applying, subscribing
from desk.flow.desk import Desk
from desk.flow.facts import derived_state
from desk.store import callbacks, orders


async def put_order(desk: Desk, order_id: str, values: Mapping[str, Any]) -> Any:
    """What the merchant's system says about an order; callbacks that came before it are applied.

    Returns:
        The order's row.
    """
    async with desk.db.begin() as tx:
        # all that the order shares a waybill or number with, before and after this, in one order
        await orders.lock_group(tx, order_id, values["waybill"], values["carrier_order_id"])
        await orders.put(tx, order_id, values, desk.now())
        order = await orders.get(tx, order_id)
        assert order is not None
        state = await derived_state(desk, tx, order)
        if state != order.state:
            await orders.set_state(tx, order_id, state)
        names = [name for name in (order.waybill, order.carrier_order_id, order_id) if name]
        await callbacks.take_unmatched(tx, order_id, names)
        await applying.settle(desk, tx, order_id)
        row = await orders.get(tx, order_id)
        await subscribing.plan(desk, tx, row)
        return row
