"""Durable jobs (procrastinate): deferred in the same transaction as the rows they are about."""

from __future__ import annotations

from typing import Any

import procrastinate
from procrastinate import PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.store.db import libpq_url

#: Names under which flow/ defers jobs; edges/worker.py registers what they do.
ASK_BOT = "ask_bot"
APPLY_CALLBACK = "apply_callback"
CLOSE_TICKETS = "close_tickets"


def make_app(database_url: str) -> procrastinate.App:
    """The job queue on the desk's own database."""
    return procrastinate.App(
        connector=PsycopgConnector(
            conninfo=libpq_url(database_url),
            min_size=1,
            max_size=8,
            timeout=5,
            kwargs={"connect_timeout": 5},
        )
    )


class Jobs:
    """Defers jobs inside the caller's transaction."""

    def __init__(self, app: procrastinate.App) -> None:
        self.app = app

    async def defer(self, tx: AsyncConnection, name: str, *, lock: str, **arguments: Any) -> None:
        """Defer job `name`; jobs with the same `lock` run one after the other, in order."""
        raw = await tx.get_raw_connection()
        await self.app.configure_task(
            name, lock=lock, connection=raw.driver_connection
        ).defer_async(**arguments)
