"""Callbacks as they came: kept first, many in one statement; applied later, each once.

One that waits (`applied_at` is null) waits under the order it speaks of; what nobody knows is put
aside until its order comes. Only whoever holds the lock of an order applies what waits for it.
Old ones that wait no longer are emptied: `body` is then ''.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.facts import LATE
from desk.store.tables import callbacks

#: The result of a callback whose order nobody has told us about yet.
UNMATCHED = "no such order"
#: Literal on purpose: with a bound parameter a prepared statement no longer matches the partial
#: index once PostgreSQL switches to its generic plan.
_UNMATCHED = text(f"result = '{UNMATCHED}'")


@dataclass(frozen=True)
class Incoming:
    """A verified callback before it is stored."""

    source: str
    #: The JSON text exactly as it was signed.
    body: str
    waybill: str | None = None
    #: Order numbers: the merchant's own first, the carrier's last (`rules.told.Names`).
    numbers: tuple[str, ...] = ()
    #: Why it cannot be read, if so: then it is kept for people, and nothing will be done.
    unreadable: str | None = None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.waybill, *self.numbers) if name]


@dataclass(frozen=True)
class Known:
    """The order that a callback speaks of, as far as it is known."""

    order_id: str | None
    #: The order has a ticket that news can change.
    live: bool


#: By waybill, else by the carrier's number, else by the merchant's; of several orders the first by
#: id stands for all (`lock_group`). `array_agg` and not `min`: for that PostgreSQL may walk the
#: whole primary key.
_FIND = text(
    """
    select order_id, order_id is not null and exists (
        select from tickets where order_id = found.order_id and state <> 'closed') as live
    from (
        select named.place, coalesce(
            (select (array_agg(id order by id))[1] from orders where waybill = named.waybill),
            (select (array_agg(id order by id))[1] from orders
                where carrier_order_id = nullif(named.numbers[cardinality(named.numbers)], '')),
            (select id from orders where id = named.numbers[1])
        ) as order_id
        from (
            select place, waybill, array(select jsonb_array_elements_text(numbers)) as numbers
            from unnest(cast(:waybills as text[]), cast(:numbers as jsonb[]))
                with ordinality as told (waybill, numbers, place)
        ) as named
    ) as found
    order by place
    """
)


async def find(tx: AsyncConnection, incoming: Sequence[Incoming]) -> list[Known]:
    """The orders that callbacks speak of, one for each."""
    rows = await tx.execute(
        _FIND,
        {
            "waybills": [one.waybill for one in incoming],
            "numbers": [json.dumps(one.numbers) for one in incoming],
        },
    )
    return [Known(row.order_id, row.live) for row in rows]


_KEEP = text(
    """
    insert into callbacks
        (source, digest, body, identifiers, received_at, order_id, applied_at, result)
    select source, digest, body, array(select jsonb_array_elements_text(names)),
        received_at, order_id, case when result is not null then received_at end, result
    from unnest(
        cast(:sources as text[]), cast(:digests as bytea[]), cast(:bodies as text[]),
        cast(:names as jsonb[]), cast(:received as timestamptz[]), cast(:orders as text[]),
        cast(:results as text[])
    ) with ordinality as one (source, digest, body, names, received_at, order_id, result, place)
    order by place
    on conflict (source, digest) do nothing
    returning id, source, digest
    """
)


async def keep(
    tx: AsyncConnection, incoming: Sequence[Incoming], known: Sequence[Known], now: datetime
) -> list[int | None]:
    """Store callbacks in the order they came; whose order is unknown is put aside.

    Returns:
        The id of each, or None where exactly this one has been stored before, a short while ago.
    """
    results = [
        one.unreadable or (None if order.order_id else UNMATCHED)
        for one, order in zip(incoming, known, strict=True)
    ]
    # carriers repeat in the same words what was not answered, and hours later also what is so anew
    # (collected, not so, collected): then the order's facts say whether it is news
    age = now.timestamp() // LATE.total_seconds()
    digests = [hashlib.sha256(f"{age:.0f} {one.body}".encode()).digest() for one in incoming]
    rows = await tx.execute(
        _KEEP,
        {
            "sources": [one.source for one in incoming],
            "digests": digests,
            "bodies": [one.body for one in incoming],
            "names": [json.dumps(one.names) for one in incoming],
            # no two at the same moment: what came later counts as later
            "received": [now + timedelta(microseconds=i) for i in range(len(incoming))],
            "orders": [order.order_id for order in known],
            "results": results,
        },
    )
    stored = {(row.source, bytes(row.digest)): int(row.id) for row in rows}
    return [
        stored.pop((one.source, digest), None)
        for one, digest in zip(incoming, digests, strict=True)
    ]


async def lock_names(tx: AsyncConnection, names: Sequence[str]) -> None:
    """Take turns, until the transaction ends, with whoever is busy with the same names.

    An order and a callback that speaks of it may come in at the same time: whoever is second sees
    what the first one did.
    """
    await tx.execute(
        text(
            "select pg_advisory_xact_lock(key) from (select distinct hashtextextended(name, 15) "
            "as key from unnest(cast(:names as text[])) as name order by key) as keys"
        ),
        {"names": list(names)},
    )


async def take_unmatched(tx: AsyncConnection, order_id: str, names: Sequence[str]) -> int:
    """Let callbacks that were put aside under these names wait for this order.

    Returns:
        How many there were.
    """
    if not names:
        return 0
    await lock_names(tx, names)
    taken = await tx.execute(
        update(callbacks)
        .where(_UNMATCHED, callbacks.c.identifiers.overlap(list(names)))
        .values(applied_at=None, result=None, order_id=order_id)
    )
    return int(taken.rowcount)


_WAITING = text(
    """
    select id, source, body, received_at, tries, next_try_at, order_id from callbacks
    where applied_at is null and order_id = any(cast(:orders as text[]))
    order by id limit :limit
    """
)


async def pending(tx: AsyncConnection, order_ids: Sequence[str], limit: int) -> list[Any]:
    """What waits for these orders, in the order it came; the caller holds the orders' locks."""
    return list(await tx.execute(_WAITING, {"orders": list(order_ids), "limit": limit}))


