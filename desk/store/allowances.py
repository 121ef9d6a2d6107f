"""Limits that all processes share: token buckets, a day's budget, and pauses of a service.

The database's clock counts, unless a test brings its own: machines' clocks differ.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

#: One statement, so that of two processes never both take the last token. A clock that runs
#: backwards refills nothing.
_TAKE = text(
    """
    insert into allowances (name, tokens, at)
    values (:name, :burst - 1, coalesce(cast(:now as timestamptz), clock_timestamp()))
    on conflict (name) do update set
        at = greatest(allowances.at, excluded.at),
        tokens = least(:burst, allowances.tokens + :rate * extract(
            epoch from greatest(allowances.at, excluded.at) - allowances.at)) - 1
    where least(:burst, allowances.tokens + :rate * extract(
        epoch from greatest(allowances.at, excluded.at) - allowances.at)) >= 1
    returning tokens
    """
)

_SPEND = text(
    """
    insert into allowances (name, tokens, at)
    values (:name, 1, coalesce(cast(:now as timestamptz), clock_timestamp()))
    on conflict (name) do update set
        at = excluded.at,
        tokens = case when date_trunc('day', allowances.at, 'UTC')
                    = date_trunc('day', excluded.at, 'UTC') then allowances.tokens + 1 else 1 end
    where date_trunc('day', allowances.at, 'UTC') <> date_trunc('day', excluded.at, 'UTC')
        or allowances.tokens < :budget
    returning tokens
    """
)


def bucket(calls: int, window_s: float) -> tuple[float, float]:
    """(burst, rate per second) of a token bucket that lets at most `calls` through in any window.

    A bucket lets `burst + rate x window` through at most; a fifth of that may come at once.
    """
    burst = max(1.0, calls / 5)
    return burst, (calls - burst) / window_s


async def take(
    tx: AsyncConnection, name: str, burst: float, rate: float, now: datetime | None = None
) -> bool:
    """Take one token; False when there is none."""
    values = {"name": name, "burst": burst, "rate": rate, "now": now}
    return (await tx.execute(_TAKE, values)).first() is not None


async def spend(
    tx: AsyncConnection, name: str, budget: int, now: datetime | None = None
) -> int | None:
    """Count one call against a day's budget (UTC); returns how many there are, None: all spent.

    A budget of 0 allows nothing.
    """
    if budget <= 0:
        return None
    found = (await tx.execute(_SPEND, {"name": name, "budget": budget, "now": now})).first()
    return int(found.tokens) if found else None


def next_day(now: datetime) -> datetime:
    """When the next day begins, UTC."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)
