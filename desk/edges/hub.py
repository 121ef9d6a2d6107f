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


Wakes = asyncio.Queue[dict[str, Any]]


class Hub:
    """Passes wake-ups to whoever listens to a conversation, or to everything (`*`).

    A wake-up is `{"what": ...}`: `log` (a conversation has new events), `queue` (an owner changed),
    `typing`, `resync` (some may have been lost: look at everything), `lost` (the connection is
    gone), `stop` (the process ends).
    """

    def __init__(self, database_url: str) -> None:
        self._url = libpq_url(database_url)
        self._listeners: dict[str, set[Wakes]] = defaultdict(set)
        self._in_queue: set[Wakes] = set()
        self._task: asyncio.Task[None] | None = None
        #: Whether wake-ups arrive at present.
        self.connected = False
        #: Set when the process stops, so that open streams end before the database closes.
        self.stopping = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="hub")

    async def stop(self) -> None:
        """Wake every stream with a last word, then stop listening."""
        self.stopping.set()
        self._publish({"what": "stop"})
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Wakes]:
        """A queue of wake-ups for one conversation id, or for everything with `*`."""
        wakes: Wakes = asyncio.Queue(maxsize=100)
        self._listeners[topic].add(wakes)
        try:
            yield wakes
        finally:
            self.follow_queue(wakes, False)
            self._listeners[topic].discard(wakes)
            if not self._listeners[topic]:
                del self._listeners[topic]

    def follow_queue(self, wakes: Wakes, wanted: bool) -> None:
        """Whether `wakes` also gets what happens to other conversations in the queue."""
        if wanted:
            self._in_queue.add(wakes)
        else:
            self._in_queue.discard(wakes)

    def _publish(self, payload: dict[str, Any]) -> None:
        if payload["what"] in ("resync", "lost", "stop"):
            wanted = set().union(*self._listeners.values())
        else:
            wanted = set(self._listeners.get("*", ()))
            wanted |= self._listeners.get(payload.get("conversation", ""), set())
            if payload["what"] == "queue":  # everybody behind it may have moved
                wanted |= self._in_queue
        for wakes in wanted:
            if not wakes.full():
                wakes.put_nowait(payload)
                continue
            while not wakes.empty():  # its reader is slow: let it look at everything, once
                wakes.get_nowait()
            wakes.put_nowait(payload if payload["what"] == "stop" else {"what": "resync"})

    async def _run(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5
                )
                async with connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self.connected = True
                    # what happened while nobody listened is found by reading the log
                    self._publish({"what": "resync"})
                    async for notification in connection.notifies():
                        self._publish(json.loads(notification.payload))
            except (psycopg.Error, OSError, ValueError) as error:
                log.warning("wake-ups lost, streams poll meanwhile", error=type(error).__name__)
            finally:
                if self.connected:
                    self.connected = False
                    self._publish({"what": "lost"})
            await asyncio.sleep(1)
