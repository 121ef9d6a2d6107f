"""What nobody needs any more is forgotten: the words of old callbacks, which name people."""

from __future__ import annotations

import asyncio
import time

from desk.flow.desk import Desk
from desk.store import callbacks

#: Callbacks in one transaction.
AT_ONCE = 500
#: One run ends after so long, seconds: what is left is the next one's.
RUN_S = 20.0


async def forget_bodies(desk: Desk) -> int:
    """Empty the bodies of callbacks that came `desk.keeps_bodies` ago, unless they still wait.

    Facts and results stay, and a repetition is still known by the facts. It may be stopped at any
    time, and several may run at once.

    Returns:
        How many were emptied.
    """
    if desk.keeps_bodies is None:
        return 0
    before, ends, forgotten = desk.now() - desk.keeps_bodies, time.monotonic() + RUN_S, 0
    while (began := time.monotonic()) < ends:
        async with desk.db.begin() as tx:
            emptied = await callbacks.empty(tx, before, AT_ONCE)
        forgotten += emptied
        if emptied < AT_ONCE:
            break
        await asyncio.sleep(time.monotonic() - began)  # chats come first
    return forgotten