async def put_off(tx: AsyncConnection, callback_id: int, next_try_at: datetime) -> None:
    """A callback could not be applied: not again before then."""
    await tx.execute(
        update(callbacks)
        .where(callbacks.c.id == callback_id)
        .values(tries=callbacks.c.tries + 1, next_try_at=next_try_at)
    )


_FINISH = text(
    """
    update callbacks set applied_at = :now, result = done.result
    from unnest(cast(:ids as bigint[]), cast(:results as text[])) as done (id, result)
    where callbacks.id = done.id
    """
)


async def finish(tx: AsyncConnection, results: Sequence[tuple[int, str]], now: datetime) -> None:
    """Note what became of callbacks."""
    if results:
        ids, words = zip(*results, strict=True)
        await tx.execute(_FINISH, {"now": now, "ids": list(ids), "results": list(words)})


#: What was put aside for an order that never came can no longer be applied, and says so. The order
#: of `received_at` and the literals are those of the index `callbacks_bodies`.
_EMPTY = text(
    f"""
    with old as (
        select id from callbacks
        where applied_at is not null and body <> '' and received_at < :before
        order by received_at limit :limit
        for no key update skip locked
    )
    update callbacks set body = '',
        result = case when result = '{UNMATCHED}' then 'no such order came' else result end
    from old where callbacks.id = old.id
    """
)


