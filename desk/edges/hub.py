"""Wake-ups: one LISTEN connection per process; streams wait on it and read the log themselves.

A notification carries no content, only that something changed, so a lost one costs at most one
poll and never an event.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog

from desk.store.db import CHANNEL, libpq_url

log = structlog.get_logger("desk.hub")


class Hub:
    """Passes wake-ups to whoever listens to a conversation, or to everything (`*`)."""

    def __init__(self, database_url: str) -> None:
        self._url = libpq_url(database_url)
        self._listeners: dict[str, set[asyncio.Queue[dict[str, Any]]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        #: Set when the process stops, so that open streams end before the database closes.
        self.stopping = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="hub")

    async def stop(self) -> None:
        """Wake every stream with a last word, then stop listening."""
        self.stopping.set()
        self._publish({"what": "stop"}, everybody=True)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """A queue of wake-ups for one conversation id, or for everything with `*`."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=100)
        self._listeners[topic].add(queue)
        try:
            yield queue
        finally:
            self._listeners[topic].discard(queue)
            if not self._listeners[topic]:
                del self._listeners[topic]

    def _publish(self, payload: dict[str, Any], *, everybody: bool = False) -> None:
        # where somebody stands in the queue may have changed for every waiting customer
        everybody = everybody or payload.get("what") == "queue"
        topics = list(self._listeners) if everybody else [payload.get("conversation"), "*"]
        for topic in topics:
            for queue in list(self._listeners.get(topic or "", ())):
                if not queue.full():  # a full queue wakes its reader anyway
                    queue.put_nowait(payload)

    async def _run(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5
                )
                async with connection:
                    await connection.execute(f"listen {CHANNEL}")
                    # what happened while nobody listened is found by reading the log
                    self._publish({"what": "resync"}, everybody=True)
                    async for notification in connection.notifies():
                        self._publish(json.loads(notification.payload))
            except (psycopg.Error, OSError, ValueError) as error:
                log.warning("wake-ups lost, streams poll meanwhile", error=type(error).__name__)
                await asyncio.sleep(1)
