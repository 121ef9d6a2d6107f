"""Callbacks as they came: kept first, applied later, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.store.tables import callbacks

#: The result of a callback whose order nobody has told us about yet.
UNMATCHED = "no such order"
#: Literal on purpose: with a bound parameter a prepared statement no longer matches the partial
#: index once PostgreSQL switches to its generic plan.
_UNMATCHED = text(f"result = '{UNMATCHED}'")


async def lock_identifiers(tx: AsyncConnection, identifiers: Sequence[str]) -> None:
    """Take turns, until the transaction ends, with whoever is busy with the same identifiers."""
    for identifier in sorted(identifiers):
        await tx.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:identifier, 15))"),
            {"identifier": identifier},
        )


async def take_unmatched(tx: AsyncConnection, identifiers: Sequence[str]) -> list[Any]:
    """Callbacks kept for an order unknown until now, to be applied: id and identifiers."""
    if not identifiers:
        return []
    await lock_identifiers(tx, identifiers)
    return list(
        await tx.execute(
            update(callbacks)
            .where(_UNMATCHED, callbacks.c.identifiers.overlap(list(identifiers)))
            .values(applied_at=None, result=None)
            .returning(callbacks.c.id, callbacks.c.identifiers)
        )
    )


async def keep(
    tx: AsyncConnection,
    source: str,
    body: str,
    received_at: datetime,
    identifiers: Sequence[str] = (),
) -> int | None:
    """Store a callback as it came. None when exactly this one has been stored before.

    Args:
        identifiers: what it calls its order.
    """
    digest = hashlib.sha256(body.encode()).digest()
    inserted = await tx.execute(
        insert(callbacks)
        .values(
            source=source,
            digest=digest,
            body=body,
            received_at=received_at,
            identifiers=list(identifiers),
        )
        .on_conflict_do_nothing(index_elements=["source", "digest"])
        .returning(callbacks.c.id)
    )
    callback_id: int | None = inserted.scalar_one_or_none()
    return callback_id


async def lock(tx: AsyncConnection, callback_id: int) -> Any | None:
    """A stored callback, held until the transaction ends."""
    return (
        await tx.execute(select(callbacks).where(callbacks.c.id == callback_id).with_for_update())
    ).one_or_none()


async def finish(tx: AsyncConnection, callback_id: int, result: str, now: datetime) -> None:
    """Note what became of a callback."""
    await tx.execute(
        update(callbacks).where(callbacks.c.id == callback_id).values(applied_at=now, result=result)
    )
