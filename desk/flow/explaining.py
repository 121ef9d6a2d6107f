"""`make rules`: an order's tickets explained, as text."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from desk.flow.desk import Desk
from desk.flow.effects import case_of
from desk.flow.facts import state_of
from desk.rules.explain import explain, text_of
from desk.rules.refused import Refused
from desk.store import orders, tickets


async def explain_order(desk: Desk, name: str) -> str:
    """Why each ticket of an order is as it is. Nothing is changed.

    Args:
        name: the order's id, its waybill, the carrier's number of it, or the id of a ticket.

    Raises:
        Refused: `not_found`.
    """
    zone = ZoneInfo(desk.content.service.timezone)
    async with desk.db.begin() as tx:
        ticket = await tickets.get(tx, name)
        order = await orders.get(tx, ticket.order_id if ticket else name)
        if order is None:
            found = await orders.find_for_carrier(tx, name, [name])
            order = found[0] if found else None
        if order is None:
            raise Refused("not_found", what="order")
        known = await orders.facts_of(tx, order.id)
        state = state_of(desk, order, known)
        lines = [
            f"order {order.id}  waybill {order.waybill or '-'}  {state} "
            f"(the merchant's system said {order.told_state})"
        ]
        for one in await tickets.of_order(tx, order.id):
            case = await case_of(desk, tx, one, order, known, state)
            if case is None:
                lines.append(f"ticket {one.id}  {one.category}: no such category any more, no rule")
                continue
            history = await tickets.entries(tx, one.id)
            lines.append(text_of(explain(case, desk.now()), history, zone))
    return "\n\n".join(lines if len(lines) > 1 else [*lines, "no ticket"])
