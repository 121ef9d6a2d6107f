"""Carriers' callbacks come in: kept under their order in one transaction, then answered."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.sources import names, parse
from desk.rules.told import UNREADABLE, clean
from desk.store import callbacks
from desk.store import jobs as job_names
from desk.store.callbacks import Incoming
from desk.store.db import is_away

#: Orders that one job brings up to date.
ORDERS_A_JOB = 8


def read(source: str, body: str) -> Incoming:
    """A verified callback, as it is kept: with what it calls its order.

    Args:
        source: one of `rules.sources.READERS`.
        body: the JSON text exactly as it was signed.

    Raises:
        ValueError, RecursionError: it is no JSON object.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise ValueError(f"expected a JSON object, got {type(data).__name__}")
    try:
        waybill, numbers = names(source, data)
        if not waybill and not numbers:
            parse(source, data)  # says what is wrong with it, if anything is
    except UNREADABLE as error:
        return Incoming(source, body, unreadable=clean(f"not understood: {error}"))
    return Incoming(source, body, waybill, numbers)


async def keep(desk: Desk, source: str, body: str) -> bool:
    """Store one verified callback.

    Returns:
        False when exactly this callback was stored a short while ago: nothing more will happen.
    """
    (kept,) = await keep_all(desk, [read(source, body)])
    if isinstance(kept, Exception):
        raise kept
    return kept


async def keep_all(desk: Desk, incoming: Sequence[Incoming]) -> list[bool | Exception]:
    """Store many callbacks in one transaction, in the order they came.

    One that the database refuses does not harm the others: then they are stored one by one.

    Returns:
        For each, whether it is new; or why it could not be stored.

    Raises:
        Exception: the database cannot be reached; some may be stored, and repeating is safe.
    """
    try:
        return list(await _keep(desk, incoming))
    except Exception as error:
        if is_away(error):
            raise
        if len(incoming) == 1:
            return [error]
    kept: list[bool | Exception] = []
    for one in incoming:
        kept += await keep_all(desk, [one])
    return kept


async def _keep(desk: Desk, incoming: Sequence[Incoming]) -> list[bool]:
    """Work is deferred at once for orders with a ticket; in a flood it waits for its end.

    The others' callbacks are applied in the background (`backlog.work_off`), or before anybody
    looks at the order.
    """
    async with desk.db.begin() as tx:
        known = await callbacks.find(tx, incoming)
        strangers = [
            name
            for one, order in zip(incoming, known, strict=True)
            if order.order_id is None
            for name in one.names
        ]
        if strangers:
            await callbacks.lock_names(tx, strangers)
            known = await callbacks.find(tx, incoming)
        ids = await callbacks.keep(tx, incoming, known, desk.now())
        hot = {
            order.order_id: None
            for order, kept, one in zip(known, ids, incoming, strict=True)
            if order.order_id and order.live and kept is not None and not one.unreadable
        }
        flood = desk.floods(len(incoming))
        if not flood:
            await defer(desk, tx, list(hot))
    if flood:
        desk.hold_back(list(hot))
    return [kept is not None for kept in ids]


async def defer(desk: Desk, tx: AsyncConnection, order_ids: Sequence[str]) -> None:
    """Have what waits for these orders applied soon."""
    for start in range(0, len(order_ids), ORDERS_A_JOB):
        part = list(order_ids[start : start + ORDERS_A_JOB])
        await desk.jobs.defer(tx, job_names.APPLY_CALLBACKS, lock=None, order_ids=part)
