"""The background part of the worker that applies what nobody is waiting for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import islice

import structlog

from desk.flow.applying import apply_order
from desk.flow.backlog import oldest_waits, work_off
from desk.flow.desk import Desk
from desk.store.db import is_away

log = structlog.get_logger("desk.callbacks")

#: Looks for work this often when there is none.
IDLE_S = 0.5
#: After a batch it rests as long as the batch took, for chats come first; and as long again for
#: each so many callbacks a second that this process takes in: they wait safely, carriers do not.
TAKEN_A_REST = 20.0
#: Unless they have waited long enough: until the oldest is so old it rests in full; it rests less
#: and less until it is that old, and then no longer than without callbacks. So what is steady and
#: not too much for the machine does not pile up.
RESTED_S, PRESSED_S = 30.0, 120.0
#: Before a batch it waits for turns of the bot that are under way, so long at most; less, too, as
#: the oldest ages.
GIVES_WAY_S = 0.5
#: So many stored together, in the mean of the last batches, are a flood: taking in comes first.
#: What is stored can wait, while a carrier that gets no answer comes again half an hour later, and
#: three times at most. The mean, because a short pause alone makes one large batch.
FLOOD, LAST_BATCHES = 24.0, 8
#: A flood is over when nothing was held back for so long. News of tickets waits so long at most.
CALM_S, HELD_AT_MOST_S = 1.0, 20.0
#: Orders let go at once, and remembered; the batches come to what was forgotten, oldest first.
LET_GO, HELD = 8, 50_000


def patience(oldest_s: float) -> float:
    """How much others may go first: 1, and less and less to 0 as the oldest waits longer."""
    left = (PRESSED_S - oldest_s) / (PRESSED_S - RESTED_S)
    return min(max(left, 0.0), 1.0)


def rests(a_second: float, oldest_s: float) -> float:
    """How long to rest after a batch, in times of what the batch took.

    Args:
        a_second: callbacks this process takes in a second.
        oldest_s: the age of the oldest that waits, in seconds.
    """
    return 1 + a_second / TAKEN_A_REST * patience(oldest_s)


class Backlog:
    """Applies waiting callbacks, oldest first, and beside that those held back in a flood.

    Args:
        taken: how many callbacks this process has taken in so far.
    """

    def __init__(self, desk: Desk, taken: Callable[[], int] = lambda: 0) -> None:
        self._desk, self._taken = desk, taken
        #: Order -> since when. What dies with the process waits in the database.
        self._held: dict[str, float] = {}
        self._flooded = self._mean = 0.0

    def floods(self, stored: int) -> bool:
        """Whether so many callbacks stored together, and those before them, are a flood."""
        self._mean += (stored - self._mean) / LAST_BATCHES
        return self._mean >= FLOOD

    def hold_back(self, order_ids: Sequence[str]) -> None:
        """Orders with a ticket that a flood of callbacks spoke of: applied when it is over."""
        self._flooded = time.monotonic()
        for order_id in order_ids:
            if len(self._held) < HELD:
                self._held.setdefault(order_id, self._flooded)

    async def run(self) -> None:
        """For ever."""
        before, taken, oldest_s = time.monotonic(), self._taken(), 0.0
        while True:
            await self._desk.chats.give_way(GIVES_WAY_S * patience(oldest_s))
            began = time.monotonic()
            applied = await work_off(self._desk)
            now = time.monotonic()
            a_second = (self._taken() - taken) / max(now - before, 1e-3)
            before, taken = now, self._taken()
            if not applied:
                await asyncio.sleep(IDLE_S)
                continue
            oldest_s = await oldest_waits(self._desk) if a_second else 0.0
            await asyncio.sleep(rests(a_second, oldest_s) * (now - began))

    async def release(self) -> None:
        """For ever: what was held back, resting as long as the work takes."""
        while True:
            await self._desk.chats.give_way(GIVES_WAY_S)
            began = time.monotonic()
            applied = await self._let_go(began)
            await asyncio.sleep(time.monotonic() - began if applied else IDLE_S)

    async def _let_go(self, now: float) -> int:
        """Apply some of what was held back, if it may; returns how many callbacks were applied."""
        if not self._held:
            return 0
        oldest = next(iter(self._held.values()))
        if now - self._flooded < CALM_S and now - oldest < HELD_AT_MOST_S:
            return 0
        applied = 0
        for order_id in list(islice(self._held, LET_GO)):
            since = self._held.pop(order_id)
            try:
                applied += len(await apply_order(self._desk, order_id))
            except Exception as error:
                if is_away(error):
                    self._held.setdefault(order_id, since)
                    raise
                # it waits in the database: the batches come to it
                log.exception("an order's callbacks could not be applied", order=order_id)
        return applied
