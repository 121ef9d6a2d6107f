"""The background part of the worker that applies what nobody is waiting for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from desk.flow.backlog import work_off
from desk.flow.desk import Desk

#: Looks for work this often when there is none.
IDLE_S = 0.5
#: After a batch it rests as long as the batch took, for chats come first; and as long again for
#: each so many callbacks a second that this process takes in: they wait safely, carriers do not.
TAKEN_A_REST = 20.0


class Backlog:
    """Applies waiting callbacks, oldest first.

    Args:
        taken: how many callbacks this process has taken in so far.
    """

    def __init__(self, desk: Desk, taken: Callable[[], int] = lambda: 0) -> None:
        self._desk, self._taken = desk, taken

    async def run(self) -> None:
        """For ever."""
        before, taken = time.monotonic(), self._taken()
        while True:
            began = time.monotonic()
            applied = await work_off(self._desk)
            now = time.monotonic()
            rests = 1 + (self._taken() - taken) / max(now - before, 1e-3) / TAKEN_A_REST
            before, taken = now, self._taken()
            await asyncio.sleep(rests * (now - began) if applied else IDLE_S)
