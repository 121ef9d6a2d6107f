"""Tickets and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.ticket import ACTIVE, Entry, Ticket, is_urgent
from desk.store.db import changes
from desk.store.tables import conversations, ticket_entries, tickets

#: Literal on purpose: with bound parameters a prepared statement no longer matches the partial
#: index once PostgreSQL switches to its generic plan.
_ACTIVE_INDEX = text("state in ('open', 'dispatched')")

_FIELDS = tuple(field.name for field in fields(Ticket))


def _value(row: Any) -> Ticket:
    return Ticket(**{name: getattr(row, name) for name in _FIELDS})


async def lock(tx: AsyncConnection, ticket_id: str) -> Ticket | None:
    """Load a ticket and hold its row until the transaction ends."""
    row = (
        await tx.execute(select(tickets).where(tickets.c.id == ticket_id).with_for_update())
    ).one_or_none()
    return _value(row) if row else None


async def get(tx: AsyncConnection, ticket_id: str) -> Ticket | None:
    row = (await tx.execute(select(tickets).where(tickets.c.id == ticket_id))).one_or_none()
    return _value(row) if row else None


async def active_for(tx: AsyncConnection, order_id: str, category: str) -> Ticket | None:
    """The one active ticket of an order in a category, held until the transaction ends."""
    row = (
        await tx.execute(
            select(tickets)
            .where(
                tickets.c.order_id == order_id,
                tickets.c.category == category,
                tickets.c.state.in_(ACTIVE),
            )
            .with_for_update()
        )
    ).one_or_none()
    return _value(row) if row else None


async def active_of_order(tx: AsyncConnection, order_id: str) -> list[Ticket]:
    """All open or dispatched tickets of an order, oldest first."""
    rows = await tx.execute(
        select(tickets)
        .where(tickets.c.order_id == order_id, tickets.c.state.in_(ACTIVE))
        .order_by(tickets.c.opened_at, tickets.c.id)
    )
    return [_value(row) for row in rows]


async def live_of_order(
    tx: AsyncConnection, order_id: str, completed_after: datetime
) -> list[Ticket]:
    """The tickets of an order that news can change, oldest first.

    These are the active ones, and those that a fact completed since `completed_after`.
    """
    by_fact = and_(
        tickets.c.state == "completed",
        tickets.c.completed_by == "fact",
        tickets.c.completed_at >= completed_after,
    )
    rows = await tx.execute(
        select(tickets)
        .where(
            tickets.c.order_id == order_id,
            text("state <> 'closed'"),  # as the index says
            or_(tickets.c.state.in_(ACTIVE), by_fact),
        )
        .order_by(tickets.c.opened_at, tickets.c.id)
    )
    return [_value(row) for row in rows]


async def done_waiting(tx: AsyncConnection, now: datetime) -> list[tuple[str, str, str]]:
    """Tickets whose completing fact has stood long enough: ids, their orders', conversations'."""
    rows = await tx.execute(
        select(tickets.c.id, tickets.c.order_id, tickets.c.conversation_id)
        .where(tickets.c.waits_until <= now)
        .order_by(tickets.c.waits_until, tickets.c.id)
        .limit(500)
    )
    return [(row.id, row.order_id, row.conversation_id) for row in rows]


async def live(tx: AsyncConnection, order_ids: Sequence[str]) -> set[str]:
    """Those of the orders that have a ticket which news can still change: one not closed."""
    rows = await tx.execute(
        text(
            "select distinct order_id from tickets "
            "where order_id = any(cast(:ids as text[])) and state <> 'closed'"
        ),
        {"ids": list(order_ids)},
    )
    return {row.order_id for row in rows}


async def newest_active_since(tx: AsyncConnection, order_id: str) -> datetime | None:
    """When one of the order's tickets that are not closed was opened or reopened last."""
    last = select(func.max(tickets.c.active_since)).where(
        tickets.c.order_id == order_id,
        text("state <> 'closed'"),  # as the index says
    )
    found: datetime | None = (await tx.execute(last)).scalar_one()
    return found


async def of_order(tx: AsyncConnection, order_id: str) -> list[Ticket]:
    """All tickets of an order, oldest first."""
    rows = await tx.execute(
        select(tickets)
        .where(tickets.c.order_id == order_id)
        .order_by(tickets.c.opened_at, tickets.c.id)
    )
    return [_value(row) for row in rows]


