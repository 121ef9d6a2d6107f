"""The background part of the worker that applies what nobody is waiting for."""

from __future__ import annotations

import asyncio
import time

from desk.flow.backlog import work_off
from desk.flow.desk import Desk

#: Looks for work this often when there is none.
IDLE_S = 0.5
#: After a batch it rests this many times as long as the batch took: chats come first.
REST = 1.0


async def keep_working_off(desk: Desk) -> None:
    """Apply waiting callbacks, oldest first, for ever."""
    while True:
        began = time.monotonic()
        applied = await work_off(desk)
        took = time.monotonic() - began
        await asyncio.sleep(REST * took if applied else IDLE_S)
