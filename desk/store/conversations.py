"""Conversations: load under lock, save, and the lists the pages need."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.conversation import Conversation
from desk.store.db import changes, notify
from desk.store.tables import agents, conversations, orders

_FIELDS = tuple(field.name for field in fields(Conversation))


def _value(row: Any) -> Conversation:
    data = {name: getattr(row, name) for name in _FIELDS}
    data["offered"] = tuple(data["offered"])
    return Conversation(**data)


async def lock(
    tx: AsyncConnection, conversation_id: str, *, if_free: bool = False
) -> Conversation | None:
    """Load a conversation and hold its row until the transaction ends: all writers take turns.

    Args:
        if_free: None instead of waiting, where another transaction holds it.
    """
    row = (
        await tx.execute(
            select(conversations)
            .where(conversations.c.id == conversation_id)
            .with_for_update(skip_locked=if_free)
        )
    ).one_or_none()
    return _value(row) if row else None


async def get(tx: AsyncConnection, conversation_id: str) -> Conversation | None:
    """Load a conversation for reading."""
    row = (
        await tx.execute(select(conversations).where(conversations.c.id == conversation_id))
    ).one_or_none()
    return _value(row) if row else None


async def find(tx: AsyncConnection, order_id: str, customer_id: str) -> Conversation | None:
    """The customer's conversation about an order, if there is one."""
    row = (
        await tx.execute(
            select(conversations).where(
                conversations.c.order_id == order_id, conversations.c.customer_id == customer_id
            )
        )
    ).one_or_none()
    return _value(row) if row else None


async def create(tx: AsyncConnection, conversation: Conversation) -> bool:
    """Insert a new conversation. False when another request was quicker (same order, customer)."""
    values = {name: getattr(conversation, name) for name in _FIELDS}
    values["offered"] = list(values["offered"])
    result = await tx.execute(
        insert(conversations)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["order_id", "customer_id"])
        .returning(conversations.c.id)
    )
    return result.first() is not None


async def save(tx: AsyncConnection, before: Conversation, after: Conversation) -> None:
    """Write what changed; wake whoever shows the queue when the owner changed."""
    changed = changes(before, after, _FIELDS)
    if not changed:
        return
    if "offered" in changed:
        changed["offered"] = list(changed["offered"])
    await tx.execute(
        update(conversations)
        .where(conversations.c.id == after.id)
        .values(**changed, updated_at=func.now())
    )
    if "owner" in changed or "epoch" in changed:
        await notify(tx, what="queue", conversation=after.id)


async def position(tx: AsyncConnection, conversation: Conversation) -> int:
    """The conversation's place in the queue, 1 = next; among its like the last if it is new."""
    c = conversations.c
    urgent = await tx.scalar(select(c.urgent).where(c.id == conversation.id))
    earlier: ColumnElement[bool] = true()
    if conversation.waiting_since is not None:
        earlier = tuple_(c.waiting_since, c.id) < (conversation.waiting_since, conversation.id)
    ahead = select(func.count()).where(
        c.owner == "queue",
        c.id != conversation.id,
        (c.urgent & earlier) if urgent else (c.urgent | earlier),
    )
    return int((await tx.execute(ahead)).scalar_one()) + 1


_LISTED = (
    conversations,
    orders.c.carrier,
    orders.c.waybill,
    orders.c.state.label("order_state"),
    orders.c.details.label("order_details"),
)


async def waiting(tx: AsyncConnection, limit: int = 200) -> list[Any]:
    """The queue: what has a time first, then by waiting time; with the order's main facts."""
    return list(
        await tx.execute(
            select(*_LISTED)
            .join(orders, orders.c.id == conversations.c.order_id)
            .where(conversations.c.owner == "queue")
            .order_by(
                conversations.c.urgent.desc(), conversations.c.waiting_since, conversations.c.id
            )
            .limit(limit)
        )
    )


async def of_agent(tx: AsyncConnection, agent_id: str) -> list[Any]:
    """The conversations an agent owns, the one waiting longest for an answer first."""
    return list(
        await tx.execute(
            select(*_LISTED)
            .join(orders, orders.c.id == conversations.c.order_id)
            .where(conversations.c.owner == "agent", conversations.c.agent_id == agent_id)
            .order_by(conversations.c.agent_owes_since.nulls_last(), conversations.c.id)
        )
    )


async def unanswered_by_bot(tx: AsyncConnection, before: datetime) -> list[str]:
    """Conversations whose customer has waited for the bot since before `before`."""
    return list(
        (
            await tx.execute(
                select(conversations.c.id)
                .where(
                    conversations.c.owner == "bot",
                    conversations.c.unanswered_since < before,
                )
                .limit(100)
            )
        ).scalars()
    )


async def left_by_agents(tx: AsyncConnection, before: datetime) -> list[str]:
    """Conversations owed an answer since before `before` by an agent not seen since then."""
    return list(
        (
            await tx.execute(
                select(conversations.c.id)
                .join(agents, agents.c.id == conversations.c.agent_id)
                .where(
                    conversations.c.owner == "agent",
                    conversations.c.agent_owes_since < before,
                    func.coalesce(agents.c.seen_at, before) <= before,
                )
                .limit(100)
            )
        ).scalars()
    )


async def waiting_count(tx: AsyncConnection) -> int:
    """How many customers wait for a person."""
    return int(
        (
            await tx.execute(
                select(func.count())
                .select_from(conversations)
                .where(conversations.c.owner == "queue")
            )
        ).scalar_one()
    )
