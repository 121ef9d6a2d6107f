"""Codes that carriers tell and `data/carriers/` does not list: kept and counted, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.store import callbacks
from desk.store.db import is_away

log = structlog.get_logger("desk.callbacks")

#: Most rows that are listed.
LISTED = 100


async def count(desk: Desk, tx: AsyncConnection, seen: Sequence[tuple[str, str, int]]) -> None:
    """Count codes, (source, code, callback id) each, at the end of the caller's transaction.

    At its end and once, for its rows are held from here on: everybody takes them in one order.
    What cannot be counted undoes nothing of what was applied.

    Raises:
        Exception: the database is gone, and the transaction with it.
    """
    if not seen:
        return
    try:
        async with tx.begin_nested():
            await callbacks.count_unknown(tx, seen, desk.now())
    except Exception as error:
        if is_away(error):
            raise
        log.warning("unknown codes not counted", codes=len(seen), error=type(error).__name__)
    for source, _, _ in seen:
        desk.on_unknown(source)


async def listed(desk: Desk) -> list[dict[str, Any]]:
    """`[{source, code, times, first_seen, last_seen, callback_id}]`, the latest first.

    One that has got a line in `data/carriers/` since is left out: it is known now, though the
    callbacks that told it before stay as they are.
    """
    async with desk.db.begin() as tx:
        rows = await callbacks.unknown_codes(tx, LISTED)
    found = []
    for row in rows:
        carrier, _, source = row["source"].partition(".")
        if (source, row["code"]) not in desk.content.codes.get(carrier, {}):
            times = {key: row[key].isoformat() for key in ("first_seen", "last_seen")}
            found.append({**row, **times})
    return found
