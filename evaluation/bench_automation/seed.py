"""A database as full as a busy merchant's: orders and open tickets, made on the server itself."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql

from desk.flow.customer import open_conversation
from desk.flow.desk import Desk
from desk.flow.orders import put_order
from desk.flow.tickets import Opening, open_ticket
from desk.settings import ROOT
from desk.store import content, jobs
from desk.store.db import Database
from evaluation.bench_automation.bodies import order_id, waybill

#: Stands for all others, which differ from it in their ids only.
PATTERN = 0


async def seed(url: str, orders: int, tickets: int) -> None:
    """Orders 1 to `orders`; the first `tickets` of them have an open `pickup_urge` each.

    One of each is made as the desk makes them, then copied in the database with other ids: so the
    rows are right whatever columns there are.
    """
    await _pattern(url)
    await asyncio.to_thread(_copies, url, orders, tickets)


async def _pattern(url: str) -> None:
    queue = jobs.make_app(url)
    await queue.open_async()
    desk = Desk(Database(url), jobs.Jobs(queue), content.load(ROOT))
    values = {
        "customer_id": "bench",
        "carrier": "yuantong",
        "waybill": waybill(PATTERN),
        "carrier_order_id": None,
        "state": "accepted",
        "fees": [{"kind": "freight", "amount": 12.0, "paid": True}],
        "details": {"goods": "书"},
    }
    await put_order(desk, order_id(PATTERN), values)
    conversation, _ = await open_conversation(
        desk, "bench", order_id(PATTERN), "zh", None, None, "c1"
    )
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation.id)
        opening = Opening("pickup_urge", "还没来取件", "bot", "bench", epoch=held.epoch)
        await open_ticket(desk, tx, held, opening)
    await desk.db.close()
    await queue.close_async()


#: table -> what a copy with number `n` has of its own.
_COPIES = {
    "orders": "'id', 'bench-' || lpad(n::text, 8, '0'), 'waybill', 'YT' || lpad(n::text, 13, '0')",
    "conversations": "'id', 'c_' || n, 'order_id', 'bench-' || lpad(n::text, 8, '0')",
    "tickets": "'id', 't_' || n, 'order_id', 'bench-' || lpad(n::text, 8, '0'), "
    "'conversation_id', 'c_' || n",
    "events": "'conversation_id', 'c_' || n",
}


def _copies(url: str, orders: int, tickets: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table, own in _COPIES.items():
            count = orders if table == "orders" else tickets
            if count:
                query = sql.SQL(
                    "insert into {table} select made.* from {table} as pattern, "
                    "generate_series(1, %s) as n, "
                    "jsonb_populate_record(pattern, jsonb_build_object({own})) as made "
                    "where pattern.{key} = %s"
                )
                key, value = _pattern_of(connection, table)
                connection.execute(
                    query.format(
                        table=sql.Identifier(table),
                        own=sql.SQL(own),
                        key=sql.Identifier(key),
                    ),
                    (count, value),
                )
        connection.execute("vacuum analyze")


def _pattern_of(connection: psycopg.Connection[tuple[object, ...]], table: str) -> tuple[str, str]:
    """The column and value that find the pattern's row."""
    if table == "orders":
        return "id", order_id(PATTERN)
    if table != "events":
        return "order_id", order_id(PATTERN)
    found = connection.execute(
        "select id from conversations where order_id = %s", (order_id(PATTERN),)
    ).fetchone()
    assert found
    return "conversation_id", str(found[0])
