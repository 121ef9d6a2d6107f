"""Deliveries: news for the merchant's own channels, from being told to being taken or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.store.tables import deliveries, readers


async def add(tx: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Store a delivery that waits to be sent."""
    await tx.execute(insert(deliveries).values(state="waiting", tries=0, **values))


async def supersede_held(
    tx: AsyncConnection, conversation_id: str, ticket_id: str | None, kind: str, now: datetime
) -> list[str]:
    """Newer news takes the place of what still waits for the end of the quiet hours.

    That is every kind of news of the same ticket; news of no ticket: the same kind of the same
    conversation.

    Returns:
        The kinds of the deliveries that will not be sent.
    """
    same = deliveries.c.ticket_id == ticket_id
    if ticket_id is None:
        same = and_(deliveries.c.ticket_id.is_(None), deliveries.c.kind == kind)
    rows = await tx.execute(
        update(deliveries)
        .where(
            deliveries.c.conversation_id == conversation_id,
            deliveries.c.state == "waiting",
            deliveries.c.held,
            same,
        )
        .values(state="superseded", held=False, updated_at=now)
        .returning(deliveries.c.kind)
    )
    return list(rows.scalars())


async def last_of_kind(tx: AsyncConnection, conversation_id: str, kind: str) -> datetime | None:
    """When news of that kind was last told in a conversation."""
    found: datetime | None = await tx.scalar(
        select(func.max(deliveries.c.created_at)).where(
            deliveries.c.conversation_id == conversation_id, deliveries.c.kind == kind
        )
    )
    return found


def _free(now: datetime) -> ColumnElement[bool]:
    """Not under way (any more)."""
    under_way = deliveries.c.sending_until
    return or_(under_way.is_(None), under_way < now)


async def hold(tx: AsyncConnection, kinds: Sequence[str], now: datetime, until: datetime) -> None:
    """Let what is due of these kinds wait for the end of the quiet hours at `until`."""
    due = (
        select(deliveries.c.id)
        .where(
            deliveries.c.state == "waiting",
            deliveries.c.not_before <= now,
            deliveries.c.kind.in_(kinds),
            _free(now),
        )
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.id == due.c.id)
        .values(not_before=until, held=True, sending_until=None, updated_at=now)
    )


