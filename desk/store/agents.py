"""The people at the desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.store.tables import agents


async def by_login(tx: AsyncConnection, login: str) -> Any | None:
    return (await tx.execute(select(agents).where(agents.c.login == login))).one_or_none()


async def get(tx: AsyncConnection, agent_id: str) -> Any | None:
    return (await tx.execute(select(agents).where(agents.c.id == agent_id))).one_or_none()


async def put(
    tx: AsyncConnection, agent_id: str, login: str, name: str, role: str, password_hash: str
) -> None:
    """Insert an agent, or give the one with that login a new name, role and password."""
    values = {"name": name, "role": role, "password_hash": password_hash}
    await tx.execute(
        insert(agents)
        .values(id=agent_id, login=login, **values)
        .on_conflict_do_update(index_elements=["login"], set_=values)
    )


async def set_hash(tx: AsyncConnection, agent_id: str, password_hash: str) -> None:
    await tx.execute(
        update(agents).where(agents.c.id == agent_id).values(password_hash=password_hash)
    )


async def seen(tx: AsyncConnection, agent_id: str, now: datetime | None) -> None:
    """Note that the agent's page is open now (or, with None, closed); once in 10 s is enough."""
    query = update(agents).where(agents.c.id == agent_id)
    if now is not None:
        stale = agents.c.seen_at < now - timedelta(seconds=10)
        query = query.where(agents.c.seen_at.is_(None) | stale)
    await tx.execute(query.values(seen_at=now))


async def online(tx: AsyncConnection, since: datetime) -> int:
    """How many agents have had their page open since `since`."""
    return int(
        (
            await tx.execute(
                select(func.count()).select_from(agents).where(agents.c.seen_at >= since)
            )
        ).scalar_one()
    )
