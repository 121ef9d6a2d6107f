"""How a history ended, what of it was not as expected, and its whole log for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.flow.desk import Desk
from desk.store import events, orders, tickets
from desk.store.tables import callbacks


async def end_of(
    desk: Desk, order_id: str, conversation_id: str, opened: Mapping[str, str]
) -> dict[str, Any]:
    """How things stand: the order, the conversation, and each ticket.

    Args:
        opened: category a ticket was opened with -> its id.
    """
    async with desk.db.begin() as tx:
        log = await events.read_after(tx, conversation_id, 0, notes=True)
        order = await orders.get(tx, order_id)
        found = {name: await tickets.get(tx, one) for name, one in opened.items()}
    told = [e for e in log if e["kind"] == "message" and e["author"] == "system"]
    return {
        "order_state": order.state,
        "person": any(e["kind"] == "owner" and e.get("owner") == "queue" for e in log),
        "told": len(told),
        "tickets": {
            name: {
                "state": "open" if ticket.state == "dispatched" else ticket.state,
                "because": ticket.completed_because,
                "category": ticket.category,
                "asked": ticket.state in ("open", "dispatched") and bool(ticket.asked_fact),
                "reopened": ticket.reopened,
            }
            for name, ticket in found.items()
        },
    }


def misses(expect: Mapping[str, Any], ended: Mapping[str, Any], ticket: str) -> list[str]:
    """What is not as expected, in words; [] when all is."""
    is_now = {**ended, **ended["tickets"][ticket]}
    found = []
    for key, wanted in expect.items():
        if key == "any":
            if all(misses(other, ended, ticket) for other in wanted):
                got = {k: is_now[k] for k in ("state", "because", "person", "asked")}
                found.append(f"{ticket}: expected any of {wanted}, got {got}")
        elif key == "told":
            if is_now["told"] > wanted:
                found.append(f"{ticket}: expected at most {wanted} messages, got {is_now['told']}")
        elif is_now[key] != wanted:
            found.append(f"{ticket}: expected {key} {wanted!r}, got {is_now[key]!r}")
    return found


async def log_of(
    desk: Desk,
    order_id: str,
    conversation_id: str,
    opened: Mapping[str, str],
    done: Sequence[str],
    zero: datetime,
) -> str:
    """Everything about a history: what was done (`done`), facts, tickets, conversation."""
    async with desk.db.begin() as tx:
        log = await events.read_after(tx, conversation_id, 0, notes=True)
        facts = await orders.facts_of(tx, order_id)
        entries = {name: await tickets.entries(tx, one) for name, one in opened.items()}
        kept = list(
            await tx.execute(
                select(callbacks).where(callbacks.c.order_id == order_id).order_by(callbacks.c.id)
            )
        )

    def hour(when: datetime | str | None) -> str:
        parsed = datetime.fromisoformat(when) if isinstance(when, str) else when
        return f"{(parsed - zero) / timedelta(hours=1):8.2f} h" if parsed else "   no time"

    shown = ["what was done:", *done, "what became of the callbacks:"]
    shown += [f"{hour(row.received_at)} {row.source}: {row.result}" for row in kept]
    shown.append("facts (received, occurred):")
    shown += [
        f"{hour(one.received_at)} {hour(one.occurred_at)}  {one.fact} ({one.source} {one.code})"
        for one in facts
    ]
    for name, rows in entries.items():
        shown.append(f"ticket {name}:")
        shown += [
            f"{hour(row['at'])}  {row['kind']} by {row['author']}: {row['text']}" for row in rows
        ]
    shown.append("conversation:")
    for event in log:
        ticket = event.get("ticket") or {}
        words = event.get("text") or f"{ticket.get('category', '')} {ticket.get('state', '')}"
        owner = f" -> {event['owner']} ({event.get('reason')})" if event.get("owner") else ""
        shown.append(f"{hour(event['at'])}  {event['author']} {event['kind']}{owner}: {words}")
    return "\n".join(shown)
