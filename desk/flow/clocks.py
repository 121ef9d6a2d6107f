"""What agents and supervisors see of the clocks of tickets: `rules/promises.py` as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.ticket import ACTIVE, Ticket
from desk.store import promises


def of_ticket(desk: Desk, ticket: Ticket, now: datetime) -> dict[str, Any]:
    """The clocks of one ticket; one that is done has none.

    Returns:
        `{"due_at", "overdue", "due_soon", "legal"}`: the promised time (ISO, or None); whether it
        has passed; whether a person was called because it is near; and, once supervisors see it,
        the law's own time as `{"at", "over"}`.
    """
    if ticket.state not in ACTIVE:
        return {"due_at": None, "overdue": False, "due_soon": False, "legal": None}
    complained_at = ticket.complained_at or ticket.opened_at
    return _json(desk, ticket.due_at, complained_at, ticket.called_at is not None, now)


async def of_conversations(
    desk: Desk, tx: AsyncConnection, conversation_ids: Sequence[str], now: datetime
) -> dict[str, dict[str, Any]]:
    """The same for each conversation: the earliest clocks of its open tickets."""
    rows = await promises.clocks_of(tx, conversation_ids)
    nothing = {"due_at": None, "overdue": False, "due_soon": False, "legal": None}
    return {
        one: _json(desk, row.due_at, row.complained_at, row.called, now) if row else nothing
        for one, row in ((one, rows.get(one)) for one in conversation_ids)
    }


async def near_the_law(desk: Desk, tx: AsyncConnection, now: datetime) -> list[dict[str, Any]]:
    """For supervisors: open tickets whose legal time is near or over, whoever has them."""
    days = timedelta(days=desk.content.promises.legal_warn_days)
    return [
        {
            "ticket_id": row.id,
            "conversation_id": row.conversation_id,
            "category": row.category,
            "owner": row.owner,
            "agent": row.agent_name,
            **_json(desk, row.due_at, row.complained_at, row.called_at is not None, now),
        }
        for row in await promises.near_the_law(tx, now - days)
    ]


def _json(
    desk: Desk, due_at: datetime, complained_at: datetime, called: bool, now: datetime
) -> dict[str, Any]:
    rules, overdue = desk.content.promises, due_at <= now
    legal = None
    if rules.warn_at(complained_at) <= now:
        legal_at = rules.legal_at(complained_at)
        legal = {"at": legal_at.isoformat(), "over": legal_at <= now}
    return {
        "due_at": due_at.isoformat(),
        "overdue": overdue,
        "due_soon": called and not overdue,
        "legal": legal,
    }
