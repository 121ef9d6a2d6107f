"""The append-only log of conversations: append in a transaction, read after a sequence number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, cast, func, insert, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.conversation import Event
from desk.store.db import notify
from desk.store.tables import events

#: Whoever reads the log gets so many events at once, and asks again for the rest.
PAGE = 500


def as_json(row: Any) -> dict[str, Any]:
    """One stored event as the API shows it."""
    shown: dict[str, Any] = {
        "seq": row.seq,
        "at": row.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "kind": row.kind,
        "author": row.author,
        **row.body,
    }
    if row.client_id:
        shown["client_id"] = row.client_id
    return shown


async def append(
    tx: AsyncConnection,
    conversation_id: str,
    last_seq: int,
    new: Sequence[Event],
    at: datetime,
) -> list[dict[str, Any]]:
    """Append `new` after `last_seq`; the caller holds the conversation's row lock.

    Returns:
        The stored events as JSON values, in order.
    """
    stored = []
    for offset, event in enumerate(new, start=1):
        row = (
            await tx.execute(
                insert(events)
                .values(
                    conversation_id=conversation_id,
                    seq=last_seq + offset,
                    at=at,
                    kind=event.kind,
                    author=event.author,
                    body=dict(event.body),
                    client_id=event.client_id,
                )
                .returning(events)
            )
        ).one()
        stored.append(as_json(row))
    if stored:
        await notify(tx, what="log", conversation=conversation_id, seq=last_seq + len(stored))
    return stored


async def read_after(
    tx: AsyncConnection,
    conversation_id: str,
    after: int,
    *,
    notes: bool = False,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Events with a sequence number above `after`, oldest first; notes only for agents.

    At most `limit` of them, `PAGE` where none is given.
    """
    query = (
        select(events)
        .where(events.c.conversation_id == conversation_id, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit or PAGE)
    )
    if not notes:
        query = query.where(events.c.kind != "note")
    return [as_json(row) for row in await tx.execute(query)]


async def by_client_id(
    tx: AsyncConnection, conversation_id: str, author: str, client_id: str
) -> dict[str, Any] | None:
    """The event a client already sent under `client_id`, if any."""
    row = (
        await tx.execute(
            select(events).where(
                events.c.conversation_id == conversation_id,
                events.c.client_id == client_id,
                events.c.author == author,
            )
        )
    ).one_or_none()
    return as_json(row) if row else None


async def customer_messages_after(
    tx: AsyncConnection, conversation_id: str, after: int
) -> list[Any]:
    """The customer's messages the bot has not answered yet: rows with seq, at, body."""
    return list(
        await tx.execute(
            select(events.c.seq, events.c.at, events.c.body)
            .where(
                events.c.conversation_id == conversation_id,
                events.c.seq > after,
                events.c.kind == "message",
                events.c.author == "customer",
            )
            .order_by(events.c.seq)
        )
    )


async def choice_label(tx: AsyncConnection, conversation_id: str, choice: str) -> str | None:
    """The words on the latest button with that choice id, as the customer saw them."""
    rows = await tx.execute(
        select(events.c.body)
        .where(
            events.c.conversation_id == conversation_id,
            events.c.author == "bot",
            events.c.body.has_key("choices"),
        )
        .order_by(events.c.seq.desc())
        .limit(20)
    )
    for row in rows:
        for offered in row.body.get("choices", ()):
            if offered["id"] == choice:
                return str(offered["label"])
    return None


async def last_messages(
    tx: AsyncConnection, conversation_ids: Sequence[str], author: str | None = None
) -> dict[str, dict[str, Any]]:
    """The latest message of each conversation (of `author`, if given), for lists."""
    if not conversation_ids:
        return {}
    wanted = (
        func.unnest(cast(list(conversation_ids), ARRAY(Text))).table_valued("id").render_derived()
    )
    newest = (
        select(events)
        .where(events.c.conversation_id == wanted.c.id, events.c.kind == "message")
        .order_by(events.c.seq.desc())
        .limit(1)
    )
    if author:
        newest = newest.where(events.c.author == author)
    # the index is read backwards from the end of each log, not the whole log
    latest = newest.lateral()
    rows = await tx.execute(select(latest).select_from(wanted.join(latest, true())))
    return {row.conversation_id: as_json(row) for row in rows}


async def last_customer_message(tx: AsyncConnection, conversation_id: str) -> str:
    """What the customer wrote last, in words; empty when nothing was written."""
    row = (
        await tx.execute(
            select(events.c.body)
            .where(
                events.c.conversation_id == conversation_id,
                events.c.kind == "message",
                events.c.author == "customer",
            )
            .order_by(events.c.seq.desc())
            .limit(1)
        )
    ).one_or_none()
    return str(row.body.get("text", "")) if row else ""
