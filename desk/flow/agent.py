"""What an agent does: claim, write, note, release, resolve, and work on tickets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.applying import bring_up_to_date, settle_order_of
from desk.flow.clocks import near_the_law, of_conversations, of_ticket
from desk.flow.customer import check_text
from desk.flow.desk import ONLINE_FOR, Desk
from desk.flow.dispatch_shown import shown
from desk.flow.outbox import tell_agent_wrote
from desk.flow.tickets import Opening, complete, correct, open_ticket, ticket_json
from desk.rules.conversation import AgentNote, AgentSay, Claim, Conversation, Release
from desk.rules.refused import Refused
from desk.rules.ticket import Complete
from desk.store import agents, conversations, events, orders, tickets
from desk.store.db import notify

#: An agent's view of a conversation shows so many of its events, the newest.
EVENTS_SHOWN = 2000


@dataclass(frozen=True)
class Agent:
    """Who is logged in."""

    id: str
    name: str
    role: str


async def claim(desk: Desk, agent: Agent, conversation_id: str) -> Conversation:
    """Take a conversation from the queue or from the bot; exactly one of many claimers gets it.

    Raises:
        Refused: `not_found`, `already_claimed`.
    """
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, conversation_id)
        notice = desk.say("utter_agent_joined", conversation.lang, agent=agent.name)
        after, _ = await desk.carry_out(tx, conversation, Claim(agent.id, agent.name, notice))
        return after


async def release(
    desk: Desk, agent: Agent, conversation_id: str, to: Literal["queue", "bot"], *, resolved: bool
) -> Conversation:
    """Give a conversation back to the queue or the bot; `resolved` says goodbye on the way.

    Raises:
        Refused: `not_found`, `not_your_conversation`.
    """
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, conversation_id)
        lang = conversation.lang
        if to == "queue":
            name, queue = "utter_agent_left_requeued", await desk.queue_info(tx, conversation)
        else:
            name, queue = "utter_resolved_by_agent" if resolved else "utter_given_back", {}
        command = Release(
            agent.id,
            to,
            desk.say(name, lang),
            queue=queue,
            forced=agent.role == "supervisor",
            choices=(desk.human_choice(lang),),
        )
        after, _ = await desk.carry_out(tx, conversation, command)
        return after


async def write(
    desk: Desk, agent: Agent, conversation_id: str, text: str, client_id: str, *, note: bool
) -> dict[str, Any]:
    """A message to the customer, or a private note that no customer ever sees.

    Returns:
        The stored event; the same one again for the same `client_id`.

    Raises:
        Refused: `not_found`, `not_your_conversation`, `text_blank`, `text_too_long`.
    """
    text = check_text(text)
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, conversation_id)
        known = await events.by_client_id(tx, conversation_id, "agent", client_id)
        if known:
            return known
        command = (
            AgentNote(agent.id, agent.name, text, client_id)
            if note
            else AgentSay(agent.id, text, client_id)
        )
        after, stored = await desk.carry_out(tx, conversation, command)
        if not note:
            await tell_agent_wrote(desk, tx, conversation, after)
        return stored[0]


async def typing(desk: Desk, agent: Agent, conversation_id: str) -> None:
    """Tell the customer's page that the agent is typing; not stored."""
    async with desk.db.begin() as tx:
        conversation = await conversations.get(tx, conversation_id)
        if conversation is not None and conversation.agent_id == agent.id:
            await notify(tx, what="typing", conversation=conversation_id, author="agent")


async def agent_opens_ticket(
    desk: Desk, agent: Agent, conversation_id: str, category: str, text: str, client_id: str
) -> dict[str, Any]:
    """Open a ticket in the customer's name.

    Raises:
        Refused: `not_found`, `unknown_category`, `text_blank`, `text_too_long`.
    """
    text = check_text(text)
    async with desk.db.begin() as tx:
        await settle_order_of(desk, tx, conversation_id)
        conversation = await desk.must_lock(tx, conversation_id)
        key = f"{conversation_id}:agent:{client_id}"
        opening = Opening(category, text, f"agent:{agent.name}", key)
        ticket, outcome = await open_ticket(desk, tx, conversation, opening)
        return {"ticket": ticket_json(desk, ticket, conversation.lang), "outcome": outcome}


