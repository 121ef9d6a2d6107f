"""Many small writes in few transactions: what waits is stored together, and answered after."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Senders answered in one turn of the event loop.
AT_ONCE = 4


class Full(Exception):
    """More waits than may be held in memory; the sender has to come again."""


class GroupCommit(Generic[Item, Result]):
    """Stores items in the order they came, one batch at a time.

    While a batch is being stored, the next one gathers: alone, an item waits for nobody; in a
    crowd, a transaction is shared by many. Nothing is promised before it is stored.

    Args:
        store: stores a batch and returns one result (or exception) for each item. What it raises
            goes to all of them.
        weigh: the bytes an item holds in memory.
        before: awaited before each batch, with the number of items that wait; more may come.
        most: most items in a batch.
        limit: most items, and `limit_bytes` most bytes, waiting and being stored.
    """

    def __init__(
        self,
        store: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        weigh: Callable[[Item], int],
        *,
        before: Callable[[int], Awaitable[None]] | None = None,
        most: int = 256,
        most_bytes: int = 4_000_000,
        limit: int = 4096,
        limit_bytes: int = 64_000_000,
        on_batch: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._store, self._weigh, self._on_batch = store, weigh, on_batch
        self._before = before
        self._most, self._most_bytes = most, most_bytes
        self._limit, self._limit_bytes = limit, limit_bytes
        self._waiting: deque[tuple[Item, int, asyncio.Future[Result]]] = deque()
        self._held = self._held_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        #: Items taken in so far.
        self.taken = 0

    async def put(self, item: Item) -> Result:
        """Store an item; returns when it is committed.

        Raises:
            Full: too much waits already.
            Exception: whatever kept it from being stored.
        """
        weight = self._weigh(item)
        if self._held >= self._limit or self._held_bytes + weight > self._limit_bytes:
            raise Full
        self.taken += 1
        self._held += 1
        self._held_bytes += weight
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, weight, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="group-commit")
        return await future  # who hangs up leaves the item here: it is held until it is stored

    async def _run(self) -> None:
        """Store until nothing waits."""
        try:
            while self._waiting:
                if self._before:
                    await self._before(len(self._waiting))
                await self._store_one_batch()
        finally:
            self._task = None

    async def _store_one_batch(self) -> None:
        batch = [self._waiting.popleft()]
        size = batch[0][1]
        while self._waiting and len(batch) < self._most:
            if size + self._waiting[0][1] > self._most_bytes:
                break
            batch.append(self._waiting.popleft())
            size += batch[-1][1]
        self._on_batch(len(batch))
        try:
            results = await self._store([item for item, _, _ in batch])
        except Exception as error:
            results = [error] * len(batch)
        finally:
            self._held -= len(batch)
            self._held_bytes -= size
        futures = [future for _, _, future in batch]
        answering = asyncio.create_task(self._answer(futures, results))
        self._answering.add(answering)  # the loop itself keeps no task alive
        answering.add_done_callback(self._answering.discard)

    async def _answer(
        self, futures: Sequence[asyncio.Future[Result]], results: Sequence[Result | Exception]
    ) -> None:
        """Answer a few at a time: all at once would keep everybody else from the event loop."""
        for place, (future, result) in enumerate(zip(futures, results, strict=True)):
            if place and place % AT_ONCE == 0:
                await asyncio.sleep(0)
            if future.done():  # the sender is gone; it is stored all the same
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