async def of_conversation(tx: AsyncConnection, conversation_id: str) -> list[Ticket]:
    """All tickets of a conversation, oldest first."""
    rows = await tx.execute(
        select(tickets)
        .where(tickets.c.conversation_id == conversation_id)
        .order_by(tickets.c.opened_at, tickets.c.id)
    )
    return [_value(row) for row in rows]


async def create(tx: AsyncConnection, ticket: Ticket, review: Mapping[str, Any]) -> bool:
    """Insert a ticket. False when the order already has an active one in that category."""
    values = {name: getattr(ticket, name) for name in _FIELDS}
    values["active_since"] = ticket.active_since or ticket.opened_at
    values["spoke_at"] = ticket.spoke_at or ticket.opened_at
    values["promised_at"] = ticket.promised_at or ticket.opened_at
    values["complained_at"] = ticket.complained_at or ticket.opened_at
    result = await tx.execute(
        upsert(tickets)
        .values(**values, review=dict(review))
        .on_conflict_do_nothing(index_elements=["order_id", "category"], index_where=_ACTIVE_INDEX)
        .returning(tickets.c.id)
    )
    return result.first() is not None


async def save(tx: AsyncConnection, before: Ticket, after: Ticket) -> None:
    """Write what changed; with it, whether the conversation comes first in the queue."""
    changed = changes(before, after, _FIELDS)
    if changed:
        await tx.execute(update(tickets).where(tickets.c.id == after.id).values(**changed))
    if is_urgent(before) != is_urgent(after):  # the caller holds the conversation
        urgent = exists().where(
            tickets.c.conversation_id == after.conversation_id,
            _ACTIVE_INDEX,
            tickets.c.called_at.is_not(None) | tickets.c.warned_at.is_not(None),
        )
        await tx.execute(
            update(conversations)
            .where(conversations.c.id == after.conversation_id)
            .values(urgent=urgent)
        )


async def add_entry(
    tx: AsyncConnection,
    ticket_id: str,
    entry: Entry,
    author: str,
    at: datetime,
    idempotency_key: str | None = None,
) -> None:
    """Append one line to a ticket's history."""
    await tx.execute(
        insert(ticket_entries).values(
            ticket_id=ticket_id,
            at=at,
            kind=entry.kind,
            author=author,
            text=entry.text,
            idempotency_key=idempotency_key,
        )
    )


async def by_key(tx: AsyncConnection, idempotency_key: str) -> Ticket | None:
    """The ticket that a request with this key already made or changed."""
    row = (
        await tx.execute(
            select(tickets)
            .join(ticket_entries, ticket_entries.c.ticket_id == tickets.c.id)
            .where(ticket_entries.c.idempotency_key == idempotency_key)
        )
    ).one_or_none()
    return _value(row) if row else None


async def review(tx: AsyncConnection, ticket_id: str) -> dict[str, Any]:
    """The record of the review that led to a ticket: who said what; {} when there was none."""
    found = await tx.execute(select(tickets.c.review).where(tickets.c.id == ticket_id))
    return dict(found.scalar_one_or_none() or {})


async def add_review(tx: AsyncConnection, ticket_id: str, later: Mapping[str, Any]) -> None:
    """Keep a later review behind the first one, in the record's list `corrections`."""
    record = await review(tx, ticket_id)
    record["corrections"] = [*record.get("corrections", ()), dict(later)]
    await tx.execute(update(tickets).where(tickets.c.id == ticket_id).values(review=record))


async def entries(tx: AsyncConnection, ticket_id: str) -> list[dict[str, Any]]:
    """A ticket's history, oldest first."""
    rows = await tx.execute(
        select(ticket_entries)
        .where(ticket_entries.c.ticket_id == ticket_id)
        .order_by(ticket_entries.c.id)
    )
    return [
        {"at": row.at.isoformat(), "kind": row.kind, "author": row.author, "text": row.text}
        for row in rows
    ]


async def to_close(tx: AsyncConnection, completed_before: datetime) -> list[str]:
    """Ids of completed tickets nobody objected to since `completed_before`."""
    return list(
        (
            await tx.execute(
                select(tickets.c.id)
                .where(tickets.c.state == "completed", tickets.c.completed_at < completed_before)
                .limit(500)
            )
        ).scalars()
    )
