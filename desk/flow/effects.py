"""What new facts about an order do to its tickets, and what the customer is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.handover import hand_over
from desk.flow.outbox import tell
from desk.flow.tickets import complete, ticket_json
from desk.rules.categories import Category
from desk.rules.completion import Ruling, rule_on_all
from desk.rules.conversation import News
from desk.rules.facts import Fact
from desk.rules.ticket import Complete, Ticket
from desk.store import tickets


class Applied(NamedTuple):
    """What became of a callback: a word for counting, and the text stored in its row."""

    code: Literal[
        "done_before",
        "not_understood",
        "no_such_order",
        "nothing_new",
        "facts",
        "inform",
        "escalate",
        "complete",
        "failed",
    ]
    text: str


async def effects(
    desk: Desk, tx: AsyncConnection, order_id: str, news: Sequence[Fact], state: str
) -> list[Applied]:
    """Rule on every active ticket of the order, each under its lock, and carry the rulings out.

    Args:
        news: the order's new facts, as they were told.
        state: the order's state with all these facts.
    """
    active = await tickets.active_of_order(tx, order_id)
    # all conversations first, in one order for everybody: then nobody waits in a circle
    for conversation_id in sorted({ticket.conversation_id for ticket in active}):
        await desk.must_lock(tx, conversation_id)
    done = []
    for listed in active:
        ticket = await tickets.lock(tx, listed.id)
        category = desk.content.categories.by_id.get(ticket.category) if ticket else None
        if ticket is None or category is None:  # the category was taken out of the file: no rule
            continue
        found = rule_on_all(ticket, category, news, state)
        if found:
            done.append(await _carry_out(desk, tx, ticket, category, *found))
    return done


async def _carry_out(
    desk: Desk,
    tx: AsyncConnection,
    ticket: Ticket,
    category: Category,
    fact: Fact,
    ruling: Ruling,
) -> Applied:
    """Do to one ticket what the ruling says, and tell the customer."""
    conversation = await desk.must_lock(tx, ticket.conversation_id)
    lang = conversation.lang
    because = desk.content.facts[fact.fact].label[lang]
    label = category.label[lang]
    done = f"{ruling.effect} {ticket.id}: {ruling.why}"
    if ruling.effect == "complete":
        words = desk.say("utter_ticket_completed", lang, label=label, because=because)
        await complete(
            desk, tx, conversation, ticket.id, Complete("fact", fact.fact), words, "system"
        )
        return Applied("complete", done)
    words = desk.say("utter_ticket_informed", lang, label=label, because=because)
    news = News(ticket_json(desk, ticket, lang), words, (desk.human_choice(lang),))
    conversation, _ = await desk.carry_out(tx, conversation, news)
    if ruling.effect == "inform" or conversation.owner != "bot":  # else the handover is the news
        await tell(desk, tx, "ticket.progress", conversation, ticket, words)
    if ruling.effect == "inform":
        return Applied("inform", done)
    summary = f"工单 {category.label['zh']}：{desk.content.facts[fact.fact].label['zh']}"
    await hand_over(desk, tx, conversation, "escalated", summary)
    return Applied("escalate", done)
