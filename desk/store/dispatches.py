"""Dispatches: what went out to a carrier's platform or a merchant's system."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.dispatch import Dispatch
from desk.store.db import changes
from desk.store.tables import dispatches

_FIELDS = tuple(field.name for field in fields(Dispatch))


def _value(row: Any) -> Dispatch:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Dispatch(**{**values, "answer": row.answer or {}})


async def get(tx: AsyncConnection, dispatch_id: str) -> Dispatch | None:
    """A dispatch by its id."""
    found = await tx.execute(select(dispatches).where(dispatches.c.id == dispatch_id))
    row = found.one_or_none()
    return _value(row) if row else None


async def lock(tx: AsyncConnection, dispatch_id: str) -> Dispatch | None:
    """Load a dispatch and hold its row until the transaction ends."""
    found = await tx.execute(
        select(dispatches).where(dispatches.c.id == dispatch_id).with_for_update()
    )
    row = found.one_or_none()
    return _value(row) if row else None


async def last(tx: AsyncConnection, ticket_id: str, *, hold: bool = False) -> Dispatch | None:
    """The ticket's last round, without its additions.

    Args:
        hold: keep its row until the transaction ends.
    """
    query = (
        select(dispatches)
        .where(dispatches.c.ticket_id == ticket_id, dispatches.c.part == 0)
        .order_by(dispatches.c.round.desc())
        .limit(1)
    )
    found = await tx.execute(query.with_for_update() if hold else query)
    row = found.one_or_none()
    return _value(row) if row else None


async def of_ticket(tx: AsyncConnection, ticket_id: str) -> list[Dispatch]:
    """Everything that went out for a ticket: round by round, each with its additions."""
    rows = await tx.execute(
        select(dispatches)
        .where(dispatches.c.ticket_id == ticket_id)
        .order_by(dispatches.c.round, dispatches.c.part)
    )
    return [_value(row) for row in rows]


async def parent_of(tx: AsyncConnection, part: Dispatch) -> Dispatch:
    """The ticket's own dispatch of the round that an addition belongs to."""
    found = await tx.execute(
        select(dispatches).where(
            dispatches.c.ticket_id == part.ticket_id,
            dispatches.c.round == part.round,
            dispatches.c.part == 0,
        )
    )
    return _value(found.one())


async def next_part(tx: AsyncConnection, ticket_id: str, round_: int) -> int:
    """The number of the next addition of a round; the caller holds the round's row."""
    last = await tx.scalar(
        select(func.max(dispatches.c.part)).where(
            dispatches.c.ticket_id == ticket_id, dispatches.c.round == round_
        )
    )
    return int(last or 0) + 1


async def create(tx: AsyncConnection, dispatch: Dispatch) -> None:
    """Insert a new dispatch."""
    values = {name: getattr(dispatch, name) for name in _FIELDS}
    values["updated_at"] = dispatch.updated_at or dispatch.created_at
    await tx.execute(insert(dispatches).values(**values))


async def save(tx: AsyncConnection, before: Dispatch, after: Dispatch) -> None:
    """Write what changed."""
    changed = changes(before, after, _FIELDS)
    if changed:
        await tx.execute(update(dispatches).where(dispatches.c.id == after.id).values(**changed))
