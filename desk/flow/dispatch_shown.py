"""What agents see of the dispatches of a ticket."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.rules.dispatch import STUCK, Dispatch
from desk.store import dispatches


async def shown(tx: AsyncConnection, ticket_id: str) -> dict[str, Any] | None:
    """The last round of a ticket for agents' eyes; None when nothing goes out for it."""
    sent = await dispatches.of_ticket(tx, ticket_id)
    rounds = [dispatch for dispatch in sent if dispatch.part == 0]
    if not rounds:
        return None
    last = rounds[-1]
    parts = [d for d in sent if d.part and d.round == last.round]
    return {
        "round": last.round,
        "via": last.via,
        "state": last.state,
        "why": last.why or None,
        "number": last.remote_id,
        "status": last.answer.get("status"),
        "tries": last.tries,
        "sent_at": last.sent_at.isoformat() if last.sent_at else None,
        "next_at": last.next_at.isoformat() if last.next_at else None,
        "additions": {"all": len(parts), "sent": sum(d.state == "accepted" for d in parts)},
        "actions": actions(last),
    }


def actions(dispatch: Dispatch) -> list[str]:
    """What an agent may do about a dispatch."""
    if dispatch.state in STUCK:
        return ["mark_sent", "again"]
    return ["mark_sent"] if dispatch.state == "waiting" else []
