"""Tickets open again after their completion; and the customer's word on whether one is settled."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow import dispatching
from desk.flow.desk import Desk
from desk.flow.handover import hand_over
from desk.flow.outbox import tell
from desk.flow.tickets import (
    asked,
    complete,
    due_time,
    locked,
    promise_words,
    tell_customer,
    ticket_json,
)
from desk.rules.conversation import Conversation, News
from desk.rules.refused import Refused
from desk.rules.ticket import ACTIVE, Add, Complete, Deny, Entry, Join, Reopen, Ticket, decide
from desk.store import orders, tickets

#: States of an order in which no carrier's news is to come that could still settle something.
_OVER = ("delivered", "returned", "cancelled", "pickup_failed")


async def reopen(
    desk: Desk, tx: AsyncConnection, conversation: Conversation, ticket_id: str, author: str
) -> Ticket:
    """Reopen a completed ticket because somebody says so; an active one is returned as it is.

    A ticket that a fact completed may be another matter once the customer says that the fact is
    not so (`reopened_as` of `data/categories.yml`): a pickup that was none is a false record.

    Returns:
        The ticket that stands now: this one, or an open one of that other category.

    Raises:
        Refused: `not_found`, `reopen_too_late`, `ticket_state`, `already_open`.
    """
    before = await locked(tx, ticket_id)
    if before.state in ACTIVE:
        return before
    category = _reopened_as(desk, before, author)
    other = await tickets.active_for(tx, before.order_id, category or before.category)
    if other is not None and category is None:
        raise Refused("already_open", ticket=other.id)
    if other is not None:
        return await _join(desk, tx, conversation, before, other, author)
    now = desk.now()
    due_at = due_time(desk, category or before.category, now, now)
    after, entry = decide(before, Reopen("", due_at, category=category), now)
    label = desk.content.categories.label(after.category, conversation.lang)
    promise = promise_words(desk, after.due_at, conversation.lang)
    name = "utter_ticket_reopened_as" if category else "utter_ticket_reopened"
    words = desk.say(name, conversation.lang, label=label, promise=promise)
    return await _reopened(desk, tx, conversation, before, after, entry, author, words)


async def reopen_by_news(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    ticket_id: str,
    fact: str,
    words: str | None,
) -> Ticket:
    """Reopen a ticket that a fact completed, because `fact` has undone it. The clock runs anew.

    Args:
        words: what the customer is told; None when it is told with what follows.

    Raises:
        Refused: `not_found`, `reopen_too_late`, `ticket_state`.
    """
    before = await locked(tx, ticket_id)
    now = desk.now()
    due_at = due_time(desk, before.category, before.complained_at, now)
    after, entry = decide(before, Reopen(fact, due_at, complains=False), now)
    return await _reopened(desk, tx, conversation, before, after, entry, "system", words)


async def _reopened(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    before: Ticket,
    after: Ticket,
    entry: Entry,
    author: str,
    words: str | None,
) -> Ticket:
    await tickets.save(tx, before, after)
    await tickets.add_entry(tx, after.id, entry, author, desk.now())
    conversation = await tell_customer(desk, tx, conversation, after, words)
    await tell(desk, tx, "ticket.reopened", conversation, after)
    await dispatching.plan(desk, tx, after)
    return after


def _reopened_as(desk: Desk, ticket: Ticket, author: str) -> str | None:
    """The category of a completed ticket once the customer disputes the fact that completed it."""
    category = desk.content.categories.by_id.get(ticket.category)
    if category is None or ticket.completed_by != "fact" or author != "customer":
        return None
    return category.reopened_as.get(ticket.completed_because or "")


async def _join(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    before: Ticket,
    other: Ticket,
    author: str,
) -> Ticket:
    """The other ticket stands for the need already: what was said goes into it."""
    now = desk.now()
    gone, entry = decide(before, Join(other.id), now)
    await tickets.save(tx, before, gone)
    await tickets.add_entry(tx, gone.id, entry, author, now)
    after, entry = decide(other, Add(before.text), now)
    await tickets.save(tx, other, after)
    await tickets.add_entry(tx, after.id, entry, author, now)
    lang = conversation.lang
    conversation, _ = await desk.carry_out(tx, conversation, News(ticket_json(desk, gone, lang)))
    label = desk.content.categories.label(after.category, lang)
    promise = promise_words(desk, after.due_at, lang)
    words = desk.say("utter_ticket_reopened_as", lang, label=label, promise=promise)
    await tell_customer(desk, tx, conversation, after, words)
    await dispatching.add(desk, tx, after, before.text)
    return after


async def settled(
    desk: Desk, tx: AsyncConnection, conversation: Conversation, ticket_id: str, yes: bool
) -> Ticket:
    """The customer says whether it is settled: our question's answer, or of their own accord.

    After a no a person is called when it is the second, or when nothing more is to be expected
    from the carrier. A no to a completed ticket reopens it.

    Raises:
        Refused: `not_found`, `ticket_state`, and those of `reopen`.
    """
    before = await locked(tx, ticket_id)
    lang = conversation.lang
    label = desk.content.categories.label(before.category, lang)
    if yes:
        if before.state == "completed":  # tapped twice
            return before
        words = desk.say("utter_ticket_settled", lang, label=label)
        command = Complete("customer", before.asked_fact or "settled")
        return await complete(desk, tx, conversation, ticket_id, command, words, "customer")
    if before.state == "completed":
        return await reopen(desk, tx, conversation, ticket_id, "customer")
    now = desk.now()
    after, entry = decide(before, Deny(), now)
    await tickets.save(tx, before, after)
    await tickets.add_entry(tx, after.id, entry, "customer", now)
    words = desk.say("utter_ticket_not_settled", lang, label=label)
    conversation = await tell_customer(desk, tx, conversation, after, words)
    said = asked(desk, before, "zh")
    if said is not None:
        order = await orders.get(tx, before.order_id)
        history = await tickets.entries(tx, ticket_id)
        refusals = [line for line in history if line["kind"] == "not_settled" and line["text"]]
        if len(refusals) > 1 or (order is not None and order.state in _OVER):
            zh = desk.content.categories.label(before.category, "zh")
            summary = f"工单 {zh}：快递公司说“{said['text']}”，客户说没有解决"
            await hand_over(desk, tx, conversation, "escalated", summary)
    return after
