"""Codes that carriers tell and `data/carriers/` does not list: kept and counted, never guessed."""

from __future__ import annotations

from typing import Any

from desk.flow.desk import Desk
from desk.store import callbacks

#: Most rows that are listed.
LISTED = 100


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
