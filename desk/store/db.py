"""The database: engine, transactions, wake-ups. PostgreSQL only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

#: Channel of the wake-ups; a lost one costs at most one poll, never an event.
CHANNEL = "kefu"


def sqlalchemy_url(url: str) -> URL:
    """`postgresql://...` (or `postgres://...`) as a SQLAlchemy URL for psycopg 3.

    Raises:
        ValueError: the URL is not a PostgreSQL one.
    """
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if not parsed.drivername.startswith("postgresql"):
        raise ValueError(
            f"KEFU_DATABASE_URL: expected postgresql://..., got {parsed.drivername}://..."
        )
    return parsed.set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The same URL for psycopg itself."""
    plain = sqlalchemy_url(url).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


class Database:
    """One engine per process.

    Args:
        url: `postgresql://...`
        pool_size: connections kept; as many again may be opened for a burst.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=5,
            hide_parameters=True,  # they hold the customers' own words
            connect_args={"connect_timeout": 5, "prepare_threshold": 5},
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed on leaving the block, rolled back on any exception."""
        async with self.engine.begin() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises if the database cannot answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached or has ended the connection: not our statement."""
    if isinstance(error, DBAPIError):
        # connection exceptions, out of resources, shut down by an operator
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state[:2] in ("08", "53", "57")
    return isinstance(error, OSError | PoolTimeout)


async def notify(connection: AsyncConnection, **payload: Any) -> None:
    """Wake the listeners once this transaction commits. Payload: a few short values."""
    await connection.execute(
        text("select pg_notify(:channel, :payload)"),
        {"channel": CHANNEL, "payload": json.dumps(payload, ensure_ascii=False)},
    )


def changes(before: object, after: object, names: Iterable[str]) -> dict[str, Any]:
    """The named fields of `after` that differ from those of `before`, by name."""
    return {
        name: getattr(after, name)
        for name in names
        if getattr(after, name) != getattr(before, name)
    }
