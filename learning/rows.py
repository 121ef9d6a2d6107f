"""The desk's tickets as histories, read from its database and never written to."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from desk.store.db import libpq_url
from learning.history import Entry, History

# Simulated customers (evaluation/customer.py) are no people: their figures are not to be learned.
_PEOPLE = "o.customer_id not like 'eval-%'"
_TICKETS = f"""
    select t.id, t.conversation_id, t.category, t.state, t.opened_by, t.completed_by,
           t.completed_because, t.reopened, t.review->>'stated' as stated,
           t.review->>'confirmed_by' as confirmed_by, o.id as order_id, o.customer_id, o.waybill,
           o.carrier_order_id, o.details->>'customer_name' as customer_name
    from tickets t join orders o on o.id = t.order_id
    where {_PEOPLE} order by t.opened_at, t.id"""
# The key of what the bot did is `<conversation>:<number of the customer's message>`.
_ENTRIES = f"""
    select e.id, e.ticket_id, e.at, e.kind, e.author, e.text, m.body->>'choice' as choice
    from ticket_entries e
    join tickets t on t.id = e.ticket_id
    join orders o on o.id = t.order_id
    left join events m on m.conversation_id = t.conversation_id and m.author = 'customer'
        and e.author = 'bot'
        and m.seq = substring(e.idempotency_key from ':([0-9]{{1,15}})$')::bigint
    where {_PEOPLE} order by e.id"""
_SAID = f"""
    select m.conversation_id, m.body->>'text' as text
    from events m
    where m.kind = 'message' and m.author = 'customer' and m.body->>'choice' is null
        and m.conversation_id in (
            select t.conversation_id from tickets t join orders o on o.id = t.order_id
            where {_PEOPLE})
    order by m.conversation_id, m.seq"""


def read(database_url: str) -> list[History]:
    """All tickets of the desk, oldest first.

    Args:
        database_url: `postgresql://...`, of a database with the desk's schema.

    Raises:
        psycopg.Error: the database cannot be reached or has no such tables.
    """
    entries: dict[str, list[Entry]] = defaultdict(list)
    said: dict[str, list[str]] = defaultdict(list)
    with (
        psycopg.connect(libpq_url(database_url), row_factory=namedtuple_row) as connection,
        connection.transaction(),
    ):
        connection.execute("set transaction isolation level repeatable read, read only")
        tickets: list[Any] = connection.execute(_TICKETS).fetchall()
        lines: list[Any] = connection.execute(_ENTRIES).fetchall()
        messages: list[Any] = connection.execute(_SAID).fetchall()
        for e in lines:
            entries[e.ticket_id].append(Entry(e.id, e.at, e.kind, e.author, e.text, e.choice))
        for row in messages:
            said[row.conversation_id].append(row.text or "")
    return [
        History(
            id=t.id,
            category=t.category,
            state=t.state,
            opened_by=t.opened_by,
            completed_by=t.completed_by,
            completed_because=t.completed_because,
            reopened=t.reopened,
            stated=t.stated,
            confirmed_by=t.confirmed_by,
            entries=entries[t.id],
            said=said[t.conversation_id],
            private=[
                value
                for value in (
                    t.order_id,
                    t.customer_id,
                    t.waybill,
                    t.carrier_order_id,
                    t.customer_name,
                )
                if value
            ],
        )
        for t in tickets
        if entries[t.id]
    ]