async def _of_ticket(desk: Desk, tx: AsyncConnection, ticket_id: str) -> Conversation:
    ticket = await tickets.get(tx, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    return await desk.must_lock(tx, ticket.conversation_id)


async def correct_category(
    desk: Desk, agent: Agent, ticket_id: str, category: str
) -> dict[str, Any]:
    """Give a ticket the right category.

    Raises:
        Refused: `not_found`, `unknown_category`, `ticket_state`.
    """
    async with desk.db.begin() as tx:
        conversation = await _of_ticket(desk, tx, ticket_id)
        ticket, _ = await correct(
            desk, tx, conversation, ticket_id, category, f"agent:{agent.name}"
        )
        return ticket_json(desk, ticket, conversation.lang)


async def resolve_ticket(desk: Desk, agent: Agent, ticket_id: str, text: str) -> dict[str, Any]:
    """Complete a ticket by hand; `text` (may be empty) tells the customer what was done.

    Raises:
        Refused: `not_found`, `ticket_state`, `text_too_long`.
    """
    done = check_text(text) if text.strip() else ""
    async with desk.db.begin() as tx:
        conversation = await _of_ticket(desk, tx, ticket_id)
        ticket = await tickets.get(tx, ticket_id)
        assert ticket is not None
        label = desk.content.categories.label(ticket.category, conversation.lang)
        words = desk.say("utter_ticket_resolved_by_agent", conversation.lang, label=label)
        after = await complete(
            desk,
            tx,
            conversation,
            ticket_id,
            Complete("agent", done or agent.name),
            f"{words}\n{done}".strip(),
            f"agent:{agent.name}",
        )
        return ticket_json(desk, after, conversation.lang)


async def queue_view(desk: Desk, agent: Agent) -> dict[str, Any]:
    """What the console's left column shows: who waits, and the agent's own conversations.

    Whoever looks at it is at their desk, also where the network lets no event stream through.
    """
    now = desk.now()
    async with desk.db.begin() as tx:
        await agents.seen(tx, agent.id, now)
        waiting = await conversations.waiting(tx)
        mine = await conversations.of_agent(tx, agent.id)
        said = await events.last_messages(tx, [row.id for row in waiting], author="customer")
        last = await events.last_messages(tx, [row.id for row in mine])
        online = await agents.online(tx, now - ONLINE_FOR)
        clocks = await of_conversations(desk, tx, [row.id for row in (*waiting, *mine)], now)
        late = await near_the_law(desk, tx, now) if agent.role == "supervisor" else None
    return {
        "waiting": [
            {
                **_listed(row, said.get(row.id)),
                **clocks[row.id],
                "reason": row.handover_reason,
                "summary": row.handover_summary,
                "waiting_since": row.waiting_since.isoformat(),
                "waited_s": round((now - row.waiting_since).total_seconds()),
                "position": place,
            }
            for place, row in enumerate(waiting, start=1)
        ],
        "mine": [
            {
                **_listed(row, last.get(row.id)),
                **clocks[row.id],
                "owes_since": row.agent_owes_since.isoformat() if row.agent_owes_since else None,
                "unread": row.agent_owes_since is not None,
            }
            for row in mine
        ],
        **({} if late is None else {"near_the_law": late}),
        "agents_online": online,
        "service_open": desk.content.service.is_open(now),
    }


def _listed(row: Any, last: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "conversation_id": row.id,
        "customer": (row.order_details or {}).get("customer_name") or row.customer_id,
        "lang": row.lang,
        "order": {
            "id": row.order_id,
            "carrier": row.carrier,
            "waybill": row.waybill,
            "state": row.order_state,
        },
        "last_text": (last or {}).get("text", ""),
        "last_author": (last or {}).get("author"),
        "last_at": (last or {}).get("at"),
        "last_seq": row.last_seq,
    }


async def conversation_view(desk: Desk, conversation_id: str) -> dict[str, Any]:
    """Everything an agent sees of a conversation, private notes included.

    Of its events the newest `EVENTS_SHOWN`; `earlier_events` says how many came before those.

    Raises:
        Refused: `not_found`.
    """
    async with desk.db.begin() as tx:
        await bring_up_to_date(desk, tx, conversation_id)
        conversation = await conversations.get(tx, conversation_id)
        if conversation is None:
            raise Refused("not_found", what="conversation")
        order = await orders.get(tx, conversation.order_id)
        now = desk.now()
        earlier = max(conversation.last_seq - EVENTS_SHOWN, 0)
        log = await events.read_after(tx, conversation_id, earlier, notes=True, limit=EVENTS_SHOWN)
        held = await tickets.of_conversation(tx, conversation_id)
        listed = [
            {
                **of_ticket(desk, t, now),
                **ticket_json(desk, t, conversation.lang),
                "text": t.text,
                "entries": await tickets.entries(tx, t.id),
                "review": await tickets.review(tx, t.id),
                "dispatch": await shown(tx, t.id),
            }
            for t in held
        ]
    return {
        "conversation": {
            "id": conversation.id,
            "owner": conversation.owner,
            "agent": {"id": conversation.agent_id, "name": conversation.agent_name}
            if conversation.agent_id
            else None,
            "epoch": conversation.epoch,
            "stated": conversation.stated,
            "lang": conversation.lang,
            "customer": (order.details or {}).get("customer_name") or conversation.customer_id
            if order
            else conversation.customer_id,
            "reason": conversation.handover_reason,
            "summary": conversation.handover_summary,
            "waiting_since": conversation.waiting_since.isoformat()
            if conversation.waiting_since
            else None,
            "last_seq": conversation.last_seq,
        },
        "order": order_json(order) if order else None,
        "events": log,
        "earlier_events": earlier,
        "tickets": listed,
    }


def order_json(order: Any) -> dict[str, Any]:
    """An order as the API shows it."""
    return {
        "id": order.id,
        "carrier": order.carrier,
        "waybill": order.waybill,
        "state": order.state,
        "fees": order.fees,
        "details": order.details,
        "created_at": order.created_at.isoformat(),
    }