async def claim(
    tx: AsyncConnection, limit: int, now: datetime, until: datetime, gives_way_after: int
) -> list[Any]:
    """Take up to `limit` due deliveries for sending: the first waiting one of each conversation.

    Whoever takes one counts a try and has it until `until`; if its process dies, it is free again
    then. What waits for the end of the quiet hours holds up nothing, nor does what has failed
    `gives_way_after` times.

    Returns:
        Rows with id, kind, body, tries (this one included).
    """
    earlier = deliveries.alias("earlier")
    held_up = exists().where(
        earlier.c.conversation_id == deliveries.c.conversation_id,
        earlier.c.state == "waiting",
        earlier.c.number < deliveries.c.number,
        earlier.c.tries < gives_way_after,
        or_(~earlier.c.held, earlier.c.not_before <= now),
    )
    due = (
        select(deliveries.c.id)
        .where(
            deliveries.c.state == "waiting",
            deliveries.c.not_before <= now,
            _free(now),
            ~held_up,
        )
        .order_by(deliveries.c.not_before, deliveries.c.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = await tx.execute(
        update(deliveries)
        .where(deliveries.c.id == due.c.id)
        .values(tries=deliveries.c.tries + 1, held=False, sending_until=until, updated_at=now)
        .returning(deliveries.c.id, deliveries.c.kind, deliveries.c.body, deliveries.c.tries)
    )
    return list(rows)


async def settle(
    tx: AsyncConnection, delivery_id: str, tries: int, now: datetime, values: Mapping[str, Any]
) -> bool:
    """Write down what came of try number `tries`; False when somebody else has taken it since."""
    done = await tx.execute(
        update(deliveries)
        .where(
            deliveries.c.id == delivery_id,
            deliveries.c.tries == tries,
            deliveries.c.state == "waiting",
        )
        .values(sending_until=None, updated_at=now, **values)
        .returning(deliveries.c.id)
    )
    return done.first() is not None


_SHOWN = (
    deliveries.c.id,
    deliveries.c.kind,
    deliveries.c.conversation_id,
    deliveries.c.ticket_id,
    deliveries.c.state,
    deliveries.c.tries,
    deliveries.c.last_error,
    deliveries.c.held,
    deliveries.c.not_before,
    deliveries.c.sending_until,
    deliveries.c.created_at,
    deliveries.c.updated_at,
)


async def unsettled(tx: AsyncConnection, state: str, limit: int) -> list[Any]:
    """Dead ones, the last to die first; or waiting ones, the next to be sent first."""
    order = deliveries.c.not_before if state == "waiting" else deliveries.c.updated_at.desc()
    return list(
        await tx.execute(
            select(*_SHOWN)
            .where(deliveries.c.state == state)
            .order_by(order, deliveries.c.number)
            .limit(limit)
        )
    )


async def of_ticket(tx: AsyncConnection, ticket_id: str) -> list[Any]:
    """Everything told about a ticket, oldest first, without the bodies."""
    query = select(*_SHOWN).where(deliveries.c.ticket_id == ticket_id)
    return list(await tx.execute(query.order_by(deliveries.c.number)))


async def get(tx: AsyncConnection, delivery_id: str) -> Any | None:
    """One delivery, without its body."""
    return (await tx.execute(select(*_SHOWN).where(deliveries.c.id == delivery_id))).one_or_none()


async def counts(tx: AsyncConnection) -> dict[str, int]:
    """How many wait, how many of these have failed before, and how many are dead."""

    def number(*conditions: ColumnElement[bool]) -> Select[Any]:
        return select(func.count()).select_from(deliveries).where(*conditions)

    waiting = deliveries.c.state == "waiting"
    row = (
        await tx.execute(
            select(
                number(waiting).scalar_subquery().label("waiting"),
                number(waiting, deliveries.c.last_error.is_not(None))
                .scalar_subquery()
                .label("failing"),
                number(deliveries.c.state == "dead").scalar_subquery().label("dead"),
            )
        )
    ).one()
    return {"waiting": row.waiting, "failing": row.failing, "dead": row.dead}


async def lock_again(
    tx: AsyncConnection, delivery_id: str | None, now: datetime, most: int = 1
) -> list[Any]:
    """Hold what a supervisor may have sent again: that one (dead or failing), or the dead ones.

    Args:
        most: so many of the dead ones at most, the first to die first.

    Returns:
        Rows with id, kind, ticket_id and `overtaken`: newer news of the same ticket was delivered,
        or is dead or waiting as well.
    """
    newer = deliveries.alias("newer")
    overtaken = exists().where(
        newer.c.ticket_id == deliveries.c.ticket_id,
        newer.c.number > deliveries.c.number,
        newer.c.state != "superseded",
    )
    query = select(deliveries.c.id, deliveries.c.kind, overtaken.label("overtaken"))
    if delivery_id is None:
        query = query.where(deliveries.c.state == "dead").limit(most)
    else:
        failing = and_(
            deliveries.c.state == "waiting", deliveries.c.last_error.is_not(None), _free(now)
        )
        query = query.where(
            deliveries.c.id == delivery_id, or_(deliveries.c.state == "dead", failing)
        )
    query = query.order_by(deliveries.c.updated_at, deliveries.c.number)
    return list(await tx.execute(query.with_for_update(of=deliveries)))


async def put_back(
    tx: AsyncConnection, delivery_ids: Sequence[str], now: datetime, values: Mapping[str, Any]
) -> None:
    """Change deliveries held by `lock_again`."""
    if not delivery_ids:
        return
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(delivery_ids))
        .values(updated_at=now, sending_until=None, **values)
    )


async def forget(tx: AsyncConnection, before: datetime) -> int:
    """Delete what was settled before `before`. Returns how many."""
    old = deliveries.c.updated_at < before
    settled = deliveries.c.state.in_(("delivered", "superseded"))
    # apart, as their indexes are
    done = await tx.execute(
        delete(deliveries).where(or_(and_(settled, old), and_(deliveries.c.state == "dead", old)))
    )
    return done.rowcount


async def reading(tx: AsyncConnection, conversation_id: str, at: datetime | None) -> None:
    """The customer's page has the conversation open at `at`; None = it was closed."""
    if at is None:
        await tx.execute(delete(readers).where(readers.c.conversation_id == conversation_id))
        return
    added = upsert(readers).values(conversation_id=conversation_id, seen_at=at)
    await tx.execute(
        added.on_conflict_do_update(index_elements=["conversation_id"], set_={"seen_at": at})
    )


async def is_read(tx: AsyncConnection, conversation_id: str, since: datetime) -> bool:
    """Whether the customer's page has had the conversation open since `since`."""
    found = await tx.execute(
        select(readers.c.seen_at).where(
            readers.c.conversation_id == conversation_id, readers.c.seen_at >= since
        )
    )
    return found.first() is not None