async def empty(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Empty the bodies of up to `limit` callbacks that came before then and wait no longer.

    Returns:
        How many were emptied.
    """
    emptied = await tx.execute(_EMPTY, {"before": before, "limit": limit})
    return int(emptied.rowcount)


#: The oldest that wait and may be tried; whoever is busy with an order keeps it.
_NEXT = text(
    """
    select orders.id, orders.waybill, orders.state, orders.told_state, orders.told_at, orders.fees
    from orders
    join (
        select order_id, min(id) as first, min(received_at) as since from (
            select id, order_id, received_at, next_try_at from callbacks
            where applied_at is null order by id limit :window
        ) as oldest
        group by order_id
        having bool_and(next_try_at is null or next_try_at <= :now)
    ) as waiting on waiting.order_id = orders.id
    where waiting.since <= :jobs_until or not exists (
        select from tickets where order_id = orders.id and state <> 'closed')
    order by waiting.first
    limit :most
    for no key update of orders skip locked
    """
)


async def next_orders(
    tx: AsyncConnection, window: int, most: int, now: datetime, jobs_until: datetime
) -> list[Any]:
    """Orders with callbacks to apply, oldest first, locked until the transaction ends.

    Args:
        window: how many callbacks to look at, so that several can work on the backlog at once.
        most: how many orders to lock.
        jobs_until: what came later for an order with a ticket is left to its job.

    Returns:
        Rows with id, waybill, state, told_state, told_at and fees.
    """
    values = {"window": window, "most": most, "now": now, "jobs_until": jobs_until}
    return list(await tx.execute(_NEXT, values))


async def oldest(tx: AsyncConnection) -> datetime | None:
    """When the oldest callback came that waits, without those that failed and are tried again."""
    row = await tx.execute(
        text(
            "select received_at from callbacks "
            "where applied_at is null and next_try_at is null order by id limit 1"
        )
    )
    found: datetime | None = row.scalar_one_or_none()
    return found


async def backlog(tx: AsyncConnection, cap: int = 100_000) -> tuple[int, datetime | None]:
    """How many callbacks wait (counted up to `cap`), and when the oldest of them came."""
    row = (
        await tx.execute(
            text(
                "select (select count(*) from (select from callbacks where applied_at is null "
                "limit :cap) as counted) as waiting, (select received_at from callbacks "
                "where applied_at is null order by id limit 1) as oldest"
            ),
            {"cap": cap},
        )
    ).one()
    return row.waiting, row.oldest


_SEEN = text(
    """
    insert into unknown_codes (source, code, times, first_seen, last_seen, callback_id)
    select source, code, times, :now, :now, callback_id
    from unnest(cast(:sources as text[]), cast(:codes as text[]), cast(:times as bigint[]),
        cast(:ids as bigint[])) as seen (source, code, times, callback_id)
    order by source, code  -- everybody in the same order: nobody waits in a circle
    on conflict (source, code) do update set times = unknown_codes.times + excluded.times,
        last_seen = excluded.last_seen, callback_id = excluded.callback_id
    """
)


async def unknown_codes(tx: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """Codes that no carrier's map lists, the latest first: source, code, how often, when, where."""
    rows = await tx.execute(
        text(
            "select source, code, times, first_seen, last_seen, callback_id from unknown_codes "
            "order by last_seen desc, source, code limit :limit"
        ),
        {"limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def count_unknown(
    tx: AsyncConnection, seen: Sequence[tuple[str, str, int]], now: datetime
) -> None:
    """Count codes that the carrier's map does not list.

    Args:
        seen: (source, code, callback id), one for each callback that has it.
    """
    if not seen:
        return
    counted: dict[tuple[str, str], list[int]] = {}
    for source, code, callback_id in seen:
        counted.setdefault((source, code), []).append(callback_id)
    await tx.execute(
        _SEEN,
        {
            "now": now,
            "sources": [source for source, _ in counted],
            "codes": [code for _, code in counted],
            "times": [len(ids) for ids in counted.values()],
            "ids": [max(ids) for ids in counted.values()],
        },
    )
