"""What a ticket's timeline is made from: loaded for the page, the console and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.applying import bring_up_to_date
from desk.flow.desk import Desk
from desk.flow.effects import case_of
from desk.flow.facts import state_of
from desk.rules.conversation import Conversation
from desk.rules.explain import explain
from desk.rules.facts import Fact
from desk.rules.missing_news import CARRIER, question_about
from desk.rules.refused import Refused
from desk.rules.ticket import Ticket
from desk.rules.timeline import Delivery, Line, Seen, Step, past
from desk.rules.timeline_next import coming
from desk.store import carrier_calls, conversations, deliveries, dispatches, orders, tickets


@dataclass(frozen=True)
class Timeline:
    """A ticket with what happened to it and what comes next."""

    ticket: Ticket
    conversation: Conversation
    #: The order's row.
    order: Any
    history: tuple[Line, ...]
    past: tuple[Step, ...]
    next: tuple[Step, ...]


async def timeline(
    desk: Desk, tx: AsyncConnection, ticket_id: str, *, for_agent: bool = False
) -> Timeline:
    """A ticket's timeline as it is now.

    Args:
        for_agent: the version with everything; who asks has been checked by the caller.

    Raises:
        Refused: `not_found`.
    """
    known = await tickets.get(tx, ticket_id)
    if known is None:
        raise Refused("not_found", what="ticket")
    await bring_up_to_date(desk, tx, known.conversation_id)
    ticket = await tickets.get(tx, ticket_id)
    conversation = await conversations.get(tx, known.conversation_id)
    assert ticket is not None and conversation is not None
    order = await orders.get(tx, ticket.order_id)
    told_at, ask_from = await _asking(desk, tx, order)
    facts = await orders.facts_of(tx, ticket.order_id)
    seen = Seen(
        ticket=ticket,
        category=desk.content.categories.by_id.get(ticket.category),
        history=tuple(_line(entry) for entry in await tickets.entries(tx, ticket_id)),
        facts=facts,
        kinds=desk.content.facts,
        rulings=await _rulings(desk, tx, ticket, order, facts) if for_agent else {},
        dispatches=await dispatches.of_ticket(tx, ticket_id),
        deliveries=await _deliveries(tx, ticket_id) if for_agent else (),
        service=desk.content.service,
        promises=desk.content.promises,
        owner=conversation.owner,
        answer_by=await _answer_by(desk, tx, conversation),
        told_at=told_at,
        ask_from=ask_from,
    )
    return Timeline(
        ticket,
        conversation,
        order,
        tuple(seen.history),
        past(seen, for_agent=for_agent),
        coming(seen, desk.now(), for_agent=for_agent),
    )


async def _rulings(
    desk: Desk, tx: AsyncConnection, ticket: Ticket, order: Any, facts: Sequence[Fact]
) -> dict[Fact, str]:
    """What the rules make of each fact: the effect, and why."""
    case = await case_of(desk, tx, ticket, order, facts, state_of(desk, order, facts))
    if case is None:
        return {}
    looked = explain(case, desk.now()).facts
    return {one.fact: f"{one.effect}: {one.why}" for one in looked}


def _line(entry: dict[str, Any]) -> Line:
    at = datetime.fromisoformat(entry["at"])
    return Line(at, entry["kind"], entry["author"], entry["text"])


async def _deliveries(tx: AsyncConnection, ticket_id: str) -> list[Delivery]:
    return [
        Delivery(row.created_at, row.kind, row.state, row.tries, row.last_error)
        for row in await deliveries.of_ticket(tx, ticket_id)
    ]


async def _answer_by(
    desk: Desk, tx: AsyncConnection, conversation: Conversation
) -> datetime | None:
    """By when a person answers, where that is promised: out of hours with nobody at the desk."""
    if conversation.owner != "queue":
        return None
    promised = (await desk.queue_info(tx, conversation)).get("promised_at")
    return datetime.fromisoformat(promised) if promised else None


async def _asking(
    desk: Desk, tx: AsyncConnection, order: Any
) -> tuple[datetime | None, datetime | None]:
    """When the merchant told of the order, if the carrier can be asked of it; and from when on."""
    question = question_about(order) if order is not None and desk.ways.kuaidi100 else None
    if question is None:
        return None, None
    asked = await carrier_calls.get(tx, CARRIER, question.kind, question.subject)
    return order.told_at, asked.next_at if asked else None
