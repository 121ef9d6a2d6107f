"""Tickets whose order has had no news for too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

#: Tickets brought up to date in one transaction: it holds their rows.
AT_ONCE = 2000

#: What is not silent after all is set aside until it could be. Who is being worked on is left out.
#: Subqueries, because joined with `orders` the planner would read that whole table.
_SET_ASIDE = text(
    """
    with seen as (
        select ticket.id, news.latest
        from unnest(cast(:categories as text[]), cast(:since as timestamptz[]))
            as quiet (category, since)
        join tickets ticket on ticket.category = quiet.category
            and ticket.state in ('open', 'dispatched') and ticket.quiet_since <= quiet.since
        cross join lateral (select greatest(
            ticket.checked_at,
            (select told_at from orders where orders.id = ticket.order_id),
            (select max(received_at) from facts where facts.order_id = ticket.order_id)
        ) as latest) news
        where news.latest > quiet.since
        limit :limit for no key update of ticket skip locked
    )
    update tickets set quiet_since = seen.latest from seen where tickets.id = seen.id
    """
)
_OVERDUE = text(
    """
    select shipment.id, shipment.carrier, shipment.waybill, shipment.carrier_order_id,
        shipment.state, shipment.details, corrected.answer as company
    from unnest(cast(:categories as text[]), cast(:since as timestamptz[]))
        as quiet (category, since)
    join tickets ticket on ticket.category = quiet.category
        and ticket.state in ('open', 'dispatched') and ticket.quiet_since <= quiet.since
        and (ticket.checked_at is null or ticket.checked_at <= quiet.since)
    join orders shipment on shipment.id = ticket.order_id
        and (shipment.waybill is not null or shipment.details ->> 'task_id' is not null)
        and shipment.told_at <= quiet.since
    left join carrier_calls corrected on corrected.carrier = :carrier
        and corrected.kind = 'company' and corrected.subject = shipment.waybill
    where not exists (
        select from facts
        where facts.order_id = shipment.id and facts.received_at > quiet.since)
    and not exists (
        select from carrier_calls asked
        where asked.carrier = :carrier and asked.kind = 'query'
        and asked.subject = shipment.waybill and asked.next_at > :now)
    and not exists (
        select from carrier_calls asked
        where asked.carrier = :carrier and asked.kind = 'detail'
        and asked.subject = shipment.details ->> 'task_id' and asked.next_at > :now)
    order by ticket.due_at, ticket.id limit :limit
    """
)
#: Who changes several tickets locks them in the order of their ids, and waits for none: a ticket
#: that is being worked on is left out. It has news of its own, or is asked about once more later.
_ACTIVE = """
    with active as materialized (
        select id from tickets
        where order_id = any(cast(:ids as text[])) and state in ('open', 'dispatched')
        order by id for no key update skip locked
    )
"""
_CHECKED = text(
    f"{_ACTIVE} update tickets set checked_at = :now, quiet_since = :now "
    "from active where tickets.id = active.id"
)
_NOBODY_TO_ASK = text(
    f"{_ACTIVE} update tickets set quiet_since = :now from active where tickets.id = active.id"
)


async def set_aside(tx: AsyncConnection, since: Mapping[str, datetime]) -> bool:
    """Set tickets aside whose order has had news, so that they are not looked at each time.

    Args:
        since: category -> no news (and no question) after then.

    Returns:
        Whether there are more.
    """
    values = {"categories": list(since), "since": list(since.values()), "limit": AT_ONCE}
    return (await tx.execute(_SET_ASIDE, values)).rowcount == AT_ONCE


async def overdue(
    tx: AsyncConnection, carrier: str, since: Mapping[str, datetime], now: datetime, limit: int
) -> list[Any]:
    """Active tickets whose order has had no news for too long, the oldest promise first.

    Args:
        since: as of `set_aside`.

    Returns:
        Orders, one row for each ticket; with `company`, what the platform calls the carrier when
        it corrected us.
    """
    values = {"categories": list(since), "since": list(since.values())}
    rows = await tx.execute(_OVERDUE, {**values, "carrier": carrier, "now": now, "limit": limit})
    return list(rows)


async def set_all_aside(tx: AsyncConnection, order_ids: Sequence[str], now: datetime) -> None:
    """Set tickets aside about whose orders nobody can be asked: others are waiting behind them."""
    await tx.execute(_NOBODY_TO_ASK, {"ids": list(order_ids), "now": now})


async def checked(tx: AsyncConnection, order_id: str, now: datetime) -> None:
    """Note on the order's active tickets that the carrier was asked."""
    await tx.execute(_CHECKED, {"ids": [order_id], "now": now})
