"""Tickets whose clocks have run: searches along partial indexes, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.promises import Reach
from desk.store.tables import conversations, tickets

#: Literal, as the conditions of the partial indexes are: see `store/tickets.py`.
_ACTIVE = text("tickets.state in ('open', 'dispatched')")


class Found(NamedTuple):
    """A ticket on a page of a search; `at` and `id` say where the next page begins."""

    at: datetime
    id: str
    conversation_id: str


async def to_call(
    tx: AsyncConnection,
    reaches: Sequence[tuple[Reach, Sequence[str]]],
    after: Found | None,
    limit: int,
) -> list[Found]:
    """Tickets for which nobody was called yet and whose time to call has come.

    Args:
        reaches: bounds, each with the categories they hold for; those without any hold for all
            categories that no others name.
    """
    named = [category for _, categories in reaches for category in categories]
    chosen = []
    for found, categories in reaches:
        which = (
            tickets.c.category.in_(categories) if categories else tickets.c.category.not_in(named)
        )
        chosen.append(and_(which, _within(found)))
    widest = max(found.due_by for found, _ in reaches)
    return await _page(
        tx,
        tickets.c.due_at,
        and_(tickets.c.called_at.is_(None), tickets.c.due_at <= widest, or_(*chosen)),
        after,
        limit,
    )


def _within(found: Reach) -> ColumnElement[bool]:
    """`rules.promises.within`, in SQL."""
    if found.closed_since is None or found.due_by_if_new is None:
        return tickets.c.due_at <= found.due_by
    return and_(
        tickets.c.due_at <= found.due_by,
        or_(tickets.c.promised_at < found.closed_since, tickets.c.due_at <= found.due_by_if_new),
    )


async def to_apologise(
    tx: AsyncConnection, now: datetime, after: Found | None, limit: int
) -> list[Found]:
    """Tickets still open although their promised time has passed, not told so far."""
    overdue = and_(tickets.c.broken_at.is_(None), tickets.c.due_at <= now)
    return await _page(tx, tickets.c.due_at, overdue, after, limit)


async def to_warn(
    tx: AsyncConnection, complained_before: datetime, after: Found | None, limit: int
) -> list[Found]:
    """Tickets of complaints made before that time, of which supervisors were not warned yet."""
    near = and_(tickets.c.warned_at.is_(None), tickets.c.complained_at <= complained_before)
    return await _page(tx, tickets.c.complained_at, near, after, limit)


async def _page(
    tx: AsyncConnection,
    order: Any,
    condition: ColumnElement[bool],
    after: Found | None,
    limit: int,
) -> list[Found]:
    further = tuple_(order, tickets.c.id) > (after.at, after.id) if after else true()
    rows = await tx.execute(
        select(order.label("at"), tickets.c.id, tickets.c.conversation_id)
        .where(_ACTIVE, condition, further)
        .order_by(order, tickets.c.id)
        .limit(limit)
    )
    return [Found(*row) for row in rows]


async def clocks_of(tx: AsyncConnection, conversation_ids: Sequence[str]) -> dict[str, Any]:
    """The earliest clocks of each conversation's open tickets: due_at, complained_at, called."""
    rows = await tx.execute(
        select(
            tickets.c.conversation_id,
            func.min(tickets.c.due_at).label("due_at"),
            func.min(tickets.c.complained_at).label("complained_at"),
            func.bool_or(tickets.c.called_at.is_not(None)).label("called"),
        )
        .where(_ACTIVE, tickets.c.conversation_id.in_(conversation_ids))
        .group_by(tickets.c.conversation_id)
    )
    return {row.conversation_id: row for row in rows}


async def near_the_law(
    tx: AsyncConnection, complained_before: datetime, limit: int = 50
) -> list[Any]:
    """Open tickets of complaints made before that time, the oldest first, with who has them."""
    return list(
        await tx.execute(
            select(
                tickets.c.id,
                tickets.c.conversation_id,
                tickets.c.category,
                tickets.c.due_at,
                tickets.c.complained_at,
                tickets.c.called_at,
                conversations.c.owner,
                conversations.c.agent_name,
            )
            .join(conversations, conversations.c.id == tickets.c.conversation_id)
            .where(_ACTIVE, tickets.c.complained_at <= complained_before)
            .order_by(tickets.c.complained_at, tickets.c.id)
            .limit(limit)
        )
    )
